import { base64UrlToBytes, bytesToBase64Url } from '../core/bytes.ts'
import { parseStreamId, parseSwarmId, type Offset, type StreamId, type SwarmId } from '../core/ids.ts'
import { lastOf, type OffsetMap } from '../core/offset-map.ts'
import { decodeUtf8, encodeUtf8 } from '../core/utf8.ts'
import type { EventStore } from '../store/event-store.ts'
import { StoreError } from '../store/errors.ts'
import type { StreamCrypto } from '../stream/crypto.ts'
import { decodeHeader, type Sealed } from '../stream/header.ts'
import type { ArchiveFault } from './node.ts'
import { heldSegment } from './replication-reads.ts'

// An archive is a file of text lines that a person can keep and read, and that another node of the swarm takes in again:
//   {"millpond":"archive/1","swarm":…,"name":…,"atMicros":…}
//   {"stream":…,"first":…,"header":…,"seal":…,"from":…,"bytes":…}   then so many bytes of the stream's own lines, as they were signed
//   {"stream":…,"first":…,"unreadable":…}                           where something could not be read
//   {"unsaved":…}                                                    what an application could not record, for whoever reads the file
// Header and seal are base64url. The lines are those of FORMAT.md.

const KIND = 'archive/1'
/** Far above what a line of this kind needs. */
const HEAD_BYTES_MAX = 4096

/** A signed piece of a stream. */
export interface ArchivePiece {
  readonly stream: StreamId
  readonly sealed: Sealed
  /** Offset of the first event in `body`. */
  readonly from: Offset
  /** Lines, not deflated. */
  readonly body: Uint8Array
}

export interface ArchiveOptions {
  readonly name: string
  readonly atMicros: number
  /** What others hold: only pieces with an event above it are written. Absent: all. */
  readonly beyond?: OffsetMap
}

/** All that can be read of a store, piece by piece; what a hole has set aside too. What cannot be read is named, and stops nothing. */
export async function* writeArchive(store: EventStore, crypto: StreamCrypto, { name, atMicros, beyond }: ArchiveOptions): AsyncGenerator<string> {
  yield `${JSON.stringify({ millpond: KIND, swarm: store.swarm, name, atMicros })}\n`
  for (const [stream, head] of await store.heads()) {
    for (let at = Math.max(head.start, 0); at < head.next; ) {
      const piece = await readPiece(store, crypto, stream, at)
      if (piece === undefined) {
        yield `${JSON.stringify({ stream, first: at, unreadable: true })}\n`
        at = await nextReadable(store, stream, at + 1, head.next)
      } else {
        if (beyond === undefined || piece.end - 1 > lastOf(beyond, stream)) yield pieceText(piece)
        at = piece.end
      }
    }
  }
  for (const stream of await streamsAside(store))
    for (const { first, lines, sealed } of await store.setAsideAppends(stream)) yield pieceText({ stream, sealed, from: first, body: lines })
}

const pieceText = ({ stream, sealed, from, body }: ArchivePiece): string => {
  const header = decodeHeader(sealed.header)
  const first = header.ok ? header.value.first : from
  const head = { stream, first, header: bytesToBase64Url(sealed.header), seal: bytesToBase64Url(sealed.seal), from, bytes: body.length }
  return `${JSON.stringify(head)}\n${decodeUtf8(body) ?? ''}`
}

const readPiece = async (store: EventStore, crypto: StreamCrypto, stream: StreamId, at: Offset): Promise<(ArchivePiece & { readonly end: Offset }) | undefined> => {
  try {
    const piece = await store.piece(stream, at)
    if (piece === undefined) return undefined
    const { header, body } = await heldSegment(crypto, stream, piece)
    return { stream, sealed: piece.sealed, from: piece.first, body, end: header.first + header.events }
  } catch (error) {
    if (error instanceof StoreError && error.code === 'STORE-UNREADABLE') return undefined
    throw error
  }
}

/** Where the next piece lies; a closed one has at most 65,536 events. */
const nextReadable = async (store: EventStore, stream: StreamId, from: Offset, end: Offset): Promise<Offset> => {
  for (let at = from; at < end; at++) {
    const piece = await store.piece(stream, at).catch((error: unknown) => (error instanceof StoreError && error.code === 'STORE-UNREADABLE' ? undefined : Promise.reject(error)))
    if (piece !== undefined && piece.first >= from) return piece.first
  }
  return end
}

const streamsAside = async (store: EventStore): Promise<ReadonlySet<StreamId>> =>
  new Set((await store.listAside('tail')).flatMap(([, value]) => (typeof value === 'object' && value !== null && 'stream' in value ? [value.stream as StreamId] : [])))

/** The pieces of an archive in order; ends with a fault where it is not as it was written. What was read before counts: each piece is verified by itself. */
export function* readArchive(file: Uint8Array, swarm: SwarmId): Generator<ArchivePiece, ArchiveFault | undefined> {
  const lines = linesFrom(file)
  const fault = kindFault(lines.next(), swarm)
  if (fault !== undefined) return fault
  for (let line = lines.next(); line !== undefined; line = lines.next()) {
    if ('unreadable' in line || 'unsaved' in line) continue
    const { stream, header, seal, from, bytes } = line
    const [id, headerBytes, sealBytes] = [typeof stream === 'string' ? parseStreamId(stream)?.id : undefined, bytesIn(header), bytesIn(seal)]
    const body = typeof bytes === 'number' ? lines.take(bytes) : undefined
    if (id === undefined || headerBytes === undefined || sealBytes === undefined || typeof from !== 'number' || body === undefined) return 'damaged'
    yield { stream: id, sealed: { header: headerBytes, seal: sealBytes }, from, body }
  }
  return lines.isAtEnd() ? undefined : 'damaged'
}

const kindFault = (head: Record<string, unknown> | undefined, swarm: SwarmId): ArchiveFault | undefined => {
  if (head === undefined || typeof head['millpond'] !== 'string') return 'kind'
  if (head['millpond'] !== KIND) return 'newer'
  return typeof head['swarm'] === 'string' && parseSwarmId(head['swarm']) === swarm ? undefined : 'swarm'
}

const bytesIn = (text: unknown): Uint8Array | undefined => (typeof text === 'string' ? base64UrlToBytes(text) : undefined)

/** Reads lines that are JSON objects, and bytes between them. */
const linesFrom = (file: Uint8Array) => {
  let at = 0
  return {
    isAtEnd: () => at >= file.length,
    /** `undefined`: no such line is here. */
    next: (): Record<string, unknown> | undefined => {
      const end = file.indexOf(encodeUtf8('\n')[0] ?? 10, at)
      const text = end < 0 || end - at > HEAD_BYTES_MAX ? undefined : decodeUtf8(file.subarray(at, end))
      const value = text === undefined ? undefined : parseObject(text)
      if (value !== undefined) at = end + 1
      return value
    },
    take: (count: number): Uint8Array | undefined => {
      if (!Number.isSafeInteger(count) || count < 0 || at + count > file.length) return undefined
      at += count
      return file.subarray(at - count, at)
    },
  }
}

const parseObject = (text: string): Record<string, unknown> | undefined => {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}
