import type { Lamport, StreamId } from '../core/ids.ts'
import { StoreError } from '../store/errors.ts'
import type { AppendResult, EventStore, StreamAppend } from '../store/event-store.ts'

/** Of lines and deflated bodies in one transaction. */
const groupBytesMax = 1024 * 1024

export interface AppenderDevices {
  readonly store: Pick<EventStore, 'appendReplicated'>
  /** What the clock becomes with events of these Lamport times. */
  readonly advanceClock: (stream: StreamId, lamports: readonly Lamport[]) => Promise<Lamport>
}

interface Waiting {
  readonly append: StreamAppend
  readonly lamports: readonly Lamport[]
  readonly resolve: (result: AppendResult) => void
  readonly reject: (error: unknown) => void
}

/**
 * Stores what was verified of several streams: what comes while a transaction is under way goes into the next one together.
 * Where a group cannot be stored as it is, its parts are, one by one.
 */
export class Appender {
  readonly #devices: AppenderDevices
  readonly #waiting: Waiting[] = []
  #running = false

  constructor(devices: AppenderDevices) {
    this.#devices = devices
  }

  /** One call at a time for each stream. @throws StoreError */
  append(append: StreamAppend, lamports: readonly Lamport[]): Promise<AppendResult> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ append, lamports, resolve, reject })
      if (!this.#running) this.#run().catch(reject)
    })
  }

  async #run(): Promise<void> {
    this.#running = true
    while (this.#waiting.length > 0) await this.#store(takeGroup(this.#waiting))
    this.#running = false
  }

  /** Never rejects: each call gets its own result, or error. */
  async #store(group: readonly Waiting[]): Promise<void> {
    try {
      const result = await this.#tryAll(group)
      if (result.type === 'stored' || group.length === 1) return group.forEach(({ append, resolve }) => resolve(partOf(result, append.stream)))
    } catch (error) {
      if (group.length === 1 || !(error instanceof StoreError)) return group.forEach(({ reject }) => reject(error))
    }
    for (const each of group) await this.#store([each])
  }

  async #tryAll(group: readonly Waiting[]): Promise<AppendResult> {
    let clock = 0
    for (const { append, lamports } of group) clock = Math.max(clock, await this.#devices.advanceClock(append.stream, lamports))
    return this.#devices.store.appendReplicated(group.map(({ append }) => append), clock)
  }
}

const takeGroup = (waiting: Waiting[]): readonly Waiting[] => {
  let bytes = 0
  const rest = waiting.findIndex(({ append }) => (bytes += bytesOf(append)) > groupBytesMax)
  return waiting.splice(0, rest < 0 ? waiting.length : Math.max(1, rest))
}

/** Of a result for several streams what concerns one. */
const partOf = (result: AppendResult, stream: StreamId): AppendResult =>
  result.type === 'stored' && result.further?.includes(stream) === false ? { type: 'stored', clock: result.clock } : result

/** As it lies on disk, about. */
export const bytesOf = ({ closed, tail }: StreamAppend): number => closed.reduce((sum, { deflated }) => sum + deflated.length, tail?.lines.length ?? 0)
