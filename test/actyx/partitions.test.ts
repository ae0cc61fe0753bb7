import { expect, test } from 'vitest'
import { actyxOf, type Actyx, type ActyxEvent } from '../../src/actyx/actyx.ts'
import { createRandom } from '../random.ts'
import { createNodeWorld } from '../node/world.ts'

interface Said {
  readonly n: number
}

type SaidEvent = ActyxEvent<Said>

const byKey = (a: SaidEvent, b: SaidEvent) => a.meta.lamport - b.meta.lamport || (a.meta.stream < b.meta.stream ? -1 : 1)
const byTime = (a: SaidEvent, b: SaidEvent) => a.meta.timestampMicros - b.meta.timestampMicros || byKey(a, b)
const ids = (events: readonly ActyxEvent[]) => events.map(({ meta }) => meta.eventId)
const better = (a: SaidEvent, b: SaidEvent) => a.payload.n > b.payload.n || (a.payload.n === b.payload.n && byKey(a, b) < 0)

/** Everything that follows events on one node, and what it knows in the end. */
const followAll = (actyx: Actyx, query: string) => {
  const seen = { single: [] as ActyxEvent[], chunked: [] as ActyxEvent[], ordered: [] as ActyxEvent[], sum: undefined as number | undefined, travels: 0 }
  const best: Record<string, string | undefined> = {}
  const errors: unknown[] = []
  const failed = (error: unknown) => errors.push(error)
  const keep = (name: string) => (_: Said, meta: { eventId: string }) => void (best[name] = meta.eventId)
  actyx.subscribe({ query }, (event) => void seen.single.push(event), failed)
  actyx.subscribeChunked({ query }, { maxChunkSize: 7 }, ({ events }) => void seen.chunked.push(...events), failed)
  const begin = (): void => {
    seen.ordered = []
    actyx.subscribeMonotonic({ sessionId: '', query }, (message) => {
      if (message.type === 'events') seen.ordered.push(...message.events)
      else seen.travels++
    }, (error) => (error === undefined ? begin() : failed(error)))
  }
  begin()
  actyx.observeEarliest({ query }, keep('earliest'), failed)
  actyx.observeLatest({ query }, keep('latest'), failed)
  actyx.observeEarliest({ query, eventOrder: 'timestamp' }, keep('first'), failed)
  actyx.observeLatest({ query, eventOrder: 'timestamp' }, keep('last'), failed)
  actyx.observeBestMatch(query, better, keep('best'), failed)
  actyx.observeUnorderedReduce(query, (sum: number, { n }: Said) => sum + n, 0, (sum) => void (seen.sum = sum), failed)
  return { seen, best, errors }
}

const selections: readonly (readonly [string, (event: SaidEvent, appId: string) => boolean])[] = [
  ["'a'", ({ meta }) => meta.tags.includes('a')],
  ["'a' & 'b' | 'c'", ({ meta: { tags } }) => (tags.includes('a') && tags.includes('b')) || tags.includes('c')],
  ["appId(me) & 'b'", ({ meta }, appId) => meta.appId === appId && meta.tags.includes('b')],
]

test.each([1, 2, 3, 4, 5])('[C14] [C18] [C21] [C27] [C28] whatever is said, parted and healed, every form on every node ends as a loop over all events says, seed %i', async (seed) => {
  const random = createRandom(seed)
  const { world, network, tablet } = await createNodeWorld(seed)
  const tablets = [tablet(), tablet(), tablet()]
  const nodes = await Promise.all(tablets.map(async (profile, at) => {
    const { node, tab } = await profile.open()
    tab.setClockSkewMs((at - 1) * 5_000)
    const appId = `com.example.app${at % 2}`
    return { appId, actyx: actyxOf(node, { appId }, { nowMicros: tab.environment.nowMicros, after: world.after }) }
  }))
  const all: SaidEvent[] = []
  const followers: { readonly at: number; readonly selection: number; readonly told: ReturnType<typeof followAll> }[] = []
  const follow = (at: number) => selections.forEach(([text], selection) => {
    const actyx = nodes[at]?.actyx
    if (actyx !== undefined) followers.push({ at, selection, told: followAll(actyx, text) })
  })
  const begins = nodes.map(() => random.below(30))
  for (let step = 0; step < 50; step++) {
    begins.forEach((begin, at) => begin === step && follow(at))
    const at = random.below(3)
    const { name } = tablets[at] ?? { name: '' }
    const action = random.below(10)
    if (action === 0) network.cut(name)
    else if (action === 1) network.heal(name)
    else if (action === 2) await world.advance(random.below(3_000))
    else {
      const said = Array.from({ length: 1 + random.below(4) }, () => ({ tags: ['a', 'b', 'c'].filter(() => random.below(2) === 0), event: { n: random.below(20) } }))
      const metas = await nodes[at]?.actyx.publish(said)
      metas?.forEach((meta, place) => all.push({ meta, payload: said[place]?.event ?? { n: 0 } }))
    }
  }
  for (const { name } of tablets) network.heal(name)
  const total = async (actyx: Actyx) => Object.values(await actyx.present()).reduce((sum, last) => sum + last + 1, 0)
  await world.until(async () => (await Promise.all(nodes.map(({ actyx }) => total(actyx)))).every((held) => held === all.length), 200_000)
  await world.advance(12_000)
  all.sort(byKey)
  expect(followers).toHaveLength(9)
  for (const { at, selection, told } of followers) {
    const [text, means] = selections[selection] ?? ["'a'", () => false]
    const { actyx, appId } = nodes[at] ?? { actyx: undefined, appId: '' }
    const meant = all.filter((event) => means(event, appId))
    const first = (compare: (a: SaidEvent, b: SaidEvent) => number) => meant.toSorted(compare)[0]?.meta.eventId
    const reverse = (compare: (a: SaidEvent, b: SaidEvent) => number) => (a: SaidEvent, b: SaidEvent) => compare(b, a)
    expect(told.errors).toEqual([])
    expect([at, text, ids(told.seen.ordered)]).toEqual([at, text, ids(meant)])
    for (const events of [told.seen.single, told.seen.chunked]) expect(ids(events).toSorted()).toEqual(ids(meant))
    expect(told.seen.sum).toBe(meant.reduce((sum, { payload }) => sum + payload.n, 0))
    expect(told.best).toEqual({
      earliest: first(byKey), latest: first(reverse(byKey)), first: first(byTime), last: first(reverse(byTime)), best: first((a, b) => (better(a, b) ? -1 : 1)),
    })
    const asked = async (order?: string) => ids((await actyx?.queryAllKnown({ query: text, ...(order !== undefined && { order }) }))?.events ?? [])
    expect(await asked()).toEqual(ids(meant))
    expect(await asked('desc')).toEqual(ids(meant).toReversed())
    expect(await asked('stream-asc')).toEqual(ids(meant.toSorted((a, b) => (a.meta.stream === b.meta.stream ? byKey(a, b) : a.meta.stream < b.meta.stream ? -1 : 1))))
  }
  expect(followers.some(({ told }) => told.seen.travels > 0)).toBe(true)
})
