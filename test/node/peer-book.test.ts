import { expect, test } from 'vitest'
import { publicKeyToNodeId, streamIdOf, type SwarmId } from '../../src/core/ids.ts'
import { copiesOfOwn } from '../../src/node/node.ts'
import { openPeerBook } from '../../src/node/peer-book.ts'
import type { SessionPeer } from '../../src/node/replication-events.ts'
import { createMemoryDisk, openMemoryStore } from '../../src/store/memory-event-store.ts'

const nodeIds = [1, 2].map((byte) => publicKeyToNodeId(new Uint8Array(32).fill(byte)))
const [first, second] = nodeIds as unknown as readonly [(typeof nodeIds)[0] & string, (typeof nodeIds)[0] & string]
const own = publicKeyToNodeId(new Uint8Array(32).fill(9))
const stream = streamIdOf(own, 0)

const open = async (disk = createMemoryDisk()) => {
  const store = openMemoryStore(disk, '00112233445566778899aabbccddeeff' as SwarmId)
  const time = { micros: 1_000 }
  return { disk, store, time, book: await openPeerBook(store, () => time.micros, () => new Set([own])) }
}

const said = (last: number | undefined, saidMicros: number | undefined, name = 'Press', nodeId = first): SessionPeer =>
  ({ nodeId, name, hubs: [], page: 'visible', roundTripMs: 3, clockSkewMs: 0, holds: last === undefined ? undefined : { [stream]: last }, saidMicros }) as unknown as SessionPeer

test('[G6] what a peer said last counts, also when it is less', async () => {
  const { book } = await open()
  book.setState(first, 'connected')
  book.update(said(5, 2_000))
  expect(book.peers()).toMatchObject([{ nodeId: first, name: 'Press', state: 'connected', holds: { [stream]: 5 }, heardMicros: 2_000 }])
  book.update(said(3, 3_000))
  expect(book.peers()[0]?.holds).toEqual({ [stream]: 3 })
})

test('[G6] a new session that has said nothing yet leaves what was said before', async () => {
  const { book } = await open()
  book.setState(first, 'connected')
  book.update(said(5, 2_000))
  book.update(said(undefined, undefined, 'Press 1'))
  expect(book.peers()).toMatchObject([{ name: 'Press 1', holds: { [stream]: 5 }, heardMicros: 2_000 }])
})

test('[G1] after a reload it is known what each peer held, and since when it is gone', async () => {
  const { disk, book, time } = await open()
  await book.lead(1)
  book.setState(first, 'connected')
  book.update(said(5, 2_000))
  time.micros = 7_000
  book.setState(first, 'gone')
  await book.save()
  const { book: again } = await open(disk)
  expect(again.peers()).toMatchObject([{ nodeId: first, name: 'Press', state: 'gone', sinceMicros: 7_000, holds: { [stream]: 5 }, heardMicros: 2_000 }])
  expect(again.cutOffSinceMicros()).toBe(7_000)
})

test('[G8] a leader that was deposed writes nothing', async () => {
  const { disk, store, book } = await open()
  await book.lead(await store.incrementMeta('term'))
  await store.incrementMeta('term')
  book.setState(first, 'connected')
  book.update(said(5, 2_000))
  await book.save()
  expect((await open(disk)).book.peers()).toEqual([])
})

test('[G6] cut off since the last one went; one that was only tried is forgotten', async () => {
  const { book, time } = await open()
  expect(book.cutOffSinceMicros()).toBeUndefined()
  book.setState(second, 'connecting')
  book.setState(second, 'gone')
  expect(book.peers()).toEqual([])
  expect(book.cutOffSinceMicros()).toBeUndefined()
  book.setState(first, 'connected')
  book.setState(second, 'connected')
  time.micros = 5_000
  book.setState(first, 'suspect')
  expect(book.cutOffSinceMicros()).toBeUndefined()
  time.micros = 6_000
  book.setState(second, 'gone')
  time.micros = 9_000
  book.setState(first, 'gone')
  expect(book.cutOffSinceMicros()).toBe(6_000)
  book.setState(first, 'asleep')
  expect(book.cutOffSinceMicros()).toBeUndefined()
})

test('[G6] one that the mesh names stays named after an attempt that came to nothing, until the mesh names it no more', async () => {
  const { book } = await open()
  book.setNodes([{ nodeId: first, name: 'Press', hops: 2 }, { nodeId: second, name: 'Saw', hops: undefined }])
  for (const nodeId of [first, second]) {
    book.setState(nodeId, 'connecting')
    book.setState(nodeId, 'gone')
  }
  expect(book.peers().map(({ name, state, hops }) => [name, state, hops])).toEqual([['Press', 'gone', 2], ['Saw', 'gone', undefined]])
  book.setNodes([])
  expect(book.peers()).toEqual([])
})

test('[G6] copies count this node and each that holds all of the own streams', async () => {
  const { book } = await open()
  book.setState(first, 'connected')
  book.update(said(5, 2_000))
  const status = (last: number) => ({ own: { [stream]: last }, peers: book.peers() }) as unknown as Parameters<typeof copiesOfOwn>[0]
  expect([copiesOfOwn(status(4)), copiesOfOwn(status(5)), copiesOfOwn(status(6))]).toEqual([2, 2, 1])
})

test('[G6] [G7] a thousand are kept; beyond that who was not here for the longest time is forgotten, but nobody who holds own entries', async () => {
  const { disk, store, book, time } = await open()
  await book.lead(await store.incrementMeta('term'))
  const many = Array.from({ length: 1010 }, (_, at) => publicKeyToNodeId(new Uint8Array(32).fill(3).fill(at >> 8, 1, 2).fill(at & 255, 2, 3)))
  for (const [at, nodeId] of many.entries()) {
    time.micros += 1
    book.setState(nodeId, 'connected')
    if (at < 5) book.update(said(7, 2_000, 'Press', nodeId))
    if (at !== 5) book.setState(nodeId, 'gone')
  }
  await book.save()
  const left = (await open(disk)).book.peers().map(({ nodeId }) => nodeId)
  // Five hold own entries, one is connected; the ten after them went.
  expect(left.toSorted()).toEqual([...many.slice(0, 6), ...many.slice(16)].toSorted())
  expect(book.peers().length).toBe(1000)
})

test('[G6] [G8] who takes the lead again after being frozen shows its connections as they are', async () => {
  const { store, book } = await open()
  await book.lead(await store.incrementMeta('term'))
  book.setState(first, 'connected')
  book.update(said(5, 2_000))
  await book.save()
  await book.lead(await store.incrementMeta('term'))
  expect(book.peers()).toMatchObject([{ nodeId: first, state: 'connected', roundTripMs: 3 }])
  expect(book.cutOffSinceMicros()).toBeUndefined()
})

test('[G8] who takes the lead goes on from what the leader before it saved', async () => {
  const { disk, store, book } = await open()
  const { book: follower } = await open(disk)
  await book.lead(await store.incrementMeta('term'))
  book.setState(first, 'connected')
  book.update(said(5, 2_000))
  await book.save()
  await follower.lead(await store.incrementMeta('term'))
  expect(follower.peers()).toMatchObject([{ nodeId: first, state: 'gone', holds: { [stream]: 5 }, heardMicros: 2_000 }])
  follower.setState(first, 'connected')
  follower.update(said(3, 3_000))
  await follower.save()
  book.allGone()
  await book.lead(await store.incrementMeta('term'))
  expect(book.peers()).toMatchObject([{ nodeId: first, holds: { [stream]: 3 }, heardMicros: 3_000 }])
})
