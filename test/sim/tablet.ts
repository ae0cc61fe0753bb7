import type { Event } from '../../src/core/event.ts'
import { compareEventKeys, type EventKey } from '../../src/core/event-key.ts'
import type { NodeId, StreamId } from '../../src/core/ids.ts'
import type { Node } from '../../src/node/node.ts'
import type { MemoryDisk } from '../../src/store/memory-event-store.ts'
import type { TestProfile } from '../environment.ts'
import { nodeIdOn } from './held.ts'
import { createSimDisk, type Pace, type SimDisk, type Written } from './disk.ts'
import type { Page } from './page.ts'
import type { Program } from './program.ts'

/** A page with its node, once that has opened. */
export interface OpenPage {
  readonly page: Page
  node: Node | undefined
  /** What its subscription was given, as of its last restart. */
  given: Event[]
  hidden: boolean
  offline: boolean
}

/** A browser profile: a disk and the pages on it. Its name is its endpoint in the network. */
export class Tablet {
  readonly name: string
  readonly program: Program
  readonly profile: TestProfile
  readonly skewMs: number
  disk: SimDisk
  pages: OpenPage[] = []
  /** The greatest event that was shown on any page. */
  shown: EventKey | undefined
  /** When its disk last lost what it had said or acknowledged, by no fault of the program. */
  setBackMs = -Infinity
  /** Whether the program may find its own stream otherwise than it wrote it. */
  mayDiffer = false
  lies = false
  isClone = false
  /** Streams of which something was damaged. */
  readonly damaged = new Set<StreamId>()
  /** Streams that were written to since they were checked. */
  readonly dirty = new Set<StreamId>()
  #nodeId: { readonly version: number; readonly memory: MemoryDisk; readonly nodeId: NodeId | undefined } | undefined
  readonly #pace: Pace
  readonly #step: () => void
  readonly #stored: (own: StreamId, record: unknown) => void

  constructor(name: string, skewMs: number, parts: { readonly program: Program; readonly profile: TestProfile; readonly memory: MemoryDisk; readonly pace: Pace; readonly step: () => void; readonly wrote: (own: StreamId, record: unknown) => void }) {
    this.name = name
    this.skewMs = skewMs
    this.program = parts.program
    this.profile = parts.profile
    this.#pace = parts.pace
    this.#step = parts.step
    this.#stored = parts.wrote
    this.disk = this.#diskOf(parts.memory)
  }

  #diskOf(memory: MemoryDisk): SimDisk {
    return createSimDisk(memory, this.#pace, this.#step, (written) => this.#wrote(written))
  }

  #wrote(written: readonly Written[]): void {
    const owner = this.nodeId()
    for (const { table, key, value } of written) {
      const stream = key instanceof Array ? key[0] : key
      if (typeof stream !== 'string' || (table !== 'tail' && table !== 'segments' && table !== 'streams')) continue
      this.dirty.add(stream as StreamId)
      if (table !== 'streams' && value !== undefined && owner !== undefined && stream.startsWith(`${owner}-`)) this.#stored(stream as StreamId, value)
    }
  }

  /** Goes on with another disk. */
  replaceDisk(memory: MemoryDisk): void {
    this.disk = this.#diskOf(memory)
    this.allDirty()
  }

  allDirty(): void {
    for (const [key] of this.disk.memory.entries('streams')) this.dirty.add(key as StreamId)
    for (const [key] of this.disk.memory.entries('tail')) if (key instanceof Array) this.dirty.add(key[0] as StreamId)
  }

  nodeId(): NodeId | undefined {
    const [version, { memory }] = [this.disk.version(), this.disk]
    if (this.#nodeId?.version !== version || this.#nodeId.memory !== memory) this.#nodeId = { version, memory, nodeId: nodeIdOn(memory) }
    return this.#nodeId.nodeId
  }

  show(events: readonly Event[]): void {
    for (const { meta } of events) if (this.shown === undefined || compareEventKeys(meta, this.shown) > 0) this.shown = meta
  }

  /** Pages that run, awake or not. */
  get running(): readonly (OpenPage & { readonly node: Node })[] {
    return this.pages.filter((page): page is OpenPage & { readonly node: Node } => page.node !== undefined)
  }
}
