import type { Event, JsonValue, Meta, Node, Where } from '../../index.ts'

/** How state comes from events: pure, so that the same events in the same order give the same state on every node. */
export interface Fold<S> {
  readonly where: Where
  readonly initialState: S
  readonly onEvent: (state: S, payload: JsonValue, meta: Meta) => S
  /** The same as `onEvent` for each in turn, where a whole chunk can be had cheaper. */
  readonly onEvents?: (state: S, events: readonly Event[]) => S
}

export interface FoldWatcher<S> {
  /**
   * State after a chunk. `caughtUp`: all that is present is in it. While an older event makes the fold start over,
   * nothing is told until it has caught up again, so that what is shown never goes back.
   */
  readonly changed: (state: S, caughtUp: boolean) => void
  /** The fold has ended by an error, of the store or of its own. */
  readonly failed: (error: Error) => void
}

/**
 * Folds the events of `fold.where`, those present and those to come, and starts over when an older one arrives.
 *
 * @returns a function that stops it at once
 */
export const runFold = <S>(node: Pick<Node, 'subscribe'>, fold: Fold<S>, watcher: FoldWatcher<S>): (() => void) => {
  const onEvents = fold.onEvents ?? ((before: S, events: readonly Event[]) => events.reduce((all, event) => fold.onEvent(all, event.payload, event.meta), before))
  let state = fold.initialState
  let startingOver = false
  let stopped = false
  const stop = node.subscribe({ where: fold.where }, {
    events: (chunk, caughtUp) => {
      if (stopped) return
      state = onEvents(state, chunk)
      if (caughtUp) startingOver = false
      if (!startingOver) watcher.changed(state, caughtUp)
    },
    timeTravel: () => {
      state = fold.initialState
      startingOver = true
    },
    failed: (error) => {
      if (!stopped) watcher.failed(error)
    },
  })
  return () => {
    stopped = true
    stop()
  }
}
