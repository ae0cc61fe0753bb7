import type { LateEvents, Node, Query, Subscriber } from '../node/node.ts'
import { ActyxError } from './errors.ts'

/** Time, injected so that a test owns it. */
export interface Clock {
  readonly nowMicros: () => number
  /** Calls once, after at least `delayMs`. @returns a function that cancels it */
  readonly after: (delayMs: number, call: () => void) => () => void
}

/** One subscription or query under way. */
export interface Run {
  readonly isOver: () => boolean
  /** Resolves when it is over. */
  readonly over: Promise<void>
  /** To be done when it is over; at once where it is already. */
  readonly onOver: (stop: () => void) => void
}

export type End = ((error?: unknown) => void) | undefined

/** All that was begun by one interface, to be ended together. */
export interface Runs {
  /**
   * Begins in a turn of its own. When the work is done, `end` is told; with its error when it failed, else without.
   * @returns a function that cancels it: then nothing is told any more
   */
  readonly begin: (work: (run: Run) => Promise<void>, end: End) => () => void
  /** @throws ActyxError `ACTYX-DISPOSED` once all has been ended */
  readonly check: () => void
  readonly endAll: () => void
}

export const createRuns = (): Runs => {
  const running = new Set<() => void>()
  let isDisposed = false
  const check = () => {
    if (isDisposed) throw new ActyxError('ACTYX-DISPOSED', 'this interface was disposed of; make another one by actyxOf(node, manifest)')
  }
  return {
    check,
    begin: (work, end) => {
      const { run, finish } = createRun()
      running.add(finish)
      const settle = (tell: () => void) => {
        if (run.isOver()) return
        running.delete(finish)
        finish()
        tell()
      }
      const begun = async () => {
        await Promise.resolve()
        check()
        if (!run.isOver()) await work(run)
      }
      begun().then(
        () => settle(() => end?.()),
        (error: unknown) => settle(() => (end === undefined ? report(error) : end(error))),
      ).catch(report)
      return () => {
        running.delete(finish)
        finish()
      }
    },
    endAll: () => {
      isDisposed = true
      for (const finish of running) finish()
      running.clear()
    },
  }
}

const createRun = (): { readonly run: Run; readonly finish: () => void } => {
  const stops = new Set<() => void>()
  let isOver = false
  let tell = () => {}
  const over = new Promise<void>((resolve) => (tell = resolve))
  return {
    run: { isOver: () => isOver, over, onOver: (stop) => (isOver ? stop() : void stops.add(stop)) },
    finish: () => {
      if (isOver) return
      isOver = true
      for (const stop of stops) stop()
      stops.clear()
      tell()
    },
  }
}

/** An error that nobody asked to hear of: a developer must look. */
export const report = (error: unknown): void => console.error(error)

/** With these the node's disk is never opened again; an error of AQL is one of the query. */
const finalCodes = /^(STORE-CLOSED|STORE-NEWER|STORE-LEFT|AQL-.*)$/
const retryMs = 1_000

const isFinal = (error: Error): boolean => 'code' in error && typeof error.code === 'string' && finalCodes.test(error.code)

/** How an attempt to follow comes to its end. */
export interface Ends {
  /** By an error of the node: another attempt is made, unless it is a final one. */
  readonly failed: (error: Error) => void
  /** By an error of the caller's. */
  readonly broken: (error: unknown) => void
}

/**
 * Follows for as long as the node lives: where its disk fails, another attempt is made.
 * @param begin gives what stops the attempt @returns a promise that never resolves; it rejects when an attempt is broken, or failed for good
 */
export const followForGood = (run: Run, clock: Clock, begin: (ends: Ends) => () => void): Promise<never> =>
  new Promise((_, reject) => {
    const attempt = () => {
      const stop = begin({
        failed: (error) => (isFinal(error) ? reject(error) : run.onOver(clock.after(retryMs, attempt))),
        broken: (error) => {
          stop()
          reject(error)
        },
      })
      run.onOver(stop)
    }
    attempt()
  })

/** Asks until the disk answers. */
export const askForGood = async <T>(run: Run, clock: Clock, ask: () => Promise<T>): Promise<T> => {
  for (;;) {
    try {
      return await ask()
    } catch (error) {
      if (!(error instanceof Error) || isFinal(error)) throw error
      await Promise.race([new Promise<void>((again) => run.onOver(clock.after(retryMs, again))), run.over])
      if (run.isOver()) throw error
    }
  }
}

export interface Follower extends Pick<Subscriber, 'events' | 'timeTravel'> {
  readonly query: Query
  readonly late: LateEvents
}

/** Follows events for as long as the node lives. @param next the follower of the next attempt, which may stop all of it */
export const followEvents = (node: Node, clock: Clock, run: Run, next: (stop: () => void) => Follower): Promise<never> =>
  followForGood(run, clock, ({ failed, broken }) => {
    const { query, late, events, timeTravel } = next(() => stop())
    const guarded = async (...told: Parameters<Subscriber['events']>) => {
      try {
        await events(...told)
      } catch (error) {
        broken(error)
      }
    }
    const stop = node.subscribe(query, { events: guarded, timeTravel, failed }, late)
    return stop
  })
