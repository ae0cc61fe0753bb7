import type { Event } from '../core/event.ts'
import { compareEventKeys, type EventKey } from '../core/event-key.ts'
import type { Offset, StreamId } from '../core/ids.ts'
import { includesAll, type OffsetMap } from '../core/offset-map.ts'
import type { Node, Query, TravelReason } from '../node/node.ts'
import type { Fish } from './fish.ts'
import { FishError } from './fish-error.ts'
import { Fold, Uncertain, type FoldLimits } from './fold.ts'
import { snapshotLayer, Snapshots } from './snapshots.ts'

/** So many events are folded again without waiting whether more of them come late. */
const nearEvents = 2_048
/** A snapshot is saved after so many events; when the fish stops, after fewer. */
const [saveEvents, saveEventsAtEnd] = [1_000, 100] as const
/** A large one less often: after one event for so many characters of it. */
const charsPerEvent = 1_000

export interface Watcher<S> {
  /** A state that contains all that is present; first the one there is. Never called within `watch`. */
  readonly changed: (state: S) => void
  readonly stopped: (error: FishError) => void
}

export interface FishOptions extends FoldLimits {
  /** What goes wrong without stopping the fish. */
  readonly report: (error: unknown) => void
}

/** One fish, folded once for all who watch it. */
export class RunningFish<S, E> {
  readonly fish: Fish<S, E>
  readonly #node: Node
  readonly #options: FishOptions
  readonly #snapshots: Snapshots
  readonly #fold: Fold<S, E>
  readonly #watchers = new Map<Watcher<S>, { readonly state: S } | undefined>()
  readonly #waiting = new Map<OffsetMap, { readonly resolve: () => void; readonly reject: (error: FishError) => void }>()
  #unsubscribe: () => void = () => undefined
  #isCaughtUp = false
  #travels = 0
  #ended: FishError | undefined
  /** Whether the state goes back to a snapshot of an earlier run, which a mistake may have spoilt. */
  #isFromDisk = false
  #savedCount = 0
  #savedChars = 0
  #saving: Promise<void> = Promise.resolve()

  /** @throws FishError where the initial state cannot be kept */
  constructor(node: Node, fish: Fish<S, E>, options: FishOptions) {
    this.#node = node
    this.fish = fish
    this.#options = options
    this.#snapshots = new Snapshots(node.local(snapshotLayer), fish.fishId, fish.where)
    this.#fold = new Fold(fish, options)
    this.#supervise(this.#start())
  }

  get isStopped(): boolean {
    return this.#ended !== undefined
  }

  /** @returns a function that ends it */
  watch(watcher: Watcher<S>): () => void {
    this.#watchers.set(watcher, undefined)
    queueMicrotask(() => {
      if (this.#ended !== undefined) this.#tellEnd(watcher, this.#ended)
      else if (this.#isCaughtUp) this.#tell(watcher)
    })
    return () => this.#watchers.delete(watcher)
  }

  /** The state that contains all that is present now, and what it rests on. @throws FishError */
  async statePresent(): Promise<{ readonly state: S; readonly basis: OffsetMap }> {
    const present = await this.#node.present()
    await this.#whenCovers({})
    const { covered, horizon } = this.#fold
    const travels = this.#travels
    const coming: Record<StreamId, Offset> = {}
    for await (const { meta } of this.#node.query({ where: this.fish.where, lowerBound: { ...covered }, upperBound: present, ...(horizon && { horizon }) })) coming[meta.stream] = meta.offset
    await this.#whenCovers(coming)
    // The next to ask need not look at these again.
    if (travels === this.#travels) this.#fold.cover(present)
    return { state: this.#fold.state, basis: { ...this.#fold.basis } }
  }

  /** Resolves when what is worth it has been saved. */
  async stop(): Promise<void> {
    if (this.#ended !== undefined) return this.#saving
    if (this.#isCaughtUp && this.#fold.count - this.#savedCount >= saveEventsAtEnd) this.#save()
    this.#end(new FishError('FISH-STOPPED', 'it is no longer watched', { fishId: this.fish.fishId }))
    return this.#saving
  }

  #covers(offsets: OffsetMap): boolean {
    return this.#isCaughtUp && includesAll(this.#fold.covered, offsets)
  }

  async #whenCovers(offsets: OffsetMap): Promise<void> {
    if (this.#ended !== undefined) throw this.#ended
    if (!this.#covers(offsets)) await new Promise<void>((resolve, reject) => this.#waiting.set(offsets, { resolve, reject }))
  }

  async #start(): Promise<void> {
    await this.#snapshots.load()
    const present = await this.#node.present()
    const fitting = this.#snapshots.known.findLast(({ covered }) => includesAll(present, covered))
    if (!(await this.#openSnapshot(fitting))) await this.#beginAnew()
  }

  /** @returns whether the fold goes on from it */
  async #openSnapshot(snapshot: Snapshots['known'][number] | undefined): Promise<boolean> {
    if (snapshot === undefined) return false
    const text = await this.#snapshots.read(snapshot)
    if (text === undefined) return false
    try {
      this.#fold.goTo(this.#fold.read(snapshot, text))
    } catch (error) {
      this.#options.report(error)
      await this.#snapshots.forgetAll()
      return false
    }
    this.#isFromDisk = true
    this.#savedCount = snapshot.count
    this.#savedChars = text.length
    this.#subscribe()
    return true
  }

  /** From the newest reset, or the first event. */
  async #beginAnew(): Promise<void> {
    this.#isFromDisk = false
    this.#savedCount = 0
    this.#fold.goToInitial()
    const reset = await this.#newestReset()
    if (this.#ended !== undefined) return
    if (reset !== undefined) this.#fold.add([reset])
    this.#subscribe()
  }

  async #newestReset(): Promise<Event | undefined> {
    const { isReset, where, fishId } = this.fish
    if (isReset === undefined) return undefined
    for await (const event of this.#node.query({ where }, 'descending')) {
      if (this.#ended !== undefined) return undefined
      try {
        if (isReset(event.payload as E, event.meta)) return event
      } catch (cause) {
        throw new FishError('FISH-THREW', String(cause), { fishId, event: event.meta, cause })
      }
    }
    return undefined
  }

  #subscribe(): void {
    if (this.#ended !== undefined) return
    const { covered, horizon } = this.#fold
    const query: Query = { where: this.fish.where, lowerBound: { ...covered }, ...(horizon && { horizon }) }
    this.#isCaughtUp = false
    this.#unsubscribe = this.#node.subscribe(query, {
      events: (chunk, caughtUp, upTo) => this.#guard(() => this.#take(chunk, caughtUp, upTo)),
      timeTravel: (earliest, reason) => this.#guard(() => this.#travel(earliest, reason)),
      isNear: (late) => (this.#fold.stepsBack(late) ?? Infinity) <= nearEvents,
      failed: (cause) => this.#end(new FishError('FISH-READ', cause.message, { fishId: this.fish.fishId, cause })),
    })
  }

  #take(chunk: readonly Event[], caughtUp: boolean, covered: OffsetMap): void {
    const [first] = chunk
    const { last } = this.#fold
    // A late event is the first of a chunk only where the subscription began above a state: it knows none of what that contains.
    if (first !== undefined && last !== undefined && compareEventKeys(first.meta, last) <= 0) return this.#travel(first.meta, 'earlier')
    this.#fold.add(chunk)
    this.#fold.cover(covered)
    if (!caughtUp) return
    this.#fold.settle()
    this.#isCaughtUp = true
    if (this.#fold.count - this.#savedCount >= Math.max(saveEvents, this.#savedChars / charsPerEvent)) this.#save()
    for (const watcher of [...this.#watchers.keys()]) this.#tell(watcher)
    for (const [offsets, { resolve }] of [...this.#waiting]) {
      if (!this.#covers(offsets)) continue
      this.#waiting.delete(offsets)
      resolve()
    }
  }

  #travel(earliest: EventKey, reason: TravelReason): void {
    this.#unsubscribe()
    this.#isCaughtUp = false
    this.#travels++
    this.#after(() => this.#snapshots.keepBefore(earliest))
    const found = this.#fold.rewind(earliest)
    this.#savedCount = Math.min(this.#savedCount, this.#fold.count)
    if (reason === 'earlier' && found) return this.#subscribe()
    this.#supervise(this.#goBackFurther(earliest, found))
  }

  async #goBackFurther(earliest: EventKey, found: boolean): Promise<void> {
    await this.#saving
    const present = await this.#node.present()
    if (this.#ended !== undefined) return
    this.#fold.cut(present)
    if (found) return this.#subscribe()
    const older = this.#snapshots.known.findLast(({ covered }) => includesAll(present, covered))
    if (!(await this.#openSnapshot(older))) await this.#beginAnew()
  }

  #save(): void {
    const { covered, basis, last, horizon, count } = this.#fold
    const progress = { covered: { ...covered }, basis: { ...basis }, last: last && { lamport: last.lamport, stream: last.stream }, horizon, count }
    const text = this.#fold.write()
    this.#savedCount = count
    this.#savedChars = text.length
    this.#after(() => this.#snapshots.save(progress, text))
  }

  /** Changes of what is saved come one after the other. That one fails costs time at the next start, no more. */
  #after(work: () => Promise<void>): void {
    this.#saving = this.#saving.then(work).catch((error: unknown) => this.#options.report(error))
  }

  #tell(watcher: Watcher<S>): void {
    const { state } = this.#fold
    if (!this.#watchers.has(watcher) || !this.#isCaughtUp) return
    const told = this.#watchers.get(watcher)
    if (told !== undefined && told.state === state) return
    this.#watchers.set(watcher, { state })
    this.#call(() => watcher.changed(state))
  }

  #tellEnd(watcher: Watcher<S>, error: FishError): void {
    if (this.#watchers.delete(watcher)) this.#call(() => watcher.stopped(error))
  }

  /** A mistake in who watches is no fault of the fish. */
  #call(callback: () => void): void {
    try {
      callback()
    } catch (error) {
      this.#options.report(error)
    }
  }

  #supervise(work: Promise<void>): void {
    work.catch((error: unknown) => this.#fail(error))
  }

  #guard(work: () => void): void {
    try {
      work()
    } catch (error) {
      this.#fail(error)
    }
  }

  #fail(error: unknown): void {
    if (this.#ended !== undefined) return
    this.#unsubscribe()
    if (error instanceof Uncertain) {
      if (this.#fold.carefully()) this.#subscribe()
      else this.#supervise(this.#beginAnew())
    } else if (this.#isFromDisk && error instanceof FishError && error.code !== 'FISH-READ') {
      this.#options.report(error)
      this.#after(() => this.#snapshots.forgetAll())
      this.#supervise(this.#beginAnew())
    } else this.#end(error instanceof FishError ? error : new FishError('FISH-READ', String(error), { fishId: this.fish.fishId, cause: error }))
  }

  #end(error: FishError): void {
    if (this.#ended !== undefined) return
    this.#ended = error
    this.#unsubscribe()
    for (const watcher of [...this.#watchers.keys()]) this.#tellEnd(watcher, error)
    for (const { reject } of this.#waiting.values()) reject(error)
    this.#waiting.clear()
  }
}
