import { expect, test } from 'vitest'
import type { Event } from '../../src/core/event.ts'
import { streamIdOf } from '../../src/core/ids.ts'
import type { Heads } from '../../src/node/reader.ts'
import { createSubscriptions } from '../../src/node/subscriptions.ts'
import { StoreError } from '../../src/store/errors.ts'
import { createReaderTwin, streamOf } from './reader-twin.ts'
import { createNodeWorld, follow, payloads, sortedTexts, tagged } from './world.ts'

test('[G5] a late event makes a subscription start over', async () => {
  const { world, network, tablet } = await createNodeWorld()
  const [a, b] = [tablet(), tablet()]
  network.cut(a.name)
  const [{ node: early }, { node: late }] = [await a.open(), await b.open()]
  await early.publish([tagged('early', 'x'), tagged('other', 'y')])
  await late.publish([tagged('late 1', 'x')])
  await late.publish([tagged('late 2', 'x')])
  const [all, tagX, tagY, tagZ] = [follow(late), follow(late, { where: [{ tags: ['x'] }] }), follow(late, { where: [{ tags: ['y'] }] }), follow(late, { where: [{ tags: ['z'] }] })]
  await world.settle()
  expect(payloads(all.given)).toEqual(['late 1', 'late 2'])
  network.heal(a.name)
  await world.until(async () => Object.keys(await late.present()).length === 2)
  await world.advance(200)
  const ids = all.given.map(({ meta }) => meta.eventId)
  expect(ids).toEqual(ids.toSorted())
  expect(sortedTexts(all.given)).toEqual(['early', 'late 1', 'late 2', 'other'])
  expect(all.travels).toEqual([{ lamport: 1001, stream: `${early.nodeId}-0` }])
  expect(sortedTexts(tagX.given)).toEqual(['early', 'late 1', 'late 2'])
  // Nothing that these two had been given is concerned.
  expect(payloads(tagY.given)).toEqual(['other'])
  expect(tagY.travels).toEqual([])
  expect(tagZ.seen.caughtUp).toBe(1)
})

test('[G1] bounds hold for what comes later too', async () => {
  const { world, tablet } = await createNodeWorld()
  const { node } = await tablet().open()
  const stream = streamIdOf(node.nodeId, 0)
  await node.publish([tagged(0), tagged(1)])
  const seen = follow(node, { lowerBound: { [stream]: 0 }, upperBound: { [stream]: 3 } })
  await node.publish([tagged(2)])
  await node.publish([tagged(3), tagged(4)])
  await node.publish([tagged(5)])
  await world.settle()
  expect(payloads(seen.given)).toEqual([1, 2, 3])
})

test('[G1] says when it has caught up, also with nothing', async () => {
  const { world, tablet } = await createNodeWorld()
  const { node } = await tablet().open()
  const seen = follow(node)
  await world.settle()
  expect(seen.seen.caughtUp).toBe(1)
  await node.publish([tagged('one')])
  await world.settle()
  expect(seen.seen.caughtUp).toBe(2)
})

/** Subscriptions over a reader that gives what `events` holds: one stream. */
const over = (events: Event[], fails: () => Error | undefined = () => undefined) => {
  const stream = streamIdOf('A'.repeat(43) as never, 0)
  const heads = async (): Promise<Heads> => new Map([[stream, { next: events.length, lamport: 1, headerId: new Uint8Array(32), start: 0, openFirst: 0, ended: false }]])
  const query = async function* (asked: { lowerBound?: Record<string, number>; upperBound?: Record<string, number> }) {
    for (const event of events.slice((asked.lowerBound?.[stream] ?? -1) + 1, (asked.upperBound?.[stream] ?? -1) + 1)) {
      const error = fails()
      if (error !== undefined) throw error
      yield event
    }
  }
  const add = (count: number) => {
    for (let at = 0; at < count; at++) {
      const key = { lamport: events.length + 1, stream }
      events.push({ meta: { ...key, eventId: '' as never, offset: events.length, timestampMicros: 0, appId: '', tags: [], isLocalEvent: false, timestampAsDate: () => new Date(0) }, payload: events.length })
    }
  }
  return { subscriptions: createSubscriptions({ heads, query: query as never }, { isBehind: () => false, after: () => () => undefined }), add }
}

const turns = async () => {
  for (let turn = 0; turn < 50; turn++) await new Promise<void>((resolve) => queueMicrotask(resolve))
}

test('[G1] gives the next chunk after the promise of the one before, and word of growth meanwhile is not lost', async () => {
  const { subscriptions, add } = over([])
  add(1_200)
  const chunks: { readonly length: number; readonly caughtUp: boolean }[] = []
  let go = () => {}
  subscriptions.subscribe({}, {
    events: (chunk, caughtUp) => {
      chunks.push({ length: chunk.length, caughtUp })
      return new Promise<void>((resolve) => (go = resolve))
    },
    timeTravel: () => expect.unreachable(),
    failed: (error) => expect.unreachable(error.message),
  })
  await until(() => chunks.length === 1)
  await turns()
  expect(chunks).toHaveLength(1)
  add(3)
  subscriptions.grown()
  go()
  await until(() => chunks.length === 2)
  go()
  await until(() => chunks.length === 3)
  go()
  await until(() => chunks.length === 4)
  expect(chunks).toEqual([{ length: 500, caughtUp: false }, { length: 500, caughtUp: false }, { length: 200, caughtUp: true }, { length: 3, caughtUp: true }])
})

test('[G1] stops at once, also in the middle of a chunk', async () => {
  const { subscriptions, add } = over([])
  add(2_000)
  let calls = 0
  let go = () => {}
  const stop = subscriptions.subscribe({}, {
    events: () => {
      calls++
      return new Promise<void>((resolve) => (go = resolve))
    },
    timeTravel: () => expect.unreachable(),
    failed: () => expect.unreachable(),
  })
  await until(() => calls === 1)
  stop()
  go()
  await turns()
  expect(calls).toBe(1)
})

test('[G6] a subscriber that rejects is stopped and told why; others go on', async () => {
  const { world, tablet } = await createNodeWorld()
  const { node } = await tablet().open()
  const failures: string[] = []
  node.subscribe({}, {
    events: (chunk) => {
      if (chunk.length > 0) throw new Error('no room')
    },
    timeTravel: () => expect.unreachable(),
    failed: (error) => failures.push(error.message),
  })
  const other = follow(node)
  for (const payload of [1, 2]) await node.publish([tagged(payload)])
  await world.settle()
  expect(failures).toEqual(['no room'])
  expect(payloads(other.given)).toEqual([1, 2])
})

test('[G6] an unreadable record starts a subscription over when it was mended, and ends it when it is not', async () => {
  let broken = 1
  const unreadable = new StoreError('STORE-UNREADABLE', 'a record')
  const mended = over([], () => (broken-- > 0 ? unreadable : undefined))
  mended.add(3)
  const given: unknown[] = []
  mended.subscriptions.subscribe({}, { events: (chunk) => void given.push(...payloads(chunk)), timeTravel: () => {}, failed: () => expect.unreachable() })
  await until(() => given.length === 3)

  const dead = over([], () => unreadable)
  dead.add(1)
  const failures: Error[] = []
  dead.subscriptions.subscribe({}, { events: () => expect.unreachable(), timeTravel: () => {}, failed: (error) => failures.push(error) })
  await until(() => failures.length === 1)
  expect(failures).toEqual([unreadable])
})

test('[G6] what cannot be read while a late event is looked at ends no subscription', async () => {
  const { reader, add } = createReaderTwin()
  let looks = 0
  /** Only who looks for the earliest of the late ones reads without heads. */
  const query: typeof reader.query = (asked, order, heads) => {
    if (heads !== undefined) return reader.query(asked, order, heads)
    looks++
    throw new StoreError('STORE-UNREADABLE', 'a record')
  }
  const subscriptions = createSubscriptions({ ...reader, query }, { isBehind: () => false, after: (_, call) => (queueMicrotask(call), () => {}) })
  const given: Event[] = []
  subscriptions.subscribe({}, { events: (chunk) => void given.push(...chunk), timeTravel: () => void (given.length = 0), failed: (error) => expect.unreachable(error.message) })
  add(streamOf(0), 10)
  subscriptions.grown()
  await until(() => given.length === 1)
  add(streamOf(1), 5)
  subscriptions.grown()
  await until(() => given.length === 2)
  expect([looks, payloads(given)]).toEqual([1, [5, 10]])
  subscriptions.close()
})

const until = async (holds: () => boolean) => {
  for (let tries = 0; tries < 1_000 && !holds(); tries++) await new Promise<void>((resolve) => queueMicrotask(resolve))
  expect(holds()).toBe(true)
}

test('[G3] a subscription starts over when events that it was given are no longer held', async () => {
  const events: Event[] = []
  const { subscriptions, add } = over(events)
  const [given, travels]: [unknown[], unknown[]] = [[], []]
  const take = (chunk: readonly Event[]) => void given.push(...chunk.map(({ payload }) => payload))
  subscriptions.subscribe({}, { events: take, timeTravel: (earliest) => void (travels.push(earliest), (given.length = 0)), failed: (error) => expect.unreachable(error.message) })
  add(3)
  subscriptions.grown()
  await turns()
  expect(given).toHaveLength(3)
  events.length = 2
  subscriptions.grown()
  await turns()
  expect(travels).toHaveLength(1)
  expect(given).toHaveLength(2)
  subscriptions.grown()
  await turns()
  expect(travels).toHaveLength(1)
  subscriptions.close()
})
