import type { Meta, TaggedEvent } from '../core/event.ts'
import { offsetsOf, type OffsetMap } from '../core/offset-map.ts'
import type { Node } from '../node/node.ts'
import { FishError } from './fish-error.ts'
import type { RunningFish } from './running-fish.ts'

/** An event's basis names at most so many streams; `null` beyond. @see FORMAT.md [F13] */
const basisCountMax = 64

/** Takes events to be published when the effect has ended, all in one batch. */
export type Enqueue = (...events: readonly TaggedEvent[]) => void

/** Decides on a state what to publish. May take its time. */
export type StateEffect<S> = (state: S, enqueue: Enqueue) => void | Promise<void>

export const basisOf = (basis: OffsetMap): OffsetMap | null => (offsetsOf(basis).length > basisCountMax ? null : basis)

/**
 * Effects on one fish, one after the other: each sees all that those before it have published. Not run again when an older event comes late.
 * Other nodes run theirs at the same time: nothing here is agreed with them.
 */
export class Effects<S, E> {
  readonly #node: Node
  readonly #running: RunningFish<S, E>
  #last: Promise<unknown> = Promise.resolve()

  constructor(node: Node, running: RunningFish<S, E>) {
    this.#node = node
    this.#running = running
  }

  /** @returns the metas of what it has published. @throws what the effect throws, FishError, NodeError, StoreError: nothing was published */
  run(effect: StateEffect<S>): Promise<readonly Meta[]> {
    const done = this.#last.then(() => this.#once(effect))
    // Who called is told of a failure; the next goes on all the same.
    this.#last = done.catch(() => undefined)
    return done
  }

  async #once(effect: StateEffect<S>): Promise<readonly Meta[]> {
    const { state, basis } = await this.#running.statePresent()
    const events: TaggedEvent[] = []
    let isOpen = true
    await effect(state, (...more) => {
      if (!isOpen) throw new FishError('FISH-STOPPED', 'an event was enqueued after its effect had ended: await what comes before it', { fishId: this.#running.fish.fishId })
      events.push(...more)
    })
    isOpen = false
    if (events.length === 0) return []
    const rests = basisOf(basis)
    return this.#node.publish(events.map((event) => ({ basis: rests, ...event })))
  }
}
