import { concatBytes, equalBytes, startsWithBytes } from '../core/bytes.ts'
import { nodeIdToPublicKey, streamIdToNodeId, streamWithoutBranch, type Lamport, type Offset, type StreamId, type SwarmId } from '../core/ids.ts'
import { fail, ok, type Result } from '../core/result.ts'
import { byteOfEvent, firstDifference, readBody, type BodyFault, type BodySummary } from './body.ts'
import type { StreamCrypto } from './crypto.ts'
import { decodeHeader, headerId, type Header, type Sealed } from './header.ts'
import { isSigningKey } from './point.ts'
import { closedSegment } from './seal.ts'
import { openFirstLamport, type StreamBase, type StreamPieces } from './segment.ts'
import { startBytes, type StartPlace } from './swarm.ts'

/** A piece of a stream as it came from a peer. */
export interface ReceivedPiece {
  readonly stream: StreamId
  readonly sealed: Sealed
  /** Offset of the first line that it carries; of a closed segment always its first. */
  readonly firstLine: Offset
  /** Closed: the whole body, deflated. Open: lines from `firstLine` on, raw. */
  readonly body: Uint8Array
}

/** What no honest sender passes on. */
export type SenderFault = 'malformed' | 'swarm' | 'stream' | 'key' | 'first-line' | 'seal' | 'length' | 'hash'

/** What is sealed, but not valid: a line, or a header that its lines contradict. */
export type AuthorFault = BodyFault | { readonly type: 'header'; readonly field: 'events' | 'firstLamport' | 'lastLamport' }

export type PieceFault =
  | { readonly type: 'sender'; readonly reason: SenderFault }
  /** That piece, named by its header id, is refused; the sender is not to blame. */
  | { readonly type: 'author'; readonly headerId: Uint8Array; readonly reason: AuthorFault }
  /** Made by a later version: not stored, nobody's fault. */
  | { readonly type: 'newer' }

/** A segment that is whole, sealed and valid by itself. */
export interface WholeSegment {
  readonly header: Header
  readonly headerId: Uint8Array
  /** Inflated. */
  readonly body: Uint8Array
  readonly lines: BodySummary
}

/**
 * How a piece lies to what is held of its stream.
 * `append`: it continues it, and these are the pieces to store · `held`: nothing new ·
 * `misfit`: it begins elsewhere; nothing of it but its header was looked at, the seal neither:
 *   `before` the open segment, `beyond` it or the head, on another `previous` segment, or a `part` whose beginning is not what is held ·
 * `shorter`: closed, and a proper prefix of what is held open · `differs`: neither is a prefix of the other, from the batch at `at` on.
 */
export type PieceVerdict =
  | { readonly type: 'append'; readonly header: Header; readonly headerId: Uint8Array; readonly pieces: StreamPieces; readonly lamports: readonly Lamport[] }
  | { readonly type: 'held'; readonly header: Header }
  | { readonly type: 'misfit'; readonly why: 'before' | 'beyond' | 'previous' | 'part'; readonly header: Header }
  | { readonly type: 'shorter'; readonly whole: WholeSegment }
  | { readonly type: 'differs'; readonly whole: WholeSegment; readonly at: Offset }
  | PieceFault

const sender = (reason: SenderFault): { readonly ok: false; readonly error: PieceFault } => fail({ type: 'sender', reason })

/** The cheapest checks: form, swarm, stream, key. Nothing is hashed. */
export const checkHeader = (swarm: SwarmId, piece: Pick<ReceivedPiece, 'stream' | 'sealed'>): Result<Header, PieceFault> => {
  const decoded = decodeHeader(piece.sealed.header)
  if (!decoded.ok) return decoded.error === 'newer' ? fail({ type: 'newer' }) : sender('malformed')
  const header = decoded.value
  if (header.swarm !== swarm) return sender('swarm')
  if (header.stream !== streamWithoutBranch(piece.stream)) return sender('stream')
  return isSigningKey(nodeIdToPublicKey(streamIdToNodeId(header.stream))) ? ok(header) : sender('key')
}

/** Whether the stream's owner signed this header. */
export const holdsSeal = ({ verify }: Pick<StreamCrypto, 'verify'>, stream: StreamId, { header, seal }: Sealed): Promise<boolean> =>
  verify(nodeIdToPublicKey(streamIdToNodeId(stream)), seal, header)

/** Whether the owner of `stream` signed that it starts there. A branch has no start, and nothing starts at offset 0. @see FORMAT.md [F36] */
export const holdsStart = ({ verify }: Pick<StreamCrypto, 'verify'>, swarm: SwarmId, stream: StreamId, start: StartPlace & { readonly signature: Uint8Array }): Promise<boolean> =>
  start.offset > 0 && stream === streamWithoutBranch(stream)
    ? verify(nodeIdToPublicKey(streamIdToNodeId(stream)), start.signature, startBytes(swarm, stream, start))
    : Promise.resolve(false)

/** Whether the lines add up to what the header says. @param before events and first Lamport time of the part that is not among them */
const contradiction = (header: Header, lines: BodySummary, before?: { readonly events: number; readonly firstLamport: Lamport }): AuthorFault | undefined => {
  if (header.events !== lines.events + (before?.events ?? 0)) return { type: 'header', field: 'events' }
  if (header.firstLamport !== (before?.firstLamport ?? lines.firstLamport)) return { type: 'header', field: 'firstLamport' }
  return header.lastLamport === lines.lastLamport ? undefined : { type: 'header', field: 'lastLamport' }
}

const judge = (header: Header, id: Uint8Array, body: Uint8Array, lamportBefore: Lamport): Result<WholeSegment, PieceFault> => {
  const lines = readBody(body, lamportBefore)
  const reason = lines.ok ? contradiction(header, lines.value) : lines.error
  if (reason !== undefined || !lines.ok) return fail({ type: 'author', headerId: id, reason: reason ?? { type: 'empty' } })
  return ok({ header, headerId: id, body, lines: lines.value })
}

/** The whole body, when seal, length and hash hold. */
const openBody = async (crypto: StreamCrypto, header: Header, piece: ReceivedPiece, prefix: Uint8Array): Promise<Result<Uint8Array, SenderFault>> => {
  if (!(await holdsSeal(crypto, header.stream, piece.sealed))) return fail('seal')
  const body = header.closed ? await crypto.inflate(piece.body, header.bodyBytes) : prefix.length === 0 ? piece.body : concatBytes([prefix, piece.body])
  if (body?.length !== header.bodyBytes) return fail('length')
  return equalBytes(await crypto.sha256(body), header.bodyHash) ? ok(body) : fail('hash')
}

/**
 * Checks a piece that is a whole segment by itself, whatever is held: for going back, for forks.
 * @param lamportBefore last Lamport time before it, 0 where that is not known
 */
export const verifyWhole = async (crypto: StreamCrypto, swarm: SwarmId, piece: ReceivedPiece, lamportBefore: Lamport): Promise<Result<WholeSegment, PieceFault>> => {
  const checked = checkHeader(swarm, piece)
  if (!checked.ok) return checked
  const header = checked.value
  if (piece.firstLine !== header.first) return sender('first-line')
  const body = await openBody(crypto, header, piece, new Uint8Array(0))
  return body.ok ? judge(header, await headerId(crypto, piece.sealed.header), body.value, lamportBefore) : sender(body.error)
}

const misfitOf = (header: Header, base: StreamBase, firstLine: Offset): 'before' | 'beyond' | 'previous' | undefined => {
  if (header.first < base.open.first) return 'before'
  if (header.first > base.open.first || firstLine > base.head.next) return 'beyond'
  return equalBytes(header.previous, base.open.previous) ? undefined : 'previous'
}

/**
 * Checks a piece against what is held of its stream, cheapest first: form, place, seal, length, hash, lines.
 * Only a whole segment that fails its own seal, length or hash is the sender's fault; a part may rest on another beginning.
 * @see REPLICATION.md Checks
 */
export const verifyPiece = async (crypto: StreamCrypto, swarm: SwarmId, base: StreamBase, piece: ReceivedPiece): Promise<PieceVerdict> => {
  const checked = checkHeader(swarm, piece)
  if (!checked.ok) return checked.error
  const header = checked.value
  const whole = piece.firstLine === header.first
  if (piece.firstLine < header.first || (header.closed && !whole)) return { type: 'sender', reason: 'first-line' }
  const why = misfitOf(header, base, piece.firstLine)
  if (why !== undefined) return { type: 'misfit', why, header }
  const prefixBytes = whole ? 0 : piece.firstLine === base.head.next ? base.open.body.length : byteOfEvent(base.open.body, piece.firstLine - base.open.first)
  if (prefixBytes === undefined) return { type: 'misfit', why: 'part', header }
  const body = await openBody(crypto, header, piece, base.open.body.subarray(0, prefixBytes))
  if (!body.ok) return whole || body.error === 'seal' ? { type: 'sender', reason: body.error } : { type: 'misfit', why: 'part', header }
  const id = await headerId(crypto, piece.sealed.header)
  return startsWithBytes(body.value, base.open.body) ? extend(base, piece, { header, id, body: body.value }) : compare(base, { header, id, body: body.value })
}

interface Opened {
  readonly header: Header
  readonly id: Uint8Array
  readonly body: Uint8Array
}

/** The piece holds all that is held: it closes the segment, or adds lines to it. */
const extend = (base: StreamBase, piece: ReceivedPiece, { header, id, body }: Opened): PieceVerdict => {
  const { stream, revision, head, open } = base
  const common = { stream, revision, next: head.next }
  if (header.closed) {
    const judged = judge(header, id, body, open.lamportBefore)
    if (!judged.ok) return judged.error
    const closed = closedSegment(stream, header.first, judged.value.lines, { sealed: piece.sealed, headerId: id, deflated: piece.body })
    return { type: 'append', header, headerId: id, pieces: { ...common, closed: [closed], tail: undefined }, lamports: judged.value.lines.lamports }
  }
  if (body.length === open.body.length) return { type: 'held', header }
  const lines = body.subarray(open.body.length)
  const read = readBody(lines, head.lamport)
  const before = open.body.length === 0 ? undefined : { events: head.next - open.first, firstLamport: openFirstLamport(open) }
  const reason = read.ok ? contradiction(header, read.value, before) : read.error
  if (!read.ok || reason !== undefined) return { type: 'author', headerId: id, reason: reason ?? { type: 'empty' } }
  const { events, lastLamport, lamports } = read.value
  const tail = { first: head.next, events, lastLamport, lines, sealed: piece.sealed, headerId: id }
  return { type: 'append', header, headerId: id, pieces: { ...common, closed: [], tail }, lamports }
}

/** What is held is more, or other. */
const compare = (base: StreamBase, { header, id, body }: Opened): PieceVerdict => {
  const judged = judge(header, id, body, base.open.lamportBefore)
  if (!judged.ok) return judged.error
  const whole = judged.value
  if (!startsWithBytes(base.open.body, body)) return { type: 'differs', whole, at: header.first + firstDifference(base.open.body, body) }
  return header.closed ? { type: 'shorter', whole } : { type: 'held', header }
}
