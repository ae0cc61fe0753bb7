import type { Lamport, StreamId } from '../core/ids.ts'
import { advanceClock, clockAt, type Clock } from '../core/lamport.ts'
import type { EventStore } from '../store/event-store.ts'

/** How far events of others may move the clock. @see PROTOCOL.md [R36] */
export class ReplicatedClock {
  readonly #store: Pick<EventStore, 'clock'>
  readonly #nowMs: () => number
  readonly #beyond: (stream: StreamId, lamport: Lamport) => void
  #clock: Clock = clockAt(0, 0)
  #isRead = false

  /** @param beyond hears of an event that lies too far above the clock to move it */
  constructor(store: Pick<EventStore, 'clock'>, nowMs: () => number, beyond: (stream: StreamId, lamport: Lamport) => void) {
    this.#store = store
    this.#nowMs = nowMs
    this.#beyond = beyond
  }

  /** @returns what the clock becomes with events of these Lamport times, in the order of their stream */
  async advance(stream: StreamId, lamports: readonly Lamport[]): Promise<Lamport> {
    const known = advanceClock(this.#clock, lamports, this.#nowMs())
    // The one on disk may be higher: what is no leap from here is none from there.
    const { clock, beyond } = this.#isRead && known.beyond === undefined ? known : await this.#advanceFromDisk(lamports)
    this.#clock = clock
    if (beyond !== undefined) this.#beyond(stream, beyond)
    return clock.lamport
  }

  async #advanceFromDisk(lamports: readonly Lamport[]): Promise<ReturnType<typeof advanceClock>> {
    const onDisk = await this.#store.clock()
    this.#isRead = true
    return advanceClock({ ...this.#clock, lamport: Math.max(this.#clock.lamport, onDisk) }, lamports, this.#nowMs())
  }
}
