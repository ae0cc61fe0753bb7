import { createHash } from 'node:crypto'
import { inflateRawSync } from 'node:zlib'
import { bytesToHex } from '../../src/core/bytes.ts'
import type { NodeId, Offset, StreamId } from '../../src/core/ids.ts'
import type { MemoryDisk } from '../../src/store/memory-event-store.ts'
import { beginningOf, headerOf, parseStoredStream, shownFrom, unpackSegment, type StoredStream } from '../../src/store/records.ts'
import { headOf, tailOf } from '../../src/store/tail.ts'

// What lies on a disk, read past the program: every check of the simulation rests on this.

/** One line of a stream, with the hash over all lines up to and with it: two streams that are the same up to there have the same. */
export interface HeldLine {
  readonly first: Offset
  readonly events: number
  readonly chain: string
  readonly text: string
}

/** The ids of the payloads of a line. */
export const idsOf = ({ text }: Pick<HeldLine, 'text'>): readonly string[] =>
  (JSON.parse(text) as readonly [number, number, string, readonly (readonly [unknown, { readonly id: string }])[]])[3].map(([, { id }]) => id)

export interface HeldStream {
  readonly stream: StreamId
  /** From the first segment on: a branch holds that whole, and shows offsets from `shown` on. */
  readonly lines: readonly HeldLine[]
  readonly shown: Offset
  readonly next: Offset
  /** Where it ends because of a fork. */
  readonly end: Offset | undefined
  /** What does not fit together. */
  readonly fault: string | undefined
}

const partsOf = (key: unknown): readonly [unknown, unknown] => (key instanceof Array ? [key[0], key[1]] : [key, undefined])

const recordsOf = (disk: MemoryDisk, table: 'tail' | 'segments'): ReadonlyMap<unknown, readonly unknown[]> => {
  const found = new Map<unknown, unknown[]>()
  for (const [key, value] of disk.entries(table)) {
    const [stream] = partsOf(key)
    const list = found.get(stream)
    if (list === undefined) found.set(stream, [value])
    else list.push(value)
  }
  return found
}

const storedStreams = (disk: MemoryDisk): ReadonlyMap<StreamId, StoredStream> =>
  new Map(disk.entries('streams').map(([key, value]) => [key as StreamId, parseStoredStream(key as StreamId, value)]))

/** Next offset of every stream that holds an event. */
export const headsOn = (disk: MemoryDisk): ReadonlyMap<StreamId, Offset> => {
  const tails = recordsOf(disk, 'tail')
  const records = storedStreams(disk)
  const heads = new Map<StreamId, Offset>()
  for (const stream of new Set([...records.keys(), ...(tails.keys() as Iterable<StreamId>)])) {
    const record = records.get(stream) ?? parseStoredStream(stream, undefined)
    const { next } = headOf(tailOf(record, tails.get(stream) ?? []))
    if (next > shownFrom(record)) heads.set(stream, next)
  }
  return heads
}

export const nodeIdOn = (disk: MemoryDisk): NodeId | undefined => {
  const identity = disk.entries('meta').find(([key]) => key === 'identity')?.[1] as { readonly identity: { readonly nodeId: NodeId } } | undefined
  return identity?.identity.nodeId
}

/** Reads streams, and remembers inflated bodies: a closed segment never changes. */
export const createHeldReader = () => {
  const bodies = new Map<string, Uint8Array>()
  const bodyOf = (headerId: Uint8Array, deflated: Uint8Array): Uint8Array => {
    const name = `${bytesToHex(headerId)} ${deflated.length}`
    const known = bodies.get(name)
    if (known !== undefined) return known
    const body = new Uint8Array(inflateRawSync(deflated))
    bodies.set(name, body)
    return body
  }
  return (disk: MemoryDisk, wanted: (stream: StreamId) => boolean): readonly HeldStream[] => {
    const [tails, segments, records] = [recordsOf(disk, 'tail'), recordsOf(disk, 'segments'), storedStreams(disk)]
    const streams = new Set([...records.keys(), ...(tails.keys() as Iterable<StreamId>)])
    return [...streams].filter(wanted).map((stream) => readStream(records.get(stream) ?? parseStoredStream(stream, undefined), tails.get(stream) ?? [], segments.get(stream) ?? [], bodyOf))
  }
}

const readStream = (record: StoredStream, tails: readonly unknown[], segments: readonly unknown[], bodyOf: (headerId: Uint8Array, deflated: Uint8Array) => Uint8Array): HeldStream => {
  const { stream } = record
  const parts: Uint8Array[] = []
  let fault: string | undefined
  const beginning = beginningOf(record)
  let next = beginning.openFirst
  let previous = bytesToHex(beginning.previous)
  for (const value of segments) {
    const segment = unpackSegment(value)
    if (segment === undefined || segment.first >= record.openFirst) continue
    const header = headerOf(segment.sealed)
    if (segment.first !== next || header === undefined || bytesToHex(header.previous) !== previous) fault ??= `the closed segment at ${segment.first} does not follow ${next}`
    parts.push(bodyOf(segment.headerId, segment.deflated))
    next = segment.first + segment.events
    previous = bytesToHex(segment.headerId)
  }
  if (next !== record.openFirst || previous !== bytesToHex(record.previous)) fault ??= `closed up to ${next}, the open segment begins at ${record.openFirst}`
  const tail = tailOf(record, tails)
  for (const append of tail.appends) parts.push(append.lines)
  const lines = linesOf(parts, beginning.openFirst)
  const { next: head } = headOf(tail)
  const last = lines.at(-1)
  const end = last === undefined ? beginning.openFirst : last.first + last.events
  if (end !== head) fault ??= `its lines end at ${end}, its head is ${head}`
  return { stream, lines, shown: shownFrom(record), next: head, end: record.standing?.type === 'forked' ? record.standing.end : undefined, fault }
}

/** @param before hash over all lines before the first one */
export const linesOf = (parts: readonly Uint8Array[], start: Offset, before = ''): readonly HeldLine[] => {
  const lines: HeldLine[] = []
  let [first, chain] = [start, before]
  for (const part of parts) {
    for (const text of new TextDecoder().decode(part).split('\n').slice(0, -1)) {
      const events = (JSON.parse(text) as readonly [number, number, string, readonly unknown[]])[3].length
      chain = createHash('sha256').update(chain).update(text).digest('base64')
      lines.push({ first, events, chain, text })
      first += events
    }
  }
  return lines
}
