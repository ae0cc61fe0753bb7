import { compareEventKeys, type EventKey } from '../core/event-key.ts'
import type { Event } from '../core/event.ts'
import { includesAll, includesEvent, lastOf, merge, offsetsOf, type OffsetMap } from '../core/offset-map.ts'
import { StoreError } from '../store/errors.ts'
import { hasForked } from './fork-status.ts'
import type { LateEvents, Query, Subscriber, TravelReason } from './node.ts'
import { presentWithin, type Heads } from './reader.ts'

export const chunkEventsMax = 500
/** Passes that may fail on an unreadable record, one after the other, while its stream is lowered and fetched again. */
const unreadableMax = 3

/** What is present, as one reading of the disk told. */
export interface Reading {
  readonly heads: Heads
  /** How often streams were said to have grown before it. */
  readonly growth: number
}

/** The pass that all who have caught up share. */
export interface SharedPass {
  readonly heads: () => Promise<Reading>
  readonly read: (query: Query, heads?: Heads) => AsyncIterable<Event>
  /** Takes part from here on. @returns false when something may have come since that reading: read again */
  readonly join: (subscription: Subscription, reading: Reading) => boolean
  readonly leave: (subscription: Subscription) => void
  /** Everything up to here has been offered to those who take part. */
  readonly offered: () => OffsetMap
  readonly isUnderWay: () => boolean
  /** Resolves when no more is known to be coming soon. */
  readonly settled: () => Promise<void>
}

/**
 * One subscription. It catches up by passes of its own, then takes part in the shared one, which offers it what matches.
 *
 * What it is offered while its callback is under way gathers, up to one chunk; beyond that it leaves and catches up by itself again, at its own pace.
 * When an event comes that sorts before one already given, it leaves too, waits until no more such events are known to be coming, tells the subscriber,
 * and begins from the start. The same when events that were given are no longer held.
 */
export class Subscription {
  readonly query: Query
  readonly #pass: SharedPass
  readonly #subscriber: Subscriber
  readonly #late: LateEvents
  /** Of what matches, everything up to here was given. */
  #given: OffsetMap
  #last: EventKey | undefined
  #caughtUp = false
  #gathered: Event[] = []
  /** Whether the callback is under way, and what it has promised. */
  #isBusy = false
  #giving: Promise<void> | undefined
  #takesPart = false
  #unreadable = 0
  /** To be begun again from, once it catches up. */
  #missed: EventKey | undefined
  #stopped = false
  #stop = () => {}
  readonly #whenStopped = new Promise<void>((stop) => (this.#stop = stop))

  constructor(pass: SharedPass, query: Query, subscriber: Subscriber, late: LateEvents) {
    this.#pass = pass
    this.query = query
    this.#subscriber = subscriber
    this.#late = late
    this.#given = query.lowerBound ?? {}
    this.#supervise(this.#catchUp())
  }

  stop(): void {
    this.#stopped = true
    this.#leave()
    this.#stop()
  }

  /** An event that matches, in the order of the shared pass. */
  offer(event: Event): void {
    const { meta } = event
    const { upperBound, horizon } = this.query
    if (includesEvent(this.#given, meta.stream, meta.offset)) return
    if (upperBound !== undefined && meta.offset > lastOf(upperBound, meta.stream)) return
    if (horizon !== undefined && compareEventKeys(meta, horizon) <= 0) return
    if (this.#isLate(meta)) return this.#goBack(meta)
    if (this.#gathered.length === chunkEventsMax) {
      if (this.#isBusy) return this.#fallBehind()
      this.#handOver(false)
    }
    this.#gathered.push(event)
  }

  /** The shared pass has come to its end, for now. */
  passed(): void {
    if (!this.#isBusy && this.#gathered.length > 0) this.#handOver(true)
  }

  /** The shared pass has failed, or ended before its end: it goes on by itself. */
  fallOut(): void {
    this.#fallBehind()
  }

  /** Some streams are no longer held as far as they were. */
  checkLost(heads: Heads): void {
    const lost = this.#lost(heads)
    if (lost === undefined) return
    this.#leave()
    this.#supervise(this.#restart(lost, hasForked(heads, lost.stream) ? 'forked' : 'lost'))
  }

  /** Events that were passed over can be read now; none sorts before this one. */
  missed(earliest: EventKey): void {
    if (!this.#takesPart) {
      this.#missed = earliest
      return
    }
    this.#leave()
    this.#supervise(this.#restart(earliest, 'earlier'))
  }

  #isLate(meta: EventKey): boolean {
    const last = this.#gathered.at(-1)?.meta ?? this.#last
    return this.#late === 'timeTravel' && last !== undefined && compareEventKeys(meta, last) <= 0
  }

  #leave(): void {
    this.#takesPart = false
    this.#gathered = []
    this.#pass.leave(this)
  }

  #fallBehind(): void {
    this.#leave()
    this.#supervise(this.#catchUp())
  }

  #goBack(late: EventKey): void {
    this.#leave()
    this.#supervise(this.#travel(late))
  }

  /** Gives what has gathered; what gathers meanwhile is given after it. */
  #handOver(caughtUp: boolean): void {
    const chunk = this.#gathered
    this.#gathered = []
    this.#given = this.#pass.offered()
    this.#supervise(this.#give(chunk, caughtUp).then(() => {
      if (this.#takesPart && !this.#pass.isUnderWay()) this.passed()
    }))
  }

  /** Resolves when the callback has returned, or the subscription has been stopped. */
  async #give(chunk: readonly Event[], caughtUp: boolean): Promise<void> {
    this.#last = chunk.at(-1)?.meta ?? this.#last
    this.#isBusy = true
    const given = this.#subscriber.events(chunk, caughtUp, this.#given)
    this.#giving = given === undefined ? undefined : Promise.race([given, this.#whenStopped])
    await this.#giving
    this.#isBusy = false
  }

  /** Passes over what is present and not yet given, until it takes part in the shared one. */
  async #catchUp(): Promise<void> {
    await this.#giving
    while (!this.#stopped) {
      const reading = await this.#pass.heads()
      if (this.#stopped) return
      const missed = this.#missed
      this.#missed = undefined
      if (missed !== undefined) return this.#restart(missed, 'earlier')
      const lost = this.#lost(reading.heads)
      if (lost !== undefined) return this.#restart(lost, hasForked(reading.heads, lost.stream) ? 'forked' : 'lost')
      const upperBound = presentWithin(reading.heads, this.query.upperBound)
      if (!this.#caughtUp || !includesAll(this.#given, upperBound)) {
        const again = await this.#passOver(reading.heads, upperBound)
        if (again !== undefined) return again()
      }
      if (!this.#stopped && this.#missed === undefined && includesAll(this.#given, upperBound) && this.#pass.join(this, reading)) {
        this.#takesPart = true
        return
      }
    }
  }

  /** @returns when all has to begin again: how to */
  async #passOver(heads: Heads, upperBound: OffsetMap): Promise<(() => Promise<void>) | undefined> {
    try {
      const events = this.#pass.read({ ...this.query, lowerBound: this.#given, upperBound }, heads)
      for await (const { chunk, last } of chunked(events)) {
        const [first] = chunk
        if (this.#stopped) return undefined
        if (first !== undefined && this.#isLate(first.meta)) return () => this.#travel(first.meta)
        // A pass over what does not concern the query has nothing to say, except the first.
        if (last) this.#given = merge(this.#given, upperBound)
        if (chunk.length > 0 || !this.#caughtUp) await this.#give(chunk, last)
        if (this.#stopped) return undefined
        this.#caughtUp = last
      }
      this.#unreadable = 0
    } catch (error) {
      if (!isUnreadable(error) || ++this.#unreadable > unreadableMax) throw error
      // Its stream is lowered by now. What was given of this pass has no offsets of its own, so all begins again.
      const last = this.#last
      if (last !== undefined) return () => this.#restart(last, 'lost')
    }
    return undefined
  }

  /** Where a stream now ends of which more was given: it has ended at a fork, or a part of it was lost. */
  #lost(heads: Heads): EventKey | undefined {
    const { lowerBound = {} } = this.query
    const lost = offsetsOf(this.#given).find(([stream, last]) => last > lastOf(lowerBound, stream) && last >= (heads.get(stream)?.next ?? 0))
    return lost && { lamport: (heads.get(lost[0])?.lamport ?? 0) + 1, stream: lost[0] }
  }

  /** The first event that was not given: by now others may have come that sort before the late one. What cannot be read is found again by the pass that follows. */
  async #earliest(late: EventKey): Promise<EventKey> {
    try {
      for await (const { meta } of this.#pass.read({ ...this.query, lowerBound: this.#given })) return compareEventKeys(meta, late) < 0 ? meta : late
    } catch (error) {
      if (!isUnreadable(error)) throw error
    }
    return late
  }

  /** A late event is seldom alone: who comes back after a long absence gets thousands, and begins again once. */
  async #travel(late: EventKey): Promise<void> {
    if (this.#subscriber.isNear?.(late) === true) return this.#restart(late, 'earlier')
    await Promise.race([this.#pass.settled(), this.#whenStopped])
    if (!this.#stopped) return this.#restart(await this.#earliest(late), 'earlier')
  }

  async #restart({ lamport, stream }: EventKey, reason: TravelReason): Promise<void> {
    await this.#giving
    if (this.#stopped) return
    this.#given = this.query.lowerBound ?? {}
    this.#last = undefined
    this.#caughtUp = false
    this.#subscriber.timeTravel({ lamport, stream }, reason)
    return this.#catchUp()
  }

  /** An error ends it. */
  #supervise(work: Promise<void>): void {
    work.catch((error: unknown) => {
      if (this.#stopped) return
      this.stop()
      this.#subscriber.failed(error instanceof Error ? error : new Error(String(error)))
    })
  }
}

const isUnreadable = (error: unknown): boolean => error instanceof StoreError && error.code === 'STORE-UNREADABLE'

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
