import fc from 'fast-check'
import { beforeAll, expect, expectTypeOf, test } from 'vitest'
import { concatBytes, equalBytes } from '../../src/core/bytes.ts'
import { streamIdOf, type StreamId, type SwarmId } from '../../src/core/ids.ts'
import { webCrypto } from '../../src/node/web-crypto.ts'
import type { ClosedSegment as StoredSegment, OpenSegment as StoredOpen, StreamAppend, StreamState } from '../../src/store/event-store.ts'
import type { EncodedBatch } from '../../src/stream/batch.ts'
import { readBody } from '../../src/stream/body.ts'
import { CLOSE_BYTES, decodeHeader, headerId, type Header } from '../../src/stream/header.ts'
import { sealBatches, type Sealing } from '../../src/stream/seal.ts'
import { emptyBase, grown, type ClosedSegment, type OpenSegment, type StreamBase, type StreamPieces } from '../../src/stream/segment.ts'
import { batchesOf } from './arbitraries.ts'
import { given } from './given.ts'
import { publishedIdentity } from './keys.ts'

const swarm = '0123456789abcdef0123456789abcdef' as SwarmId
let sealing: Sealing
let stream: StreamId

beforeAll(async () => {
  const identity = await publishedIdentity(0)
  sealing = { crypto: webCrypto, signer: webCrypto.signer(identity), swarm }
  stream = streamIdOf(identity.nodeId, 0)
})

const headerOf = (bytes: Uint8Array): Header => {
  const decoded = decodeHeader(bytes)
  if (!decoded.ok) throw new Error(decoded.error)
  return decoded.value
}

/** All segments of a stream in order, with their bodies: closed ones, then what is open. */
const segmentsOf = async (base: StreamBase, closed: readonly ClosedSegment[]): Promise<readonly (readonly [Header, Uint8Array, Uint8Array])[]> => {
  const bodies = await Promise.all(closed.map(async ({ sealed, deflated }) => [sealed, await webCrypto.inflate(deflated, headerOf(sealed.header).bodyBytes)] as const))
  const all = base.open.sealed === undefined ? bodies : [...bodies, [base.open.sealed, base.open.body] as const]
  return Promise.all(
    all.map(async ([{ header, seal }, body]) => {
      expect(await webCrypto.verify(sealing.signer.publicKey, seal, header)).toBe(true)
      return [headerOf(header), given(body), await headerId(webCrypto, header)] as const
    }),
  )
}

test('[F21] [F22] [F23] however a stream is cut into appends, its segments are the same: sealed, chained, closed at 64 KiB', async () => {
  const cuts = fc.array(fc.tuple(fc.array(fc.nat({ max: 40_000 }), { minLength: 1, maxLength: 4 })), { minLength: 1, maxLength: 4 })
  await fc.assert(
    fc.asyncProperty(cuts, async (appends) => {
      const batches = batchesOf(1, appends.flat(2))
      let base = emptyBase(stream)
      const closed: ClosedSegment[] = []
      let from = 0
      for (const [sizes] of appends) {
        const pieces = await sealBatches(sealing, base, batches.slice(from, (from += sizes.length)))
        expect(pieces).toMatchObject({ stream, revision: base.revision, next: base.head.next })
        closed.push(...pieces.closed)
        base = grown(base, pieces)
      }
      const once = await sealBatches(sealing, emptyBase(stream), batches)
      expect(once.closed.map(({ sealed, summary }) => [sealed.header, summary])).toEqual(closed.map(({ sealed, summary }) => [sealed.header, summary]))
      expect(once.tail?.sealed).toEqual(base.open.sealed)

      const segments = await segmentsOf(base, closed)
      expect(equalBytes(concatBytes(segments.map(([, body]) => body)), concatBytes(batches.map(({ line }) => line)))).toBe(true)
      let [previous, next, lamport] = [new Uint8Array(32) as Uint8Array, 0, 0]
      for (const [header, body, id] of segments) {
        const lines = readBody(body, lamport)
        if (!lines.ok) throw new Error(lines.error.type)
        expect(header).toEqual({
          swarm, stream, first: next, events: lines.value.events, firstLamport: lines.value.firstLamport, lastLamport: lines.value.lastLamport,
          bodyBytes: body.length, previous, bodyHash: await webCrypto.sha256(body), closed: body.length >= CLOSE_BYTES,
        })
        ;[previous, next, lamport] = [id, next + header.events, header.lastLamport]
      }
      expect([base.head.next, base.head.lamport, base.head.headerId]).toEqual([next, lamport, previous])
    }),
    { numRuns: 25 },
  )
})

/** A batch of exactly `bytes`. */
const exactly = (lamport: number, bytes: number): EncodedBatch => given(batchesOf(lamport, [bytes - given(batchesOf(lamport, [0])[0]).line.length])[0])

test('[F23] 65,535 bytes stay open, 65,536 close', async () => {
  const open = await sealBatches(sealing, emptyBase(stream), [exactly(1, 65_535)])
  expect([open.closed.length, open.tail?.lines.length]).toEqual([0, 65_535])
  const closed = await sealBatches(sealing, emptyBase(stream), [exactly(1, 65_536)])
  expect([closed.closed.length, closed.tail]).toEqual([1, undefined])
  const later = await sealBatches(sealing, grown(emptyBase(stream), open), [exactly(2, 100), exactly(3, 100)])
  expect([later.closed.map(({ first, events }) => [first, events]), later.tail?.first, later.tail?.events]).toEqual([[[0, 2]], 2, 1])
})

test('[F23] the largest line after the largest open body makes the largest segment', async () => {
  const open = await sealBatches(sealing, emptyBase(stream), [exactly(1, 65_535)])
  const { closed } = await sealBatches(sealing, grown(emptyBase(stream), open), [exactly(2, 131_072)])
  expect(headerOf(given(closed[0]).sealed.header).bodyBytes).toBe(196_607)
})

test('[F16] Lamport times that do not rise are a bug, not a segment', async () => {
  const batch = given(batchesOf(5, [10])[0])
  await expect(sealBatches(sealing, emptyBase(stream), [batch, batch])).rejects.toThrow('Lamport times rise')
  await expect(sealBatches(sealing, emptyBase(stream), [])).rejects.toThrow('something to seal')
})

test('[F22] a stream goes on from a start', async () => {
  const previous = new Uint8Array(32).fill(7)
  const { tail } = await sealBatches(sealing, emptyBase(stream, { offset: 50, previous, lamportBefore: 90 }), batchesOf(91, [10]))
  expect(headerOf(given(tail).sealed.header)).toMatchObject({ first: 50, previous, firstLamport: 91 })
})

test('[A1] the store takes and gives the shapes of the stream', () => {
  expectTypeOf<StreamPieces>().toExtend<StreamAppend>()
  expectTypeOf<StreamState>().toExtend<StreamBase>()
  expectTypeOf<ClosedSegment>().toEqualTypeOf<StoredSegment>()
  expectTypeOf<OpenSegment>().toEqualTypeOf<StoredOpen>()
})
