import fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import { equalBytes } from '../../src/core/bytes.ts'
import { publicKeyToNodeId, streamIdOf, type StreamId, type SwarmId } from '../../src/core/ids.ts'
import { encodeUtf8 } from '../../src/core/utf8.ts'
import { webCrypto } from '../../src/node/web-crypto.ts'
import { sealBatches, type Sealing } from '../../src/stream/seal.ts'
import { emptyBase, grown, type StreamBase, type StreamPieces } from '../../src/stream/segment.ts'
import { checkHeader, holdsSeal, verifyPiece, verifyWhole, type PieceVerdict, type ReceivedPiece } from '../../src/stream/verify.ts'
import { batchesOf, batchOf } from './arbitraries.ts'
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

const after = async (base: StreamBase, lamport: number, sizes: readonly number[]): Promise<StreamBase> => grown(base, await sealBatches(sealing, base, batchesOf(lamport, sizes)))
const closedPiece = ({ closed }: StreamPieces, index = 0): ReceivedPiece => {
  const segment = given(closed[index])
  return { stream, sealed: segment.sealed, firstLine: segment.first, body: segment.deflated }
}
/** The open segment of `base`, from offset `firstLine` on, which is `byte` bytes into it. */
const openPiece = ({ open }: StreamBase, firstLine = open.first, byte = 0): ReceivedPiece => ({
  stream, sealed: given(open.sealed), firstLine, body: open.body.subarray(byte),
})
const verify = (base: StreamBase, piece: ReceivedPiece): Promise<PieceVerdict> => verifyPiece(webCrypto, swarm, base, piece)
const appended = (verdict: PieceVerdict): StreamPieces => {
  if (verdict.type !== 'append') throw new Error(JSON.stringify(verdict))
  return verdict.pieces
}

test('[F22] [F25] whatever a holder has, the pieces that follow bring it to the same', async () => {
  const sizes = fc.array(fc.nat({ max: 30_000 }), { minLength: 1, maxLength: 12 })
  await fc.assert(
    fc.asyncProperty(sizes, fc.nat(), async (all, chance) => {
      const held = chance % (all.length + 1)
      const batches = batchesOf(1, all)
      const ours = held === 0 ? emptyBase(stream) : grown(emptyBase(stream), await sealBatches(sealing, emptyBase(stream), batches.slice(0, held)))
      const whole = await sealBatches(sealing, emptyBase(stream), batches)
      const theirs = grown(emptyBase(stream), whole)
      let base = ours
      for (const index of whole.closed.keys()) {
        const piece = closedPiece(whole, index)
        if (piece.firstLine >= ours.open.first) base = grown(base, appended(await verify(base, piece)))
      }
      if (theirs.open.sealed !== undefined && theirs.head.next > base.head.next) base = grown(base, appended(await verify(base, openPiece(theirs, base.head.next, base.open.body.length))))
      const { body, ...open } = base.open
      expect([base.head, { ...open, body: 0 }]).toEqual([theirs.head, { ...theirs.open, body: 0 }])
      expect(equalBytes(body, theirs.open.body)).toBe(true)
      expect(theirs.open.sealed === undefined || (await verify(base, openPiece(theirs))).type === 'held').toBe(true)
    }),
    { numRuns: 25 },
  )
})

test('[F25] what is stored of a closed segment is what its author stored', async () => {
  const made = await sealBatches(sealing, emptyBase(stream), batchesOf(1, [40_000, 30_000]))
  const verdict = await verify(emptyBase(stream), closedPiece(made))
  expect(verdict).toMatchObject({ type: 'append', pieces: { closed: made.closed, tail: undefined, next: 0, revision: 0 }, lamports: [1, 2] })
})

test('[F27] a part is checked together with what is held before it', async () => {
  const one = await after(emptyBase(stream), 1, [10, 20])
  const two = await after(one, 3, [30])
  const byte = one.open.body.length
  expect(await verify(one, openPiece(two, 2, byte))).toMatchObject({ type: 'append', pieces: { next: 2, tail: { first: 2, events: 1, lastLamport: 3 } }, lamports: [3] })
  const other = await after(emptyBase(stream), 1, [10, 21])
  expect(await verify(other, openPiece(two, 2, byte))).toMatchObject({ type: 'misfit', why: 'part' })
  expect(await verify(emptyBase(stream), openPiece(two, 2, byte))).toMatchObject({ type: 'misfit', why: 'beyond' })
  const batchOfTwo = grown(emptyBase(stream), await sealBatches(sealing, emptyBase(stream), [batchOf(1, [{ tags: [], event: 0 }, { tags: [], event: 0 }, { tags: [], event: 0 }])]))
  expect(await verify(batchOfTwo, openPiece(two, 2, byte))).toMatchObject({ type: 'misfit', why: 'part' })
  expect(await verify(one, { ...openPiece(two, 2, byte), body: encodeUtf8('noise') })).toMatchObject({ type: 'misfit', why: 'part' })
  expect(await verify(one, { ...openPiece(two, 2, byte), sealed: { ...openPiece(two).sealed, seal: new Uint8Array(64) } })).toEqual({ type: 'sender', reason: 'seal' })
})

test('[F26] older words of the same segment bring nothing new', async () => {
  const one = await after(emptyBase(stream), 1, [10, 20])
  const two = await after(one, 3, [30])
  expect(await verify(two, openPiece(one))).toMatchObject({ type: 'held' })
  expect(await verify(two, openPiece(two))).toMatchObject({ type: 'held' })
})

test('[F22] a segment that begins elsewhere is no fault and nothing of it is looked at', async () => {
  const made = await sealBatches(sealing, emptyBase(stream), batchesOf(1, [70_000, 70_000, 10]))
  const [first, second] = [closedPiece(made, 0), closedPiece(made, 1)]
  const full = grown(emptyBase(stream), made)
  const damaged = (piece: ReceivedPiece): ReceivedPiece => ({ ...piece, body: new Uint8Array(3) })
  expect(await verify(full, damaged(first))).toMatchObject({ type: 'misfit', why: 'before' })
  expect(await verify(emptyBase(stream), damaged(second))).toMatchObject({ type: 'misfit', why: 'beyond' })
  expect(await verify(await after(emptyBase(stream), 1, [10]), damaged(second))).toMatchObject({ type: 'misfit', why: 'beyond' })
  expect(await verify(emptyBase(stream, { offset: 1, previous: new Uint8Array(32).fill(1), lamportBefore: 1 }), damaged(second))).toMatchObject({ type: 'misfit', why: 'previous' })
})

test('[F25] two continuations differ from their first batch on that is another', async () => {
  const common = await after(emptyBase(stream), 1, [10, 20])
  const [ours, theirs] = [await after(common, 3, [30]), await after(common, 3, [31, 5])]
  const verdict = await verify(ours, openPiece(theirs))
  expect(verdict).toMatchObject({ type: 'differs', at: 2, whole: { headerId: theirs.head.headerId, body: theirs.open.body } })
  const closed = await sealBatches(sealing, common, batchesOf(3, [70_000]))
  expect(await verify(ours, closedPiece(closed))).toMatchObject({ type: 'differs', at: 2 })
})

test('[F23] a closed segment that is a proper prefix of what is held open is told apart', async () => {
  const closed = await sealBatches(sealing, emptyBase(stream), batchesOf(1, [70_000]))
  const piece = closedPiece(closed)
  const body = await webCrypto.inflate(piece.body, 70_000 + 100)
  expect(body).toBeUndefined()
  const whole = await verifyWhole(webCrypto, swarm, piece, 0)
  if (!whole.ok) throw new Error(whole.error.type)
  const longer = { ...emptyBase(stream), open: { ...emptyBase(stream).open, body: Uint8Array.from([...whole.value.body, ...(batchesOf(2, [5])[0]?.line ?? [])]) }, head: { next: 2, lamport: 2, headerId: new Uint8Array(32) } }
  expect(await verify(longer, piece)).toMatchObject({ type: 'shorter', whole: { body: whole.value.body } })
})

test('[F25] lines that contradict a sealed header, or are not valid, are refused by header id', async () => {
  const one = await after(emptyBase(stream), 1, [10])
  const bad = encodeUtf8('[0,0,"",[[[],0]]]\n')
  const labelled = { timestampMicros: 0, appId: '', labels: [] }
  const forged = await sealBatches(sealing, one, [{ ...labelled, line: bad, events: 1, firstLamport: 2, lastLamport: 2 }])
  const verdict = await verify(one, openPiece(grown(one, forged), 1, one.open.body.length))
  expect(verdict).toEqual({ type: 'author', headerId: forged.tail?.headerId, reason: { type: 'line', line: 0, fault: 'lamport' } })
  const miscounted = await sealBatches(sealing, one, [{ ...labelled, line: batchesOf(2, [1])[0]?.line ?? bad, events: 2, firstLamport: 2, lastLamport: 3 }])
  expect(await verify(one, openPiece(grown(one, miscounted), 1, one.open.body.length))).toMatchObject({ type: 'author', reason: { type: 'header', field: 'events' } })
})

test('[F27] a whole segment is judged by itself, whatever is held', async () => {
  const made = await sealBatches(sealing, emptyBase(stream), batchesOf(5, [70_000, 10]))
  const piece = closedPiece(made)
  expect(await verifyWhole(webCrypto, swarm, piece, 0)).toMatchObject({ ok: true, value: { headerId: made.closed[0]?.headerId, lines: { events: 1 } } })
  expect(await verifyWhole(webCrypto, swarm, piece, 5)).toMatchObject({ ok: false, error: { type: 'author', reason: { type: 'order' } } })
  expect(await verifyWhole(webCrypto, swarm, { ...piece, firstLine: 1 }, 0)).toEqual({ ok: false, error: { type: 'sender', reason: 'first-line' } })
  expect(await verifyWhole(webCrypto, swarm, { ...piece, body: piece.body.subarray(1) }, 0)).toMatchObject({ ok: false, error: { type: 'sender' } })
  expect(await holdsSeal(webCrypto, stream, piece.sealed)).toBe(true)
  expect(await holdsSeal(webCrypto, streamIdOf(publicKeyToNodeId((await publishedIdentity(1)).publicKey), 0), piece.sealed)).toBe(false)
})

test('[F28] a header with a key of small order is refused before its seal is looked at', async () => {
  const made = await sealBatches({ ...sealing, signer: { ...sealing.signer } }, emptyBase(streamIdOf(publicKeyToNodeId(new Uint8Array(32)), 0)), batchesOf(1, [1]))
  expect(checkHeader(swarm, { stream: made.stream, sealed: given(made.tail).sealed })).toEqual({ ok: false, error: { type: 'sender', reason: 'key' } })
})

test('[G7] noise in any place gives a verdict, never an exception', async () => {
  const one = await after(emptyBase(stream), 1, [10, 20])
  const piece = openPiece(await after(one, 3, [30]))
  const noise = fc.uint8Array({ maxLength: 200 })
  await fc.assert(
    fc.asyncProperty(noise, noise, noise, fc.nat({ max: 7 }), fc.integer({ min: -1, max: 4 }), async (header, seal, body, which, firstLine) => {
      const sealed = { header: which & 1 ? header : piece.sealed.header, seal: which & 2 ? seal : piece.sealed.seal }
      const verdict = await verify(one, { stream, sealed, firstLine, body: which & 4 ? body : piece.body })
      expect(verdict.type === 'append').toBe(which === 0 && firstLine === 0)
    }),
    { numRuns: 300 },
  )
})
