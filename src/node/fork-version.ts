import { startsWithBytes } from '../core/bytes.ts'
import type { Offset, StreamId, SwarmId } from '../core/ids.ts'
import type { WholeSegment as SaidSegment } from '../protocol/message.ts'
import type { FoundFork, TakeOutcome } from '../protocol/plan-state.ts'
import type { BranchBeginning, TailAppend } from '../store/event-store.ts'
import { byteOfEvent, firstDifference, linesOf, readBody } from '../stream/body.ts'
import type { StreamCrypto } from '../stream/crypto.ts'
import { decodeHeader, encodeHeader, headerId, type Header, type Sealed } from '../stream/header.ts'
import { closedSegment } from '../stream/seal.ts'
import { verifyWhole, type PieceFault, type WholeSegment } from '../stream/verify.ts'
import { headerUpTo } from './replication-reads.ts'

/** A sealed version of a segment with its body. */
export interface Version {
  readonly header: Header
  readonly sealed: Sealed
  readonly body: Uint8Array
  /** As it lies on disk or travelled, of a closed one. */
  readonly deflated: Uint8Array | undefined
}

export const faultToOutcome = (fault: PieceFault): TakeOutcome => {
  switch (fault.type) {
    case 'sender': return { type: 'bad', text: fault.reason }
    case 'author': return { type: 'refused', text: `a sealed piece is not valid: ${JSON.stringify(fault.reason)}` }
    case 'newer': return { type: 'newer' }
  }
}

export const wholeToVersion = (whole: WholeSegment, sealed: Sealed, deflated: Uint8Array): Version =>
  ({ header: whole.header, sealed, body: whole.body, deflated: whole.header.closed ? deflated : undefined })

export const versionToSaid = async (crypto: StreamCrypto, { sealed, body, deflated }: Version): Promise<SaidSegment> =>
  ({ header: sealed.header, seal: sealed.seal, deflated: deflated ?? (await crypto.deflate(body)) })

/** Checks a segment that came whole and deflated. */
export const saidToVersion = async (crypto: StreamCrypto, swarm: SwarmId, { header, seal, deflated }: SaidSegment): Promise<Version | TakeOutcome> => {
  const decoded = decodeHeader(header)
  if (!decoded.ok) return decoded.error === 'newer' ? { type: 'newer' } : { type: 'bad', text: decoded.error }
  const body = decoded.value.closed ? deflated : await crypto.inflate(deflated, decoded.value.bodyBytes)
  if (body === undefined) return { type: 'bad', text: 'length' }
  const sealed = { header, seal }
  const whole = await verifyWhole(crypto, swarm, { stream: decoded.value.stream, sealed, firstLine: decoded.value.first, body }, 0)
  return whole.ok ? wholeToVersion(whole.value, sealed, deflated) : faultToOutcome(whole.error)
}

export const endOf = ({ header }: Version): Offset => header.first + header.events

/**
 * Compares two sealed versions with the same first offset and the same segment before.
 * `undefined`: one may still become the other. @see PROTOCOL.md [R44] [R46]
 */
export const forkOf = async (crypto: StreamCrypto, a: Version, b: Version): Promise<FoundFork | undefined> => {
  const [shorter, longer] = a.body.length <= b.body.length ? [a, b] : [b, a]
  const { stream, first } = a.header
  const isPrefix = startsWithBytes(longer.body, shorter.body)
  if (isPrefix && (shorter.body.length === longer.body.length || !shorter.header.closed)) return undefined
  const [one, other] = await Promise.all([versionToSaid(crypto, shorter), versionToSaid(crypto, longer)])
  const end = isPrefix ? endOf(shorter) : first + firstDifference(a.body, b.body)
  return { stream, end, type: isPrefix ? 'shorter' : 'differs', one, other }
}

/** The line that begins at `offset`; `undefined` where none does. */
export const lineAt = (body: Uint8Array, first: Offset, offset: Offset): Uint8Array | undefined => {
  const at = byteOfEvent(body, offset - first)
  const line = at === undefined ? undefined : linesOf(body, at).next()
  return line === undefined || line.done === true ? undefined : line.value
}

/** The version as the first segment of a branch. */
export const versionToBeginning = async (crypto: StreamCrypto, stream: StreamId, { header, sealed, body, deflated }: Version): Promise<BranchBeginning> => {
  const id = await headerId(crypto, sealed.header)
  if (deflated === undefined) return { stream, tail: { first: header.first, events: header.events, lastLamport: header.lastLamport, lines: body, sealed, headerId: id } }
  const lines = readBody(body, 0)
  if (!lines.ok) throw new Error(`a version of ${stream} at ${header.first} was not checked`)
  return { stream, closed: closedSegment(stream, header.first, lines.value, { sealed, headerId: id, deflated }) }
}

/** The lines of a version up to `end`, for a stream that ends there: its header is recomputed, its seal covers more. `undefined` where there are none. */
export const versionUpTo = async (crypto: StreamCrypto, { header, sealed, body }: Version, end: Offset): Promise<TailAppend | undefined> => {
  const upTo = end === header.first ? undefined : await headerUpTo(crypto, header, body, end)
  if (upTo === undefined) return undefined
  const bytes = encodeHeader(upTo.header)
  const { events, lastLamport } = upTo.header
  return { first: header.first, events, lastLamport, lines: upTo.lines, sealed: { header: bytes, seal: sealed.seal }, headerId: await headerId(crypto, bytes) }
}
