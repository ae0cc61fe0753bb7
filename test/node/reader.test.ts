import { expect, test } from 'vitest'
import { compareEventKeys } from '../../src/core/event-key.ts'
import { createReader } from '../../src/node/reader.ts'
import { StoreError } from '../../src/store/errors.ts'
import type { EventStore, StreamState } from '../../src/store/event-store.ts'
import { createMemoryDisk, openMemoryStore } from '../../src/store/memory-event-store.ts'
import { emptyBase } from '../../src/stream/segment.ts'
import { sealBatches } from '../../src/stream/seal.ts'
import { encodeBatch, type EncodedBatch } from '../../src/stream/batch.ts'
import { webCrypto } from '../../src/node/web-crypto.ts'
import { streamIdOf, type SwarmId } from '../../src/core/ids.ts'
import type { Query, Order } from '../../src/node/node.ts'
import type { Event } from '../../src/core/event.ts'
import { createRandom } from '../random.ts'

const swarm = '00112233445566778899aabbccddeeff' as SwarmId

/** A stream of another node, which grows in the store as it does by replication. */
const author = async (store: EventStore) => {
  const identity = await webCrypto.generateIdentity()
  const stream = streamIdOf(identity.nodeId, 0)
  const sealing = { crypto: webCrypto, signer: webCrypto.signer(identity), swarm }
  return {
    stream,
    add: async (batches: readonly EncodedBatch[]) => {
      const base: StreamState | ReturnType<typeof emptyBase> = (await store.state(stream)) ?? emptyBase(stream)
      const result = await store.appendReplicated([await sealBatches(sealing, base, batches)], 0)
      expect(result.type).toBe('stored')
    },
  }
}

const batch = (lamport: number, count: number, { tag = 'x', pad = 0 } = {}): EncodedBatch => {
  const events = Array.from({ length: count }, (_, at) => ({ tags: [tag], event: { lamport: lamport + at, pad: '.'.repeat(pad) } }))
  const encoded = encodeBatch(events, lamport, { timestampMicros: 1, appId: '' })
  if (!encoded.ok) throw new Error(encoded.error.text)
  return encoded.value
}

/** A store that counts the pieces that are read of it. */
const openCounted = () => {
  const store = openMemoryStore(createMemoryDisk(), swarm)
  const read: string[] = []
  const unreadable: string[] = []
  const counted: EventStore = {
    ...store,
    piece: (stream, offset) => {
      read.push(`${stream}@${offset}`)
      return store.piece(stream, offset)
    },
  }
  const reader = createReader({ store: counted, crypto: webCrypto }, { own: () => new Set(), unreadable: async ({ stream, first }) => void unreadable.push(`${stream}@${first}`) })
  return { store, counted, reader, read, unreadable }
}

const collect = async (events: AsyncIterable<Event>, countMax = Infinity) => {
  const collected: Event[] = []
  for await (const event of events) {
    collected.push(event)
    if (collected.length >= countMax) break
  }
  return collected
}

const offsetsOf = (events: readonly Event[]) => events.map(({ meta }) => meta.offset)

test('[G5] merges streams with closed and open segments in both orders', async () => {
  const { store, reader } = openCounted()
  const random = createRandom(7)
  const authors = [await author(store), await author(store), await author(store)]
  const lamports = authors.map(() => 0)
  for (let step = 0; step < 60; step++) {
    const at = random.below(authors.length)
    const lamport = (lamports[at] ?? 0) + 1 + random.below(5)
    const count = 1 + random.below(40)
    await authors[at]?.add([batch(lamport, count, { pad: random.below(300) })])
    lamports[at] = lamport + count - 1
  }
  const ascending = await collect(reader.query({}, 'ascending'))
  expect(ascending.length).toBe([...(await store.heads()).values()].reduce((sum, { next }) => sum + next, 0))
  expect((await store.records()).some(({ openFirst }) => openFirst > 0)).toBe(true)
  expect(ascending).toEqual(ascending.toSorted((a, b) => compareEventKeys(a.meta, b.meta)))
  for (const { stream } of authors) {
    const offsets = offsetsOf(ascending.filter(({ meta }) => meta.stream === stream))
    expect(offsets).toEqual(offsets.map((_, at) => at))
  }
  const ids = (events: readonly Event[]) => events.map(({ meta }) => meta.eventId)
  expect(ids(await collect(reader.query({}, 'descending')))).toEqual(ids(ascending).toReversed())
})

test('[G5] bounds: lower exclusive, upper inclusive, horizon exclusive, none of a stream that the upper bound leaves out', async () => {
  const { store, reader } = openCounted()
  const [a, b] = [await author(store), await author(store)]
  await a.add([batch(1, 3), batch(10, 3)])
  await b.add([batch(5, 4)])
  const offsets = async (query: Query, order: Order = 'ascending') =>
    (await collect(reader.query(query, order))).map(({ meta }) => `${meta.stream === a.stream ? 'a' : 'b'}${meta.offset}`).join(' ')
  expect(await offsets({})).toBe('a0 a1 a2 b0 b1 b2 b3 a3 a4 a5')
  expect(await offsets({ lowerBound: { [a.stream]: 3, [b.stream]: 3 } })).toBe('a4 a5')
  expect(await offsets({ upperBound: { [a.stream]: 3 } })).toBe('a0 a1 a2 a3')
  expect(await offsets({ upperBound: { [a.stream]: 99, [b.stream]: 0 } })).toBe('a0 a1 a2 b0 a3 a4 a5')
  expect(await offsets({ lowerBound: { [a.stream]: 1 }, upperBound: { [a.stream]: 4 } }, 'descending')).toBe('a4 a3 a2')
  expect(await offsets({ horizon: { lamport: 7, stream: b.stream } })).toBe('b3 a3 a4 a5')
  expect(await offsets({ horizon: { lamport: 12, stream: a.stream } })).toBe('')
  expect(await offsets({ where: [] })).toBe('')
})

test('[G5] a query shows what was present when it was called', async () => {
  const { store, reader } = openCounted()
  const a = await author(store)
  await a.add([batch(1, 2)])
  const events = reader.query({}, 'ascending')
  await store.heads()
  await a.add([batch(3, 2)])
  expect(offsetsOf(await collect(events))).toEqual([0, 1])
  expect(offsetsOf(await collect(reader.query({}, 'ascending')))).toEqual([0, 1, 2, 3])
})

test('[S13] opens a segment only when the merge reaches it or comes near, and none that cannot match', async () => {
  const { store, reader, read } = openCounted()
  const a = await author(store)
  for (let at = 0; at < 5; at++) await a.add([batch(1 + 100 * at, 100, { tag: `t${at}`, pad: 700 })])
  expect((await store.records())[0]?.openFirst).toBe(500)
  await collect(reader.query({}, 'ascending'), 150)
  // The first two, and the third is read ahead.
  expect(read).toEqual([`${a.stream}@0`, `${a.stream}@100`, `${a.stream}@200`])
  read.length = 0
  await collect(reader.query({}, 'descending'), 1)
  expect(read).toEqual([`${a.stream}@499`])
  read.length = 0
  expect(offsetsOf(await collect(reader.query({ where: [{ tags: ['t3'] }] }, 'ascending')))).toEqual(Array.from({ length: 100 }, (_, at) => 300 + at))
  expect(read).toEqual([`${a.stream}@300`])
})

test('[S12] a tail that closes while it is read is followed into its segment', async () => {
  const { store, reader } = openCounted()
  const a = await author(store)
  await a.add([batch(1, 10)])
  const events = reader.query({}, 'ascending')[Symbol.asyncIterator]()
  await store.heads()
  for (let at = 0; at < 3; at++) await a.add([batch(100 + 100 * at, 100, { pad: 700 })])
  const offsets: number[] = []
  for (let next = await events.next(); next.done !== true; next = await events.next()) offsets.push(next.value.meta.offset)
  expect(offsets).toEqual(Array.from({ length: 10 }, (_, at) => at))
})

test('[G6] what cannot be read is told and thrown, with the place where its segment begins', async () => {
  const { store, counted, unreadable } = openCounted()
  const a = await author(store)
  await a.add([batch(1, 100, { pad: 700 }), batch(200, 100, { pad: 700 }), batch(400, 5)])
  const damaged: EventStore = {
    ...counted,
    piece: async (stream, offset) => {
      const piece = await store.piece(stream, offset)
      return piece?.type === 'closed' && piece.first === 100 ? { ...piece, deflated: piece.deflated.subarray(1) } : piece
    },
  }
  const reader = createReader({ store: damaged, crypto: webCrypto }, { own: () => new Set(), unreadable: async ({ stream, first }) => void unreadable.push(`${stream}@${first}`) })
  const given: Event[] = []
  const reading = (async () => {
    for await (const event of reader.query({}, 'ascending')) given.push(event)
  })()
  await expect(reading).rejects.toMatchObject({ code: 'STORE-UNREADABLE', stream: a.stream, first: 100 })
  await expect(reading).rejects.toBeInstanceOf(StoreError)
  expect(given).toHaveLength(100)
  expect(unreadable).toEqual([`${a.stream}@100`])
})

test('[G6] an error of the disk reaches who iterates', async () => {
  const { reader, store } = openCounted()
  await store.close()
  await expect(collect(reader.query({}, 'ascending'))).rejects.toMatchObject({ code: 'STORE-CLOSED' })
})

test('[G5] what follows on any offset is found, from whichever end of its segment it is nearer', async () => {
  const { store, reader } = openCounted()
  const one = await author(store)
  const counts = [3, 1, 4, 1, 5, 2, 6]
  let lamport = 1
  const batches = counts.map((count) => batch((lamport += count) - count, count, { pad: 100 }))
  await one.add(batches)
  const all = Array.from({ length: 22 }, (_, offset) => offset)
  for (const from of all) {
    for (const end of all.slice(from)) {
      const query: Query = { lowerBound: { [one.stream]: from - 1 }, upperBound: { [one.stream]: end } }
      for (const order of ['ascending', 'descending'] satisfies Order[]) {
        const expected = all.slice(from, end + 1)
        expect({ from, end, offsets: offsetsOf(await collect(reader.query(query, order))) }).toEqual({ from, end, offsets: order === 'ascending' ? expected : expected.toReversed() })
      }
    }
  }
})
