import type { StreamId } from '../core/ids.ts'
import { StoreError } from '../store/errors.ts'

/** What is under way: its end can be waited for, and what fails is told. */
export class Work {
  readonly #underWay = new Set<Promise<void>>()
  readonly #turns = new Map<StreamId, Promise<void>>()
  readonly #failed: (error: unknown) => void

  constructor(failed: (error: unknown) => void) {
    this.#failed = failed
  }

  supervise(work: Promise<void>): void {
    this.#underWay.add(this.#watch(work))
  }

  /** Work on one stream, one after the other: what is heard of a stream is never older than what was heard before. */
  inTurn(stream: StreamId, work: () => Promise<void>): void {
    const turn = (this.#turns.get(stream) ?? Promise.resolve()).then(work)
    const settled = this.#watch(turn).then(() => {
      if (this.#turns.get(stream) === settled) this.#turns.delete(stream)
    })
    this.#turns.set(stream, settled)
  }

  /** Resolves when nothing is under way. */
  async settled(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay)
  }

  #watch(work: Promise<void>): Promise<void> {
    const watched = work.catch(this.#failed).then(() => void this.#underWay.delete(watched))
    this.#underWay.add(watched)
    return watched
  }
}

/** What the disk refused in its own words; of a bug all that is known. */
export const textOf = (error: unknown): string => (error instanceof StoreError ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error))
