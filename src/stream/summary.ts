import { assert } from '../core/assert.ts'
import { concatBytes } from '../core/bytes.ts'
import type { Lamport, Offset, StreamId } from '../core/ids.ts'
import { encodeUtf8 } from '../core/utf8.ts'
import type { Conjunction, Where } from '../core/where.ts'
import type { BodySummary } from './body.ts'
import { getU64, setU64 } from './header.ts'

// Summaries are local, derived data: they may be rebuilt from the segments at any time and never travel.
// page  := count u8, entry …
// entry := bytes of the entry u16, bytes of the stream id u8, stream id, first offset u64, events u32, first and last lamport u64 u64,
//          earliest and latest timestamp u64 u64, filter

export const PAGE_BYTES_MAX = 60 * 1024
export const PAGE_COUNT_MAX = 64
const FILTER_BITS_PER_LABEL = 12
/** Beyond some 5,000 labels in one segment the filter gets fuller instead of longer. */
const FILTER_BYTES_MAX = 8 * 1024
/** The best number for 12 bits per label: says yes wrongly 3 times in 1,000. */
const PROBE_COUNT = 8
const FIELDS_BYTES = 44

type Hashes = readonly [number, number]

/** Two hashes of a label, from which all its places in a filter follow (Kirsch and Mitzenmacher). `kind`: tags and app ids differ. */
const hashesOf = (label: string, kind: number): Hashes => {
  let [a, b] = [0x811c9dc5 ^ kind, 0x9747b28c + kind]
  for (let at = 0; at < label.length; at++) {
    const unit = label.charCodeAt(at)
    a = Math.imul(a ^ unit, 0x01000193)
    b = Math.imul(b ^ unit, 0x5bd1e995) ^ (b >>> 15)
  }
  return [mix(a), mix(b) | 1]
}

/** The last steps of MurmurHash3: each bit comes to depend on all. */
const mix = (hash: number): number => {
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

const hashesOfTag = (tag: string): Hashes => hashesOf(tag, 0)
const hashesOfAppId = (appId: string): Hashes => hashesOf(appId, 1)

const placeOf = ([a, b]: Hashes, probe: number, bits: number): number => (a + probe * (b >>> 0)) % bits

const filterOf = (labels: readonly Hashes[]): Uint8Array => {
  const filter = new Uint8Array(Math.min(FILTER_BYTES_MAX, Math.ceil((labels.length * FILTER_BITS_PER_LABEL) / 8)))
  for (const hashes of labels) {
    for (let probe = 0; probe < PROBE_COUNT; probe++) {
      const place = placeOf(hashes, probe, filter.length * 8)
      filter[place >> 3] = (filter[place >> 3] ?? 0) | (1 << (place & 7))
    }
  }
  return filter
}

/** Packed entry of one closed segment. @param first offset of its first event */
export const summarise = (stream: StreamId, first: Offset, body: BodySummary): Uint8Array => {
  const filter = filterOf([...Array.from(body.tags, hashesOfTag), ...Array.from(body.appIds, hashesOfAppId)])
  const fields = new DataView(new ArrayBuffer(FIELDS_BYTES))
  setU64(fields, 0, first)
  fields.setUint32(8, body.events)
  setU64(fields, 12, body.firstLamport)
  setU64(fields, 20, body.lastLamport)
  setU64(fields, 28, body.minMicros)
  setU64(fields, 36, body.maxMicros)
  return packEntry(stream, concatBytes([new Uint8Array(fields.buffer), filter]))
}

const packEntry = (stream: StreamId, rest: Uint8Array): Uint8Array => {
  const name = encodeUtf8(stream)
  const size = 3 + name.length + rest.length
  assert(name.length < 256 && size < PAGE_BYTES_MAX, `a summary of ${size} bytes for ${stream}`)
  return concatBytes([Uint8Array.of(size >> 8, size & 255, name.length), name, rest])
}

/** The page with one more entry; `undefined` when it is full. @param page `undefined`: a new one */
export const appendToPage = (page: Uint8Array | undefined, entry: Uint8Array): Uint8Array<ArrayBuffer> | undefined => {
  const count = page?.[0] ?? 0
  const size = (page?.length ?? 1) + entry.length
  if (count >= PAGE_COUNT_MAX || size >= PAGE_BYTES_MAX) return undefined
  return concatBytes([Uint8Array.of(count + 1), page?.subarray(1) ?? new Uint8Array(0), entry])
}

/** One entry of a page, read where it lies. */
export class SummaryEntry {
  /** As `summarise` made it, where it is what was written. */
  readonly bytes: Uint8Array
  readonly #view: DataView
  /** Where its numbers begin. */
  readonly #fields: number
  #stream: StreamId | undefined

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#fields = 3 + this.#view.getUint8(2)
  }

  get stream(): StreamId {
    return (this.#stream ??= this.#readStream())
  }
  #readStream(): StreamId {
    let text = ''
    for (let at = 3; at < this.#fields; at++) text += String.fromCharCode(this.#view.getUint8(at))
    return text as StreamId
  }
  /** The same entry, of another stream. */
  renamed(stream: StreamId): Uint8Array {
    return packEntry(stream, this.bytes.subarray(this.#fields))
  }
  get first(): Offset {
    return getU64(this.#view, this.#fields)
  }
  get events(): number {
    return this.#view.getUint32(this.#fields + 8)
  }
  get firstLamport(): Lamport {
    return getU64(this.#view, this.#fields + 12)
  }
  get lastLamport(): Lamport {
    return getU64(this.#view, this.#fields + 20)
  }
  get minMicros(): number {
    return getU64(this.#view, this.#fields + 28)
  }
  get maxMicros(): number {
    return getU64(this.#view, this.#fields + 36)
  }

  /** Whether an event of the segment may have the label; says yes wrongly at times, never no. */
  mayHave(hashes: Hashes): boolean {
    const filter = this.#fields + FIELDS_BYTES
    const bits = (this.#view.byteLength - filter) * 8
    for (let probe = 0; probe < PROBE_COUNT; probe++) {
      const place = placeOf(hashes, probe, bits)
      if ((this.#view.getUint8(filter + (place >> 3)) & (1 << (place & 7))) === 0) return false
    }
    return true
  }
}

/** The entries of a page in the order in which they were appended. */
export function* entriesOf(page: Uint8Array): Generator<SummaryEntry> {
  for (let at = 1; at < page.length; ) {
    const size = ((page[at] ?? 0) << 8) | (page[at + 1] ?? 0)
    // A page that is not what was written: who finds no summary reads the segment.
    if (at + size > page.length || size <= 3 + (page[at + 2] ?? 0) + FIELDS_BYTES) return
    yield new SummaryEntry(page.subarray(at, at + size))
    at += size
  }
}

/** A `Where` with its labels hashed once, for many entries. */
export type Probe = readonly { readonly conjunction: Conjunction; readonly labels: readonly Hashes[] }[]

export const probeOf = (where: Where): Probe =>
  where.map((conjunction) => ({
    conjunction,
    labels: [...conjunction.tags.map(hashesOfTag), ...(conjunction.appId === undefined ? [] : [hashesOfAppId(conjunction.appId)])],
  }))

/** Whether the segment may hold an event that matches; says yes wrongly at times, never no. @param isLocal whether its stream is of this node */
export const mayMatch = (entry: SummaryEntry, probe: Probe, isLocal: boolean): boolean =>
  probe.some(({ conjunction, labels }) => (isLocal || conjunction.local !== true) && overlaps(entry, conjunction) && labels.every((hashes) => entry.mayHave(hashes)))

const overlaps = (entry: SummaryEntry, { minMicros, maxMicros, minLamport, maxLamport }: Conjunction): boolean =>
  (minLamport === undefined || entry.lastLamport >= minLamport) &&
  (maxLamport === undefined || entry.firstLamport <= maxLamport) &&
  (minMicros === undefined || entry.maxMicros >= minMicros) &&
  (maxMicros === undefined || entry.minMicros <= maxMicros)
