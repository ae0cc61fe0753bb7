import { assert } from '../core/assert.ts'
import { concatBytes } from '../core/bytes.ts'
import type { Lamport, Offset, StreamId, SwarmId } from '../core/ids.ts'
import type { EncodedBatch } from './batch.ts'
import { readBody, type BodySummary } from './body.ts'
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
  readonly previous: Uint8Array
  readonly lamportBefore: Lamport
  /** The body in parts; the first is what was open before. */
  readonly parts: readonly Uint8Array[]
  readonly bytes: number
  readonly events: number
  readonly firstLamport: Lamport
  readonly lastLamport: Lamport
}

const empty = (first: Offset, previous: Uint8Array, lamportBefore: Lamport): Filling => ({
  first, previous, lamportBefore, parts: [], bytes: 0, events: 0, firstLamport: 0, lastLamport: lamportBefore,
})

/** What is open already, to be continued. */
const reopen = ({ head, open }: StreamBase): Filling => {
  if (open.body.length === 0) return empty(open.first, open.previous, open.lamportBefore)
  return {
    first: open.first, previous: open.previous, lamportBefore: open.lamportBefore, parts: [open.body], bytes: open.body.length,
    events: head.next - open.first, firstLamport: openFirstLamport(open), lastLamport: head.lamport,
  }
}

const add = (filling: Filling, batch: EncodedBatch): Filling => {
  assert(batch.firstLamport > filling.lastLamport, 'Lamport times rise within a stream')
  return {
    ...filling,
    parts: [...filling.parts, batch.line],
    bytes: filling.bytes + batch.line.length,
    events: filling.events + batch.events,
    firstLamport: filling.events === 0 ? batch.firstLamport : filling.firstLamport,
    lastLamport: batch.lastLamport,
  }
}

const sealFilling = async (
  { crypto, signer, swarm }: Sealing,
  stream: StreamId,
  filling: Filling,
  body: Uint8Array,
): Promise<{ readonly sealed: Sealed; readonly headerId: Uint8Array }> => {
  const { first, events, firstLamport, lastLamport, previous } = filling
  const bodyHash = await crypto.sha256(body)
  const fields: Header = { swarm, stream, first, events, firstLamport, lastLamport, bodyBytes: body.length, previous, bodyHash, closed: body.length >= CLOSE_BYTES }
  const header = encodeHeader(fields)
  const [seal, id] = await Promise.all([signer.sign(header), headerId(crypto, header)])
  return { sealed: { header, seal }, headerId: id }
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

const close = async (sealing: Sealing, stream: StreamId, filling: Filling): Promise<ClosedSegment> => {
  const body = concatBytes(filling.parts)
  const [bytes, deflated] = await Promise.all([sealFilling(sealing, stream, filling, body), sealing.crypto.deflate(body)])
  const lines = readBody(body, filling.lamportBefore)
  assert(lines.ok, `a line of the own stream at ${filling.first} is not valid: ${JSON.stringify(lines)}`)
  return closedSegment(stream, filling.first, lines.value, { ...bytes, deflated })
}

/**
 * Adds batches to a stream: the one that brings the body to 64 KiB closes the segment, what then remains is the tail, with one seal for all of it.
 * All hashing, signing and compressing is done here, before any transaction. @see FORMAT.md [F23]
 * @param batches at least one, Lamport times rising above the head's
 */
export const sealBatches = async (sealing: Sealing, base: StreamBase, batches: readonly EncodedBatch[]): Promise<StreamPieces> => {
  assert(batches.length > 0, 'there is something to seal')
  const closed: ClosedSegment[] = []
  let filling = reopen(base)
  let [tailFirst, tailLines] = [base.head.next, [] as Uint8Array[]]
  for (const batch of batches) {
    filling = add(filling, batch)
    tailLines.push(batch.line)
    if (filling.bytes < CLOSE_BYTES) continue
    const segment = await close(sealing, base.stream, filling)
    closed.push(segment)
    tailFirst = filling.first + filling.events
    tailLines = []
    filling = empty(tailFirst, segment.headerId, segment.lastLamport)
  }
  const tail = tailLines.length === 0 ? undefined : await sealTail(sealing, base.stream, filling, { tailFirst, tailLines })
  return { stream: base.stream, revision: base.revision, next: base.head.next, closed, tail }
}

const sealTail = async (
  sealing: Sealing,
  stream: StreamId,
  filling: Filling,
  { tailFirst, tailLines }: { readonly tailFirst: Offset; readonly tailLines: readonly Uint8Array[] },
): Promise<TailAppend> => ({
  first: tailFirst,
  events: filling.first + filling.events - tailFirst,
  lastLamport: filling.lastLamport,
  lines: concatBytes(tailLines),
  ...(await sealFilling(sealing, stream, filling, concatBytes(filling.parts))),
})
