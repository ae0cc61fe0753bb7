import { assert } from '../core/assert.ts'
import { concatBytes } from '../core/bytes.ts'
import type { Lamport, Offset, StreamId, SwarmId } from '../core/ids.ts'
import type { EncodedBatch } from './batch.ts'
import { BodySum, readBody, type BodySummary } from './body.ts'
import type { Signer, StreamCrypto } from './crypto.ts'
import { CLOSE_BYTES, encodeHeader, headerId, type Header, type Sealed } from './header.ts'
import { openFirstLamport, type ClosedSegment, type StreamBase, type StreamPieces, type TailAppend } from './segment.ts'
import { summarise } from './summary.ts'

/** With what a stream is sealed. */
export interface Sealing {
  readonly crypto: StreamCrypto
  readonly signer: Signer
  readonly swarm: SwarmId
}

/** A segment that is being filled. */
interface Filling {
  readonly first: Offset
  readonly lamportBefore: Lamport
  /** What was open before. */
  readonly opened: Uint8Array
  /** What is added. */
  readonly batches: EncodedBatch[]
  bytes: number
  events: number
  firstLamport: Lamport
  lastLamport: Lamport
}

const empty = (first: Offset, lamportBefore: Lamport): Filling => ({
  first, lamportBefore, opened: new Uint8Array(0), batches: [], bytes: 0, events: 0, firstLamport: 0, lastLamport: lamportBefore,
})

/** What is open already, to be continued. */
const reopen = ({ head, open }: StreamBase): Filling => {
  const filling = empty(open.first, open.lamportBefore)
  if (open.body.length === 0) return filling
  return { ...filling, opened: open.body, bytes: open.body.length, events: head.next - open.first, firstLamport: openFirstLamport(open), lastLamport: head.lamport }
}

const add = (filling: Filling, batch: EncodedBatch): void => {
  assert(batch.firstLamport > filling.lastLamport, 'Lamport times rise within a stream')
  if (filling.events === 0) filling.firstLamport = batch.firstLamport
  filling.batches.push(batch)
  filling.bytes += batch.line.length
  filling.events += batch.events
  filling.lastLamport = batch.lastLamport
}

/** Each closed by its last batch, but for the last one where lines remain. */
const fillSegments = (base: StreamBase, batches: readonly EncodedBatch[]): readonly Filling[] => {
  let filling = reopen(base)
  const all = [filling]
  for (const batch of batches) {
    if (filling.bytes >= CLOSE_BYTES) all.push((filling = empty(filling.first + filling.events, filling.lastLamport)))
    add(filling, batch)
  }
  return all
}

/** A segment whose lines are complete, without its place in the chain. */
interface Filled extends Filling {
  readonly lines: Uint8Array
  readonly bodyHash: Uint8Array
  /** Of a closed one. */
  readonly deflated: Uint8Array | undefined
}

const finish = async ({ crypto }: Sealing, filling: Filling): Promise<Filled> => {
  const lines = concatBytes(filling.batches.map(({ line }) => line))
  const body = filling.opened.length === 0 ? lines : concatBytes([filling.opened, lines])
  const [bodyHash, deflated] = await Promise.all([crypto.sha256(body), body.length < CLOSE_BYTES ? undefined : crypto.deflate(body)])
  return { ...filling, lines, bodyHash, deflated }
}

interface SealedWithId {
  readonly sealed: Sealed
  readonly headerId: Uint8Array
}

/** Each header has the id of the one before; only the signatures can all be made at once. */
const sealChain = async ({ crypto, signer, swarm }: Sealing, { stream, open }: StreamBase, segments: readonly Filled[]): Promise<readonly SealedWithId[]> => {
  const headers: Uint8Array[] = []
  const ids: Uint8Array[] = []
  for (const { first, events, firstLamport, lastLamport, bytes, bodyHash, deflated } of segments) {
    const before = headers.at(-1)
    if (before !== undefined) ids.push(await headerId(crypto, before))
    const fields: Header = { swarm, stream, first, events, firstLamport, lastLamport, bodyBytes: bytes, previous: ids.at(-1) ?? open.previous, bodyHash, closed: deflated !== undefined }
    headers.push(encodeHeader(fields))
  }
  const [lastId, seals] = await Promise.all([headerId(crypto, headers.at(-1) ?? new Uint8Array(0)), Promise.all(headers.map((header) => signer.sign(header)))])
  return headers.map((header, at) => ({ sealed: { header, seal: seals[at] ?? new Uint8Array(0) }, headerId: ids[at] ?? lastId }))
}

/** What `readBody` says of a body that was made here; what was open before is judged again. */
const sumUp = ({ first, lamportBefore, opened, batches }: Filling): BodySummary => {
  const sum = new BodySum(lamportBefore)
  if (opened.length > 0) {
    const lines = readBody(opened, lamportBefore)
    assert(lines.ok, `a line of the own stream at ${first} is not valid: ${JSON.stringify(lines)}`)
    sum.addAll(lines.value)
  }
  for (const batch of batches) {
    sum.add(batch)
    for (const { tags } of batch.labels) sum.addTags(tags)
  }
  return sum
}

/** A closed segment from its parts, with its entry for the summaries. */
export const closedSegment = (
  stream: StreamId,
  first: Offset,
  body: BodySummary,
  bytes: { readonly sealed: Sealed; readonly headerId: Uint8Array; readonly deflated: Uint8Array },
): ClosedSegment => ({
  first, events: body.events, firstLamport: body.firstLamport, lastLamport: body.lastLamport, ...bytes, summary: summarise(stream, first, body),
})

/**
 * Adds batches to a stream: the one that brings the body to 64 KiB closes the segment, what then remains is the tail, with one seal for all of it.
 * All hashing, signing and compressing is done here, before any transaction. @see FORMAT.md [F23]
 * @param batches at least one, Lamport times rising above the head's
 */
export const sealBatches = async (sealing: Sealing, base: StreamBase, batches: readonly EncodedBatch[]): Promise<StreamPieces> => {
  assert(batches.length > 0, 'there is something to seal')
  const segments = await Promise.all(fillSegments(base, batches).map((filling) => finish(sealing, filling)))
  const seals = await sealChain(sealing, base, segments)
  const closed: ClosedSegment[] = []
  let tail: TailAppend | undefined
  for (const [at, segment] of segments.entries()) {
    const { deflated, first, opened, events, lastLamport, lines } = segment
    const seal = seals[at]
    assert(seal !== undefined, 'every segment has its seal')
    if (deflated !== undefined) closed.push(closedSegment(base.stream, first, sumUp(segment), { ...seal, deflated }))
    else {
      const tailFirst = opened.length === 0 ? first : base.head.next
      tail = { first: tailFirst, events: first + events - tailFirst, lastLamport, lines, ...seal }
    }
  }
  return { stream: base.stream, revision: base.revision, next: base.head.next, closed, tail }
}
