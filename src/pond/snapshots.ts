import { crc32 } from '../core/crc32.ts'
import type { EventKey } from '../core/event-key.ts'
import { parseStreamId } from '../core/ids.ts'
import { LAMPORT_MAX } from '../core/lamport.ts'
import type { OffsetMap } from '../core/offset-map.ts'
import type { Where } from '../core/where.ts'
import type { Local } from '../node/node.ts'
import type { FishId } from './fish.ts'
import { isBefore, thin, type Progress } from './point.ts'

/** Where the snapshots of all fish lie. */
export const snapshotLayer = 'fish'
const formatVersion = 1
/** A late event seldom lies far back, and a snapshot is large. */
const sparse = { spacing: 2_000, reach: 5 } as const

/** A snapshot, without its state. */
export interface Snapshot extends Progress {
  readonly key: string
  /** CRC-32 of the state's bytes. */
  readonly check: number
}

/** What lies on disk of the fish with this id. All versions share one place, so that those of other versions are found and deleted. */
interface Index {
  readonly format: number
  readonly version: number
  /** As JSON: what is folded must be the same. */
  readonly where: string
  readonly snapshots: readonly Snapshot[]
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()

const isKey = (value: unknown): value is EventKey =>
  typeof value === 'object' && value !== null && 'lamport' in value && 'stream' in value &&
  Number.isInteger(value.lamport) && Number(value.lamport) >= 0 && Number(value.lamport) <= LAMPORT_MAX && typeof value.stream === 'string' && parseStreamId(value.stream) !== undefined

const isOffsets = (value: unknown): value is OffsetMap =>
  typeof value === 'object' && value !== null && Object.entries(value).every(([stream, offset]) => parseStreamId(stream) !== undefined && Number.isSafeInteger(offset))

const isSnapshot = (value: unknown): value is Snapshot => {
  if (typeof value !== 'object' || value === null) return false
  const { key, check, covered, basis, last, horizon, count } = value as Partial<Record<keyof Snapshot, unknown>>
  return typeof key === 'string' && Number.isSafeInteger(check) && isOffsets(covered) && isOffsets(basis) && isKey(last) && (horizon === undefined || isKey(horizon)) && Number.isSafeInteger(count)
}

const parseIndex = (bytes: Uint8Array | undefined): Index | undefined => {
  if (bytes === undefined) return undefined
  try {
    const { format, version, where, snapshots } = JSON.parse(decoder.decode(bytes)) as Partial<Record<keyof Index, unknown>>
    const valid = format === formatVersion && typeof version === 'number' && typeof where === 'string' && Array.isArray(snapshots) && snapshots.every(isSnapshot)
    return valid ? { format, version, where, snapshots } : undefined
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

/**
 * Snapshots of one fish on disk, a few of different age. They only spare work: what cannot be read, or is of another version or selection, is passed over and overwritten.
 * Index and state are stored in one transaction, and places are used again, so that nothing is left behind. Of several tabs the last that saves wins.
 */
export class Snapshots {
  readonly #local: Local
  readonly #version: number
  readonly #where: string
  readonly #place: string
  #known: readonly Snapshot[] = []

  constructor(local: Local, { entityType, name, version }: FishId, where: Where) {
    this.#local = local
    this.#version = version
    this.#where = JSON.stringify(where)
    this.#place = JSON.stringify([entityType, name])
  }

  /** Finds those that fit, and deletes the others. */
  async load(): Promise<void> {
    const index = parseIndex(await this.#local.get(this.#indexKey))
    if (index?.version === this.#version && index.where === this.#where) this.#known = index.snapshots
    else if (index !== undefined) await this.#local.delete([this.#indexKey, ...index.snapshots.map(({ key }) => key)])
  }

  /** Oldest first. */
  get known(): readonly Snapshot[] {
    return this.#known
  }

  /** `undefined`: it is gone, or not what was saved. */
  async read({ key, check }: Snapshot): Promise<string | undefined> {
    const bytes = await this.#local.get(key)
    return bytes !== undefined && crc32(bytes) === check ? decoder.decode(bytes) : undefined
  }

  async save({ covered, basis, last, horizon, count }: Progress, text: string): Promise<void> {
    const older = thin(this.#known.filter((known) => known.count < count), count, sparse)
    const used = new Set(older.map(({ key }) => key))
    const key = Array.from({ length: used.size + 1 }, (_, place) => `${this.#place} ${place}`).find((free) => !used.has(free)) ?? ''
    const bytes = encoder.encode(text)
    await this.#replace([...older, { key, check: crc32(bytes), covered, basis, last, horizon, count }], [[key, bytes]])
  }

  /** Keeps only those from which a fold may go on although that event was not folded. */
  async keepBefore(late: EventKey): Promise<void> {
    const left = this.#known.filter((snapshot) => isBefore(snapshot, late))
    if (left.length < this.#known.length) await this.#replace(left, [])
  }

  async forgetAll(): Promise<void> {
    await this.#replace([], [])
  }

  get #indexKey(): string {
    return `${this.#place} index`
  }

  async #replace(snapshots: readonly Snapshot[], states: readonly (readonly [string, Uint8Array])[]): Promise<void> {
    const kept = new Set(snapshots.map(({ key }) => key))
    const gone = this.#known.map(({ key }) => key).filter((key) => !kept.has(key))
    this.#known = snapshots
    const index: Index = { format: formatVersion, version: this.#version, where: this.#where, snapshots }
    await this.#local.put([[this.#indexKey, encoder.encode(JSON.stringify(index))], ...states])
    if (gone.length > 0) await this.#local.delete(gone)
  }
}
