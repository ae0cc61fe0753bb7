import type { StreamId } from '../core/ids.ts'
import type { TakeOutcome } from '../protocol/plan-state.ts'
import type { SegmentMessage } from '../protocol/message.ts'
import type { EventStore } from '../store/event-store.ts'

/**
 * What a hole has set aside comes back where the stream is filled up to it again: it was sealed, and perhaps nobody else ever had it.
 * @see STORAGE.md, Holes
 */
export class Asides {
  readonly #store: Pick<EventStore, 'listAside' | 'setAsideAppends'>
  readonly #streams = new Set<StreamId>()

  constructor(store: Pick<EventStore, 'listAside' | 'setAsideAppends'>) {
    this.#store = store
  }

  /** Looks which streams have something aside: at the beginning, and after a stream was lowered. */
  async load(): Promise<void> {
    for (const [, value] of await this.#store.listAside('tail')) {
      const { stream } = (typeof value === 'object' && value !== null ? value : {}) as { readonly stream?: StreamId }
      if (stream !== undefined) this.#streams.add(stream)
    }
  }

  /** The stream ends at `next` now. @param take verifies and stores like what a peer sent @returns whether it grew */
  async retake(stream: StreamId, next: number, take: (segment: SegmentMessage) => Promise<TakeOutcome>): Promise<boolean> {
    if (!this.#streams.has(stream)) return false
    const appends = await this.#store.setAsideAppends(stream)
    let end = next
    for (const { first, events, lines, sealed } of appends) {
      if (first > end || first + events <= end) continue
      const outcome = await take({ type: 'segment', want: 0, stream, header: sealed.header, seal: sealed.seal, from: first, body: lines })
      if (outcome.type === 'stored') end = outcome.view.next
    }
    if (appends.every(({ first, events }) => first + events <= end)) this.#streams.delete(stream)
    return end > next
  }
}
