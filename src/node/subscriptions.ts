import type { EventKey } from '../core/event-key.ts'
import type { Event } from '../core/event.ts'
import { includesAll, offsetsOf, type OffsetMap } from '../core/offset-map.ts'
import type { Offset, StreamId } from '../core/ids.ts'
import { allEvents, normaliseWhere } from '../core/where.ts'
import type { Environment } from './environment.ts'
import type { LateEvents, Query, Subscriber } from './node.ts'
import { presentWithin, type Heads, type Reader } from './reader.ts'
import { Subscription, type Reading, type SharedPass } from './subscription.ts'
import { SubscriptionIndex } from './subscription-index.ts'

/** Who is to begin again waits until nothing came for so long: the first time while no more is known to be missing here, the second while it is; */
const [lullMs, quietMs] = [100, 1_000] as const
/** but never longer than this. */
const [lullMsMax, settleMsMax] = [1_000, 10_000] as const

/** All that follow a query in this tab. */
export interface Subscriptions {
  readonly subscribe: (query: Query, subscriber: Subscriber, late?: LateEvents) => () => void
  /** Streams may have grown on disk. A hint too many is harmless: everyone reads on from their own offsets. */
  readonly grown: () => void
  /** Events that were passed over can be read now; none sorts before this one. */
  readonly missed: (earliest: EventKey) => void
  readonly close: () => void
}

export interface SubscriptionsOptions {
  /** Whether a connected node holds events that are not here yet. */
  readonly isBehind: () => boolean
  readonly after: Environment['after']
}

export const createSubscriptions = (reader: Reader, options: SubscriptionsOptions): Subscriptions => {
  const running = new Set<Subscription>()
  const pass = new Pass(reader, options)
  return {
    subscribe: (query, subscriber, late = 'timeTravel') => {
      const subscription = new Subscription(pass, query, subscriber, late)
      running.add(subscription)
      return () => {
        subscription.stop()
        running.delete(subscription)
      }
    },
    grown: () => pass.grown(),
    missed: (earliest) => {
      for (const subscription of running) subscription.missed(earliest)
    },
    close: () => {
      for (const subscription of running) subscription.stop()
      running.clear()
    },
  }
}

/** Reads what has come once, and offers each event to those that it matches. */
class Pass implements SharedPass {
  readonly #reader: Reader
  readonly #options: SubscriptionsOptions
  readonly #index = new SubscriptionIndex<Subscription>()
  /** Those that take part, with the way out of the index. */
  readonly #members = new Map<Subscription, () => void>()
  /** Those that were offered something since the last pass. */
  readonly #touched = new Set<Subscription>()
  #offered: OffsetMap = {}
  /** Beyond `#offered`, by the pass that is under way. */
  #progress: Record<StreamId, Offset> | undefined
  #target: OffsetMap = {}
  #growth = 0
  #reading: Promise<Reading> | undefined
  #running = false
  #settling: Promise<void> | undefined
  readonly #waiting = new Set<() => void>()

  constructor(reader: Reader, options: SubscriptionsOptions) {
    this.#reader = reader
    this.#options = options
  }

  grown(): void {
    this.#growth++
    this.#reading = undefined
    for (const wake of this.#waiting) wake()
    if (!this.#running && this.#members.size > 0) this.#run()
  }

  /** Those that were woken together share one reading, which began after they were. */
  heads(): Promise<Reading> {
    const growth = this.#growth
    this.#reading ??= this.#reader.heads().then((heads) => ({ heads, growth })).finally(() => (this.#reading = undefined))
    return this.#reading
  }

  read(query: Query, heads?: Heads): AsyncIterable<Event> {
    return this.#reader.query(query, 'ascending', heads)
  }

  join(subscription: Subscription, { heads, growth }: Reading): boolean {
    if (growth !== this.#growth) return false
    const present = presentWithin(heads, undefined)
    if (this.#running ? !includesAll(present, this.#target) : this.#members.size > 0 && !includesAll(present, this.#offered)) return false
    if (this.#members.size === 0 && !this.#running) this.#offered = present
    this.#members.set(subscription, this.#index.add(normaliseWhere(subscription.query.where ?? allEvents), subscription))
    return true
  }

  leave(subscription: Subscription): void {
    this.#members.get(subscription)?.()
    this.#members.delete(subscription)
    this.#touched.delete(subscription)
  }

  offered(): OffsetMap {
    return this.#progress === undefined ? this.#offered : { ...this.#offered, ...this.#progress }
  }

  isUnderWay(): boolean {
    return this.#progress !== undefined
  }

  /** All that wait do so together. */
  settled(): Promise<void> {
    this.#settling ??= this.#settle().finally(() => (this.#settling = undefined))
    return this.#settling
  }

  async #settle(): Promise<void> {
    const limits = new Set([lullMsMax, settleMsMax])
    const cancels = [...limits].map((limit) => this.#options.after(limit, () => limits.delete(limit)))
    const goesOn = () => limits.has(this.#options.isBehind() ? settleMsMax : lullMsMax)
    while (goesOn() && (await this.#grownWithin(this.#options.isBehind() ? quietMs : lullMs)));
    for (const cancel of cancels) cancel()
  }

  #grownWithin(ms: number): Promise<boolean> {
    return new Promise((resolve) => {
      const settle = (grew: boolean) => {
        this.#waiting.delete(wake)
        cancel()
        resolve(grew)
      }
      const wake = () => settle(true)
      const cancel = this.#options.after(ms, () => settle(false))
      this.#waiting.add(wake)
    })
  }

  /** Until nothing has grown since the last reading. */
  #run(): void {
    this.#running = true
    const growth = this.#growth
    const next = () => {
      this.#running = false
      if (growth !== this.#growth && this.#members.size > 0) this.#run()
    }
    // Each goes on by itself, and finds out what the matter is.
    this.#once().then(next, () => {
      this.#progress = undefined
      next()
      for (const member of [...this.#members.keys()]) member.fallOut()
    })
  }

  async #once(): Promise<void> {
    this.#target = this.#offered
    const { heads } = await this.heads()
    const target = presentWithin(heads, undefined)
    if (!includesAll(target, this.#offered)) {
      for (const member of [...this.#members.keys()]) member.checkLost(heads)
      this.#offered = cutTo(this.#offered, target)
    }
    this.#target = target
    const progress: Record<StreamId, Offset> = {}
    this.#progress = progress
    for await (const event of this.read({ lowerBound: this.#offered, upperBound: target }, heads)) {
      for (const member of this.#index.find(event.meta)) {
        this.#touched.add(member)
        member.offer(event)
      }
      progress[event.meta.stream] = event.meta.offset
      if (this.#members.size === 0) break
    }
    this.#offered = target
    this.#progress = undefined
    const touched = [...this.#touched]
    this.#touched.clear()
    for (const member of touched) member.passed()
  }
}

/** Where streams have fallen. */
const cutTo = (offered: OffsetMap, present: OffsetMap): OffsetMap =>
  Object.fromEntries(offsetsOf(offered).flatMap(([stream, last]) => (present[stream] === undefined ? [] : [[stream, Math.min(last, present[stream])]])))
