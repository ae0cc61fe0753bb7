import type { Event } from '../core/event.ts'
import { compareEventKeys, type EventKey } from '../core/event-key.ts'
import { lastOf, merge, offsetsOf, type OffsetMap } from '../core/offset-map.ts'
import { StoreError } from '../store/errors.ts'
import type { Query, Subscriber } from './node.ts'
import { presentWithin, type Heads, type Reader } from './reader.ts'

const chunkEventsMax = 500
/** Passes that may fail on an unreadable record, one after the other, while its stream is lowered and fetched again. */
const unreadableMax = 3

/** All that follow a query in this tab. */
export interface Subscriptions {
  readonly subscribe: (query: Query, subscriber: Subscriber) => () => void
  /** Streams may have grown on disk. A hint too many is harmless: each subscription reads on from its own offsets. */
  readonly grown: () => void
  /** Events that were passed over can be read now; none sorts before this one. */
  readonly missed: (earliest: EventKey) => void
  readonly close: () => void
}

export const createSubscriptions = (reader: Reader): Subscriptions => {
  const running = new Set<Subscription>()
  let reading: Promise<Heads> | undefined
  /** Those that were woken together share one reading, which began after they were. */
  const shared: Reader = {
    ...reader,
    heads: () => (reading ??= reader.heads().finally(() => (reading = undefined))),
  }
  return {
    subscribe: (query, subscriber) => {
      const subscription = new Subscription(shared, query, subscriber)
      running.add(subscription)
      return () => {
        subscription.stop()
        running.delete(subscription)
      }
    },
    grown: () => {
      reading = undefined
      for (const subscription of running) subscription.wake()
    },
    missed: (earliest) => {
      for (const subscription of running) subscription.missed(earliest)
    },
    close: () => {
      for (const subscription of running) subscription.stop()
      running.clear()
    },
  }
}

/**
 * One subscription: passes over what is present and not yet given, for ever.
 *
 * Within a pass events ascend. When the first event of a pass sorts before the last one given, it came late:
 * the subscriber hears of it and everything is given again. The same when events that were given are no longer held.
 */
class Subscription {
  readonly #reader: Reader
  readonly #query: Query
  readonly #subscriber: Subscriber
  /** What was given, as highest offsets. */
  #given: OffsetMap
  #last: EventKey | undefined
  #caughtUp = false
  #unreadable = 0
  #stopped = false
  #dirty = true
  #missed: EventKey | undefined
  #wakeUp = () => {}

  constructor(reader: Reader, query: Query, subscriber: Subscriber) {
    this.#reader = reader
    this.#query = query
    this.#subscriber = subscriber
    this.#given = query.lowerBound ?? {}
    this.#follow().catch((error: unknown) => {
      if (this.#stopped) return
      this.#stopped = true
      subscriber.failed(error instanceof Error ? error : new Error(String(error)))
    })
  }

  stop(): void {
    this.#stopped = true
    this.wake()
  }

  wake(): void {
    this.#dirty = true
    this.#wakeUp()
  }

  missed(earliest: EventKey): void {
    this.#missed = earliest
    this.wake()
  }

  async #follow(): Promise<void> {
    while (!this.#stopped) {
      if (!this.#dirty) await new Promise<void>((go) => (this.#wakeUp = go))
      this.#dirty = false
      if (!this.#stopped) await this.#pass()
    }
  }

  async #pass(): Promise<void> {
    const heads = await this.#reader.heads()
    const lost = this.#missed ?? this.#lost(heads)
    this.#missed = undefined
    if (lost !== undefined) this.#restart(lost)
    const upperBound = presentWithin(heads, this.#query.upperBound)
    if (this.#caughtUp && !grewBeyond(upperBound, this.#given)) return
    try {
      const events = this.#reader.query({ ...this.#query, lowerBound: this.#given, upperBound }, 'ascending', heads)
      for await (const { chunk, last } of chunked(events)) {
        if (this.#stopped || this.#travels(chunk[0])) return
        // A pass over what does not concern the query has nothing to say, except the first.
        if (chunk.length > 0 || !this.#caughtUp) await this.#subscriber.events(chunk, last)
        this.#last = chunk.at(-1)?.meta ?? this.#last
        this.#caughtUp = last
      }
      this.#given = merge(this.#given, upperBound)
      this.#unreadable = 0
    } catch (error) {
      if (!(error instanceof StoreError && error.code === 'STORE-UNREADABLE') || ++this.#unreadable > unreadableMax) throw error
      // Its stream is lowered by now. What was given of this pass has no offsets of its own, so all begins again.
      if (this.#last === undefined) this.#dirty = true
      else this.#restart(this.#last)
    }
  }

  /** Where a stream now ends of which more was given: it has ended at a fork, or a part of it was lost. */
  #lost(heads: Heads): EventKey | undefined {
    const { lowerBound = {} } = this.#query
    const lost = offsetsOf(this.#given).find(([stream, last]) => last > lastOf(lowerBound, stream) && last >= (heads.get(stream)?.next ?? 0))
    return lost && { lamport: (heads.get(lost[0])?.lamport ?? 0) + 1, stream: lost[0] }
  }

  /** Whether this first event of a pass came late; then all begins again. */
  #travels(first: Event | undefined): boolean {
    if (first === undefined || this.#last === undefined || compareEventKeys(first.meta, this.#last) > 0) return false
    this.#restart(first.meta)
    return true
  }

  #restart({ lamport, stream }: EventKey): void {
    this.#given = this.#query.lowerBound ?? {}
    this.#last = undefined
    this.#caughtUp = false
    this.#dirty = true
    this.#subscriber.timeTravel({ lamport, stream })
  }
}

const grewBeyond = (present: OffsetMap, given: OffsetMap): boolean => offsetsOf(present).some(([stream, last]) => last > lastOf(given, stream))

/** The last chunk, perhaps an empty one, is marked. */
async function* chunked(events: AsyncIterable<Event>): AsyncGenerator<{ readonly chunk: readonly Event[]; readonly last: boolean }> {
  let chunk: Event[] = []
  for await (const event of events) {
    if (chunk.length === chunkEventsMax) {
      yield { chunk, last: false }
      chunk = []
    }
    chunk.push(event)
  }
  yield { chunk, last: true }
}
