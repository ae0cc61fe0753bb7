import { expect, test } from 'vitest'
import { compareEventKeys } from '../../src/core/event-key.ts'
import type { Event } from '../../src/core/event.ts'
import type { JsonValue } from '../../src/core/json.ts'
import type { Node } from '../../src/node/node.ts'
import type { Fish } from '../../src/pond/fish.ts'
import { createPond, type Pond } from '../../src/pond/pond.ts'
import { createRandom } from '../random.ts'
import { createNodeWorld, readAll, tagged } from '../node/world.ts'

/** Every value of the state depends on the order of all events. */
const trail = (version: number): Fish<readonly JsonValue[], JsonValue> => ({
  fishId: { entityType: 'trail', name: 'all', version },
  where: [{ tags: ['piece'] }],
  initialState: [],
  onEvent: (state, event) => [...state, version === 1 ? event : [event]],
})

const sinceReset: Fish<readonly JsonValue[], JsonValue> = {
  ...trail(1),
  fishId: { entityType: 'since reset', name: 'all', version: 1 },
  isReset: (event) => typeof event === 'number' && event % 7 === 0,
}

/** Opaque: a `Map` cannot be frozen. */
const places: Fish<ReadonlyMap<JsonValue, number>, JsonValue> = {
  fishId: { entityType: 'places', name: 'all', version: 1 },
  where: [{ tags: ['piece'] }],
  initialState: new Map(),
  onEvent: (state, event) => new Map(state).set(event, state.size),
}

const naive = <S>({ where, initialState, isReset, onEvent }: Fish<S, JsonValue>, events: readonly Event[]): S => {
  const chosen = events.filter(({ meta }) => where.some(({ tags }) => tags.every((tag) => meta.tags.includes(tag)))).toSorted((a, b) => compareEventKeys(a.meta, b.meta))
  const first = isReset === undefined ? 0 : Math.max(0, chosen.findLastIndex(({ payload, meta }) => isReset(payload, meta)))
  return chosen.slice(first).reduce((state, { payload, meta }) => onEvent(state, payload, meta), initialState)
}

/** What an observer was told, whole. */
const observed = <S>(pond: Pond, fish: Fish<S, JsonValue>) => {
  const states: S[] = []
  const errors: unknown[] = []
  const cancel = pond.observe(fish, (state) => states.push(state), (error) => errors.push(error))
  return { states, errors, cancel }
}

const pondOf = (node: Node, after: (delayMs: number, call: () => void) => () => void) => {
  const reports: unknown[] = []
  return { pond: createPond(node, { after, nowMs: () => 0, report: (error) => reports.push(error) }), reports }
}

test.each([1, 2, 3, 4])('[G3] [G5] after partitions and restarts every fish on every node is what a fold over all events in order gives, seed %i', async (seed) => {
  const random = createRandom(seed)
  const { world, network, tablet } = await createNodeWorld(seed)
  const tablets = [tablet(), tablet(), tablet()]
  const opened: Awaited<ReturnType<typeof open>>[] = []
  const open = async (at: number, version: number) => {
    const one = await (tablets[at] ?? tablet()).open()
    const { pond, reports } = pondOf(one.node, world.after)
    return { ...one, pond, reports, version, trail: observed(pond, trail(version)), since: observed(pond, sinceReset), places: observed(pond, places) }
  }
  for (const at of tablets.keys()) opened.push(await open(at, 1))
  let count = 0
  for (let step = 0; step < 50; step++) {
    const at = random.below(3)
    const name = tablets[at]?.name ?? ''
    const action = random.below(12)
    if (action === 0) network.cut(name)
    else if (action === 1) network.heal(name)
    else if (action === 2) await world.advance(random.below(3_000))
    else if (action === 3) {
      if (random.below(2) === 0) await opened[at]?.pond.dispose()
      opened[at]?.tab.crash()
      opened[at] = await open(at, 1 + random.below(2))
    } else await opened[at]?.node.publish(Array.from({ length: 1 + random.below(60) }, () => tagged(count++ % 50 === 0 ? 7 * count : 7 * count + 1, random.below(5) > 0 ? 'piece' : 'other')))
  }
  for (const { name } of tablets) network.heal(name)
  await world.until(async () => new Set((await Promise.all(opened.map(({ node }) => node.present()))).map((present) => JSON.stringify(Object.entries(present).toSorted()))).size === 1, 200_000)
  await world.advance(15_000)
  for (const { node, version, reports, ...fish } of opened) {
    const events = await readAll(node)
    expect(events.length).toBeGreaterThan(300)
    expect([reports, fish.trail.errors, fish.since.errors, fish.places.errors]).toEqual([[], [], [], []])
    expect(fish.trail.states.at(-1)).toEqual(naive(trail(version), events))
    expect(fish.since.states.at(-1)).toEqual(naive(sinceReset, events))
    expect(fish.places.states.at(-1)).toEqual(naive(places, events))
  }
})
