import type { Event, Meta } from '../core/event.ts'
import type { EventKey } from '../core/event-key.ts'
import type { Offset, StreamId } from '../core/ids.ts'
import { lastOf, merge, offsetsOf, type OffsetMap } from '../core/offset-map.ts'
import type { Fish } from './fish.ts'
import { FishError } from './fish-error.ts'
import { freezeJson, freezeOutermost, freezeState, looserOf, type Kept } from './freeze.ts'
import { isBefore, newestBefore, thin, type Point, type Progress } from './point.ts'
import { stateTextOf, type StateText } from './state-text.ts'

/** Of points in memory: a late event lies near as a rule. What is kept as text costs its writing, so there are fewer. */
const dense = { spacing: 256, reach: 1.5 } as const
const opaqueSpacing = 1_024
const opaqueShare = 1 / 8
/** The first count at which a state's size is looked at; then at twice as many each time. */
const firstMeasure = 1_024

/** Whether a state has outgrown what is kept in memory and on disk, in characters of its text. */
export interface FoldLimits {
  readonly stateCharsMax: number
}

/** What browsers say when frozen data are changed. */
const isChange = (error: unknown): boolean => error instanceof TypeError && /read.?only|not extensible|delete property|non-configurable|frozen/i.test(error.message)

/** Thrown when a state cannot be kept, and which event made it so is not certain. */
export class Uncertain extends Error {}

/** The fold of one fish, and states from which it can go on after an older event came late. Reads nothing by itself. */
export class Fold<S, E> implements Progress {
  readonly #fish: Fish<S, E>
  readonly #limits: FoldLimits
  readonly #text: StateText<S>
  readonly #initial: Point<S>
  #state: S
  #covered: Record<StreamId, Offset> = {}
  #basis: Record<StreamId, Offset> = {}
  #event: Meta | undefined
  last: EventKey | undefined
  horizon: EventKey | undefined
  count = 0
  /** Ascending. */
  #points: readonly Point<S>[] = []
  #nextPoint: number = dense.spacing
  #kept: Kept = 'json'
  /** Whether to look at the state after every event, to find the one at fault. */
  #careful = false
  #measureAt = firstMeasure

  /** @throws FishError where the initial state cannot be kept */
  constructor(fish: Fish<S, E>, limits: FoldLimits) {
    this.#fish = fish
    this.#limits = limits
    this.#text = stateTextOf(fish)
    this.#state = fish.initialState
    this.#careful = true
    this.#freeze()
    this.#careful = false
    this.#initial = this.#point()
  }

  get state(): S {
    return this.#state
  }
  get covered(): OffsetMap {
    return this.#covered
  }
  get basis(): OffsetMap {
    return this.#basis
  }

  /** Folds events that sort after all before. @throws FishError; Uncertain: fold again from `carefully` */
  add(events: readonly Event[]): void {
    const { onEvents, isReset } = this.#fish
    if (onEvents === undefined || isReset !== undefined || this.#careful) for (const event of events) this.#step(event)
    else if (events.length > 0) this.#stepAll(events, onEvents)
  }

  /** Of what matches, everything up to there has been folded. */
  cover(offsets: OffsetMap): void {
    this.#covered = { ...merge(this.#covered, offsets) }
  }

  /** Makes the present state safe to hand out. @throws FishError, Uncertain */
  settle(): void {
    this.#freeze()
  }

  /** State as text. @throws FishError `FISH-GROWS`, `FISH-STATE` */
  write(): string {
    const text = this.#written()
    if (text.length > this.#limits.stateCharsMax) throw this.#fault('FISH-GROWS', `its state has ${text.length} characters, and ${this.#limits.stateCharsMax} are allowed`)
    return text
  }

  /** A point whose state is given as text. @throws whatever the fish's `deserializeState` does */
  read(progress: Progress, text: string): Point<S> {
    const state = this.#text.read(text)
    const kept = freezeState(state, this.#isForeign)
    if (typeof kept === 'string') this.#kept = looserOf(this.#kept, kept)
    return { ...progress, open: this.#kept === 'opaque' ? () => this.#text.read(text) : () => state }
  }

  /** How many events are folded again because of that one; `undefined`: no point lies before it. */
  stepsBack(late: EventKey): number | undefined {
    const point = isBefore(this, late) ? this : newestBefore(this.#points, late)
    return point && this.count - point.count
  }

  /** Goes back to the newest state that does not contain what sorts after that event. @returns false when there is none, and all begins again */
  rewind(late: EventKey): boolean {
    if (isBefore(this, late)) return true
    const point = newestBefore(this.#points, late)
    this.goTo(point ?? this.#initial)
    return point !== undefined
  }

  /** Goes back to the last point, and from there looks at the state after every event. @returns as `rewind` */
  carefully(): boolean {
    this.#careful = true
    const point = this.#points.at(-1)
    this.goTo(point ?? this.#initial)
    return point !== undefined
  }

  goTo({ covered, basis, last, horizon, count, open }: Point<S>): void {
    this.#state = open()
    this.#covered = { ...covered }
    this.#basis = { ...basis }
    this.last = last
    this.horizon = horizon
    this.count = count
    this.#nextPoint = count + dense.spacing
    this.#points = this.#points.filter((point) => point.count <= count)
  }

  goToInitial(): void {
    this.#points = []
    this.goTo(this.#initial)
  }

  /** Some streams are no longer held as far as they were. */
  cut(present: OffsetMap): void {
    const cutTo = (offsets: OffsetMap): Record<StreamId, Offset> =>
      Object.fromEntries(offsetsOf(offsets).flatMap(([stream, last]) => (lastOf(present, stream) < 0 ? [] : [[stream, Math.min(last, lastOf(present, stream))]])))
    this.#covered = cutTo(this.#covered)
    this.#points = this.#points.map((point) => ({ ...point, covered: cutTo(point.covered) }))
  }

  get #isForeign(): boolean {
    return this.#fish.deserializeState !== undefined
  }

  #step({ payload, meta }: Event): void {
    freezeJson(payload)
    this.#event = meta
    // What an event holds is the application's business: it says so by the type of its fish.
    const event = payload as E
    let isReset = false
    let state: S
    try {
      isReset = this.#fish.isReset?.(event, meta) ?? false
      state = this.#fish.onEvent(isReset ? this.#initial.open() : this.#state, event, meta)
    } catch (cause) {
      throw isChange(cause)
        ? this.#fault('FISH-CHANGES', `it changes what it was given, which other states may share: make a new state instead (${String(cause)})`, cause)
        : this.#fault('FISH-THREW', String(cause), cause)
    }
    this.#accept(state)
    if (isReset) {
      this.#basis = {}
      this.horizon = { lamport: meta.lamport, stream: meta.stream }
    }
    this.#count(meta)
    if (this.#careful) this.#freeze()
    if (this.count >= this.#nextPoint) this.#keep()
  }

  #stepAll(events: readonly Event[], onEvents: (state: S, events: readonly Event[]) => S): void {
    for (const { payload } of events) freezeJson(payload)
    this.#event = events.at(-1)?.meta
    let state: S
    try {
      state = onEvents(this.#state, events)
    } catch (cause) {
      // One after the other the event at fault is found.
      for (const event of events) this.#step(event)
      throw this.#fault('FISH-THREW', `its onEvents threw, and its onEvent does not: ${String(cause)}`, cause)
    }
    this.#accept(state)
    for (const { meta } of events) this.#count(meta)
    if (this.count >= this.#nextPoint) this.#keep()
  }

  #accept(state: S): void {
    if (typeof state === 'object' && state !== null && 'then' in state && typeof state.then === 'function') throw this.#fault('FISH-PROMISE', 'it gave a promise; a fold is done at once')
    freezeOutermost(state)
    this.#state = state
  }

  #count(meta: Meta): void {
    this.#basis[meta.stream] = meta.offset
    this.#covered[meta.stream] = meta.offset
    this.last = meta
    this.count++
  }

  #keep(): void {
    this.#freeze()
    if (this.count >= this.#measureAt) {
      this.write()
      this.#measureAt = this.count * 2
    }
    this.#points = thin([...this.#points, this.#point()], this.count, dense)
    this.#nextPoint = this.count + (this.#kept === 'opaque' ? Math.max(opaqueSpacing, Math.floor(this.count * opaqueShare)) : dense.spacing)
  }

  #point(): Point<S> {
    const progress: Progress = { covered: { ...this.#covered }, basis: { ...this.#basis }, last: this.last && { lamport: this.last.lamport, stream: this.last.stream }, horizon: this.horizon, count: this.count }
    const state = this.#state
    if (this.#kept !== 'opaque') return { ...progress, open: () => state }
    const text = this.#written()
    return { ...progress, open: () => this.#text.read(text) }
  }

  #freeze(): void {
    const kept = freezeState(this.#state, this.#isForeign)
    if (typeof kept === 'string') {
      this.#kept = looserOf(this.#kept, kept)
      return
    }
    if (!this.#careful) throw new Uncertain()
    throw this.#fault('FISH-STATE', `its state holds ${kept.what} at "${kept.at}", which cannot be kept: use plain data, or give the fish a deserializeState`)
  }

  #written(): string {
    try {
      return this.#text.write(this.#state, this.#kept)
    } catch (cause) {
      throw this.#fault('FISH-STATE', `its state cannot be written as text (${String(cause)})`, cause)
    }
  }

  #fault(code: FishError['code'], message: string, cause?: unknown): FishError {
    return new FishError(code, message, { fishId: this.#fish.fishId, ...(this.#event && { event: this.#event }), cause })
  }
}
