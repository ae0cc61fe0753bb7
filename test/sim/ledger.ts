import { compareEventKeys, type EventKey } from '../../src/core/event-key.ts'
import type { Meta } from '../../src/core/event.ts'
import { streamWithoutBranch, type Offset, type StreamId } from '../../src/core/ids.ts'
import { encodeUtf8 } from '../../src/core/utf8.ts'
import type { MemoryDisk } from '../../src/store/memory-event-store.ts'
import { createHeldReader, headsOn, idsOf, linesOf, type HeldLine, type HeldStream } from './held.ts'

/** An event whose `publish` has resolved. */
interface Acknowledged {
  readonly id: string
  readonly meta: Meta
  /** By name of the tablet. */
  readonly by: string
  readonly atMs: number
  /** The only disk that had it is gone, or was set back. */
  excused: boolean
}

export interface KnownDisk {
  readonly name: string
  readonly memory: MemoryDisk
}

/** What is true, as the simulation knows it: every version of every stream that its owner wrote, and what was acknowledged to whom. */
export class Ledger {
  readonly faults: string[] = []
  readonly read = createHeldReader()
  readonly #written = new Map<StreamId, Map<string, HeldLine>>()
  /** Hash over all lines before an offset, by tablet and own stream. */
  readonly #chains = new Map<string, Map<Offset, string>>()
  /** Where each published payload was stored. */
  readonly #places = new Map<string, string>()
  readonly #published = new Set<string>()
  readonly #acknowledged = new Map<string, Acknowledged>()

  fault(text: string): void {
    if (this.faults.length < 20) this.faults.push(text)
  }

  get acknowledgedCount(): number {
    return this.#acknowledged.size
  }

  publishes(id: string): void {
    this.#published.add(id)
  }

  /** @param excused it may lie beyond a hole, where nobody finds it */
  acknowledges(by: string, atMs: number, excused: boolean, ids: readonly string[], metas: readonly Meta[], shown: EventKey | undefined): void {
    for (const [at, id] of ids.entries()) {
      const meta = metas[at]
      if (meta === undefined) return this.fault(`[G2] ${id}: acknowledged without its meta`)
      this.#acknowledged.set(id, { id, meta, by, atMs, excused })
      if (shown !== undefined && compareEventKeys(meta, shown) <= 0) this.fault(`[G5] ${id} at Lamport time ${meta.lamport} sorts before ${shown.lamport}, which was shown on ${by} when it was published`)
    }
  }

  /** An owner has stored lines of its own stream, the first of them at offset `first`. */
  wrote(name: string, stream: StreamId, first: Offset, body: Uint8Array): void {
    const chains = this.#chainsOf(name, stream)
    const before = first === 0 ? '' : chains.get(first)
    if (before === undefined) return this.fault(`[G4] ${name} stored lines at offset ${first} of ${stream}, where none of its own ends`)
    const known = this.#written.get(stream) ?? new Map<string, HeldLine>()
    this.#written.set(stream, known)
    for (const line of linesOf([body], first, before)) {
      chains.set(line.first + line.events, line.chain)
      if (known.has(line.chain)) continue
      known.set(line.chain, line)
      this.#place(name, stream, line)
    }
  }

  #chainsOf(name: string, stream: StreamId): Map<Offset, string> {
    const key = `${name} ${stream}`
    const chains = this.#chains.get(key) ?? new Map<Offset, string>()
    this.#chains.set(key, chains)
    return chains
  }

  /** A copy of a disk goes on from what is on it. */
  copied(from: string, to: string): void {
    for (const [key, chains] of [...this.#chains]) if (key.startsWith(`${from} `)) this.#chains.set(`${to} ${key.slice(from.length + 1)}`, new Map(chains))
  }

  #place(name: string, stream: StreamId, line: HeldLine): void {
    for (const [at, id] of idsOf(line).entries()) {
      const place = `${stream}/${line.first + at}`
      if (!this.#published.has(id)) this.fault(`[G3] ${name} stored ${id}, which nobody has published`)
      const before = this.#places.get(id)
      if (before !== undefined && before !== place) this.fault(`[G4] ${id} was stored twice: at ${before} and ${place}`)
      this.#places.set(id, place)
    }
  }

  /** Compares streams on a disk with what their owners wrote. */
  check({ name, memory }: KnownDisk, streams: (stream: StreamId) => boolean): void {
    for (const held of this.read(memory, streams)) this.#checkStream(name, held)
  }

  #checkStream(name: string, { stream, lines, fault }: HeldStream): void {
    if (fault !== undefined) this.fault(`[G4] ${name}, ${stream}: ${fault}`)
    const first = lines[0]
    if (first === undefined) return
    const known = this.#written.get(streamWithoutBranch(stream)) ?? new Map<string, HeldLine>()
    // What lies before a branch stands in the stream that it branches off: any version of it may be the one.
    if (first.first === 0) return this.#strange(name, stream, lines.find((line) => !known.has(line.chain)))
    const befores = [...known.values()].filter((line) => line.first + line.events === first.first).map(({ chain }) => chain)
    const strange = befores.map((before) => linesOf([encodeUtf8(lines.map(({ text }) => `${text}\n`).join(''))], first.first, before).find((line) => !known.has(line.chain)))
    if (strange.every((line) => line !== undefined)) this.#strange(name, stream, strange[0] ?? first)
  }

  #strange(name: string, stream: StreamId, line: HeldLine | undefined): void {
    if (line !== undefined) this.fault(`[G3] ${name} holds at offset ${line.first} of ${stream} what its owner never wrote there: ${line.text.slice(0, 80)}`)
  }

  /** Ids of all events on a disk, and how often each is shown. */
  #idsOn(disk: MemoryDisk): ReadonlyMap<string, number> {
    const ids = new Map<string, number>()
    for (const { lines, shown } of this.read(disk, () => true))
      for (const line of lines) if (line.first >= shown) for (const id of idsOf(line)) ids.set(id, (ids.get(id) ?? 0) + 1)
    return ids
  }

  /** First offset in which two versions of a stream were written. */
  forkOf(stream: StreamId): Offset {
    const chains = new Map<Offset, string>()
    let fork = Infinity
    for (const { first, chain } of this.#written.get(streamWithoutBranch(stream))?.values() ?? []) {
      const other = chains.get(first)
      if (other !== undefined && other !== chain) fork = Math.min(fork, first)
      chains.set(first, chain)
    }
    return fork
  }

  /** A disk has lost power, as it has not since `sinceMs` by more than the program knows: nothing that was acknowledged by it may be missing, and nobody may know more of it than it does. */
  lostPower(tablet: KnownDisk, sinceMs: number, own: StreamId | undefined, others: readonly KnownDisk[]): void {
    const [heads, ids] = [headsOn(tablet.memory), this.#idsOn(tablet.memory)]
    for (const { id, by, atMs, excused } of this.#acknowledged.values())
      if (by === tablet.name && !excused && atMs > sinceMs && !ids.has(id)) this.fault(`[G2] ${id} was acknowledged by ${by} and is not there after a power cut`)
    if (own === undefined) return
    for (const other of others) {
      const next = headsOn(other.memory).get(own) ?? 0
      if (next > (heads.get(own) ?? 0)) this.fault(`[G2] ${other.name} holds ${next} events of ${tablet.name}, which has ${heads.get(own) ?? 0} after a power cut`)
    }
  }

  /** A disk is about to lose what it holds: what lies durably on no other is lost with it. */
  excuse(others: readonly KnownDisk[]): void {
    const left = others.map(({ memory }) => this.#idsOn(memory.afterPowerCut()))
    for (const event of this.#acknowledged.values()) if (!left.some((ids) => ids.has(event.id))) event.excused = true
  }

  /** Everything acknowledged is on this disk, once, but what was lost with another. */
  checkWhole({ name, memory }: KnownDisk): void {
    const ids = this.#idsOn(memory)
    for (const { id, by, excused } of this.#acknowledged.values()) if (!excused && !ids.has(id)) this.fault(`[G3] ${id}, acknowledged by ${by}, is missing on ${name} in the end`)
    for (const [id, count] of ids) if (count > 1) this.fault(`[G4] ${name} shows ${id} ${count} times`)
  }
}
