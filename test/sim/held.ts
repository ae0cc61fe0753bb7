import { createHash } from 'node:crypto'
import { inflateRawSync } from 'node:zlib'
import { bytesToHex } from '../../src/core/bytes.ts'
import type { NodeId, Offset, StreamId } from '../../src/core/ids.ts'
import type { MemoryDisk } from '../../src/store/memory-event-store.ts'
import { beginningOf, headerOf, parseStoredStream, shownFrom, unpackSegment, type StoredSegment } from '../../src/store/records.ts'
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

/** The records of one stream, as they lie on a disk: what is found in them is remembered by them, for a disk never changes a record, it writes another. */
interface Records {
  readonly record: unknown
  readonly tails: readonly unknown[]
  readonly segments: readonly unknown[]
}

const sameItems = (a: readonly unknown[], b: readonly unknown[]): boolean => a.length === b.length && a.every((item, at) => item === b[at])

const remembering = <T>(find: (stream: StreamId, records: Records) => T): ((stream: StreamId, records: Records) => T) => {
  const known = new WeakMap<object, { readonly stream: StreamId; readonly records: Records; readonly found: T }>()
  return (stream, records) => {
    const key = records.tails[0] ?? records.record
    const before = typeof key === 'object' && key !== null ? known.get(key) : undefined
    if (before?.stream === stream && before.records.record === records.record && sameItems(before.records.tails, records.tails) && sameItems(before.records.segments, records.segments)) return before.found
    const found = find(stream, records)
    if (typeof key === 'object' && key !== null) known.set(key, { stream, records, found })
    return found
  }
}

const nextOf = remembering((stream, { record: stored, tails }): Offset | undefined => {
  const record = parseStoredStream(stream, stored)
  const { next } = headOf(tailOf(record, tails))
  return next > shownFrom(record) ? next : undefined
})

/** Next offset of every stream that holds an event. */
export const headsOn = (disk: MemoryDisk): ReadonlyMap<StreamId, Offset> => {
  const tails = recordsOf(disk, 'tail')
  const records = new Map(disk.entries('streams')) as ReadonlyMap<unknown, unknown>
  const heads = new Map<StreamId, Offset>()
  for (const stream of new Set([...records.keys(), ...tails.keys()]) as Iterable<StreamId>) {
    const next = nextOf(stream, { record: records.get(stream), tails: tails.get(stream) ?? [], segments: [] })
    if (next !== undefined) heads.set(stream, next)
  }
  return heads
}

export const nodeIdOn = (disk: MemoryDisk): NodeId | undefined => {
  const identity = disk.entries('meta').find(([key]) => key === 'identity')?.[1] as { readonly identity: { readonly nodeId: NodeId } } | undefined
  return identity?.identity.nodeId
}

/** Reads streams, and remembers what closed segments hold: they never change. */
export const createHeldReader = () => {
  const closed = new Map<string, readonly HeldLine[]>()
  const closedLines: ClosedLines = ({ headerId, deflated, first }, before) => {
    const name = `${bytesToHex(headerId)} ${deflated.length} ${before}`
    const known = closed.get(name)
    if (known !== undefined) return known
    const lines = linesOf([inflateRawSync(deflated)], first, before)
    closed.set(name, lines)
    return lines
  }
  const readStream = remembering((stream, records) => readHeld(stream, records, closedLines))
  return (disk: MemoryDisk, wanted: (stream: StreamId) => boolean): readonly HeldStream[] => {
    const [tails, segments] = [recordsOf(disk, 'tail'), recordsOf(disk, 'segments')]
    const records = new Map(disk.entries('streams')) as ReadonlyMap<unknown, unknown>
    const streams = [...new Set([...records.keys(), ...tails.keys()])] as readonly StreamId[]
    return streams.filter(wanted).map((stream) => readStream(stream, { record: records.get(stream), tails: tails.get(stream) ?? [], segments: segments.get(stream) ?? [] }))
  }
}

type ClosedLines = (segment: Pick<StoredSegment, 'headerId' | 'deflated' | 'first'>, before: string) => readonly HeldLine[]

const readHeld = (stream: StreamId, { record: stored, tails, segments }: Records, closedLines: ClosedLines): HeldStream => {
  const record = parseStoredStream(stream, stored)
  const lines: HeldLine[] = []
  const chain = () => lines.at(-1)?.chain ?? ''
  let fault: string | undefined
  const beginning = beginningOf(record)
  let next = beginning.openFirst
  let previous = bytesToHex(beginning.previous)
  for (const value of segments) {
    const segment = unpackSegment(value)
    if (segment === undefined || segment.first >= record.openFirst) continue
    const header = headerOf(segment.sealed)
    if (segment.first !== next || header === undefined || bytesToHex(header.previous) !== previous) fault ??= `the closed segment at ${segment.first} does not follow ${next}`
    lines.push(...closedLines({ ...segment, first: next }, chain()))
    next = segment.first + segment.events
    previous = bytesToHex(segment.headerId)
  }
  if (next !== record.openFirst || previous !== bytesToHex(record.previous)) fault ??= `closed up to ${next}, the open segment begins at ${record.openFirst}`
  const tail = tailOf(record, tails)
  const last = lines.at(-1)
  lines.push(...linesOf(tail.appends.map((append) => append.lines), last === undefined ? beginning.openFirst : last.first + last.events, chain()))
  const { next: head } = headOf(tail)
  const end = lines.at(-1)
  const endsAt = end === undefined ? beginning.openFirst : end.first + end.events
  if (endsAt !== head) fault ??= `its lines end at ${endsAt}, its head is ${head}`
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
