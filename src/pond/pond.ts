import type { Meta } from '../core/event.ts'
import type { Where } from '../core/where.ts'
import type { Node } from '../node/node.ts'
import { followConnectivity, type Connectivity } from './connectivity.ts'
import { Effects, type StateEffect } from './effects.ts'
import { fishIdToText, type Fish } from './fish.ts'
import { FishError } from './fish-error.ts'
import { observeAll, type ObserveAllOptions } from './observe-all.ts'
import { observeOne } from './observe-one.ts'
import { RunningFish, type Watcher } from './running-fish.ts'
import { waitForSwarmSync, type SwarmSync, type SwarmSyncOptions } from './swarm-sync.ts'

export type Cancel = () => void

/** Fish over a node. Each is folded once, however many observe it, and lives while anyone does. */
export interface Pond {
  /**
   * Calls with the present state, then with every new one; never within this call. Each contains all that is present on this node, in order.
   * @param stoppedByError the fish has stopped, alone; observing it again starts it anew. Default: the pond's `report`
   */
  readonly observe: <S, E>(fish: Fish<S, E>, callback: (state: S) => void, stoppedByError?: (error: FishError) => void) => Cancel
  /** The state that contains all that is present. @throws FishError */
  readonly currentState: <S, E>(fish: Fish<S, E>) => Promise<S>
  /** The fish that events of a kind call for: one for each fish id, in the order of their first seed. */
  readonly observeAll: <Seed, S, E>(seeds: Where, makeFish: (seed: Seed, meta: Meta) => Fish<S, E> | undefined, options: ObserveAllOptions, callback: (states: readonly S[]) => void, stoppedByError?: (error: FishError) => void) => Cancel
  /** The fish that the first event of a kind calls for. Silent until there is one. */
  readonly observeOne: <Seed, S, E>(seeds: Where, makeFish: (seed: Seed, meta: Meta) => Fish<S, E>, callback: (state: S) => void, stoppedByError?: (error: FishError) => void) => Cancel
  /** Runs an effect once, on the state that contains all that is present, what effects on this fish before it have published included. @throws as `Effects.run` */
  readonly run: <S, E>(fish: Fish<S, E>, effect: StateEffect<S>) => Promise<readonly Meta[]>
  /** Runs an effect on the present state and on every new one, until `autoCancel` holds of one. An effect that throws ends it. */
  readonly keepRunning: <S, E>(fish: Fish<S, E>, effect: StateEffect<S>, autoCancel?: (state: S) => boolean, stoppedByError?: (error: unknown) => void) => Cancel
  /** After a start: waits for other nodes, then until what they had is here. */
  readonly waitForSwarmSync: (options?: SwarmSyncOptions) => SwarmSync
  /** How well this node hears of what matches: whether those nodes whose events have matched so far are in reach. */
  readonly observeConnectivity: (where: Where, callback: (connectivity: Connectivity) => void) => Cancel
  /** Ends all observing. Resolves when snapshots worth it are saved. The node goes on. */
  readonly dispose: () => Promise<void>
}

export interface PondOptions {
  /** What goes wrong and has nobody else to tell: a fish that stopped unobserved, a callback that threw, a snapshot that could not be saved. Default: `console.error` */
  readonly report?: (error: unknown) => void
  /** Default: 16,777,216. */
  readonly stateCharsMax?: number
  /** Calls once after so many milliseconds. @returns a function that cancels it. Default: `setTimeout` */
  readonly after?: (delayMs: number, call: () => void) => Cancel
  /** Wall time in milliseconds. Default: `Date.now` */
  readonly nowMs?: () => number
}

/** A fish that nobody observes any more is kept for so long: often someone is about to. */
const lingerMs = 1_000

const afterTimeout = (delayMs: number, call: () => void): Cancel => {
  const timer = setTimeout(call, delayMs)
  return () => clearTimeout(timer)
}

interface Entry {
  readonly running: RunningFish<unknown, unknown>
  readonly effects: Effects<unknown, unknown>
  users: number
  cancelLinger: Cancel
}

export const createPond = (node: Node, options: PondOptions = {}): Pond => {
  const { report = (error) => console.error(error), stateCharsMax = 16 * 1024 * 1024, after = afterTimeout, nowMs = Date.now } = options
  const entries = new Map<string, Entry>()
  const cancels = new Set<Cancel>()
  const stops = new Set<Promise<void>>()

  const stop = (key: string, entry: Entry): void => {
    if (entries.get(key) === entry) entries.delete(key)
    const stopped = entry.running.stop().finally(() => stops.delete(stopped))
    stops.add(stopped)
  }

  const entryOf = <S, E>(fish: Fish<S, E>, key: string): Entry => {
    const held = entries.get(key)
    if (held !== undefined && !held.running.isStopped) {
      if (JSON.stringify(held.running.fish.where) !== JSON.stringify(fish.where)) throw new FishError('FISH-TWICE', 'a fish of that id selects other events', fish)
      return held
    }
    // Equal ids are equal recipes, so the types that go in come out again.
    const running = new RunningFish(node, fish, { report, stateCharsMax }) as unknown as RunningFish<unknown, unknown>
    const entry: Entry = { running, effects: new Effects(node, running), users: 0, cancelLinger: () => undefined }
    entries.set(key, entry)
    return entry
  }

  /** Keeps a fish alive until `release`. @throws FishError */
  const use = <S, E>(fish: Fish<S, E>) => {
    const key = fishIdToText(fish.fishId)
    const entry = entryOf(fish, key)
    entry.users++
    entry.cancelLinger()
    let isHeld = true
    return {
      running: entry.running as unknown as RunningFish<S, E>,
      effects: entry.effects as unknown as Effects<S, E>,
      release: () => {
        if (!isHeld) return
        isHeld = false
        if (--entry.users === 0) entry.cancelLinger = after(lingerMs, () => stop(key, entry))
      },
    }
  }

  const cancellable = (cancel: Cancel): Cancel => {
    const once = (): void => {
      if (cancels.delete(once)) cancel()
    }
    cancels.add(once)
    return once
  }

  const watch = <S, E>(fish: Fish<S, E>, watcher: Watcher<S>): Cancel => {
    const { running, release } = use(fish)
    const unwatch = running.watch({
      changed: watcher.changed,
      stopped: (error) => {
        end()
        watcher.stopped(error)
      },
    })
    const end = cancellable(() => {
      unwatch()
      release()
    })
    return end
  }

  const observe: Pond['observe'] = (fish, changed, stopped = report) => watch(fish, { changed, stopped })

  const held = async <S, E, T>(fish: Fish<S, E>, work: (used: ReturnType<typeof use<S, E>>) => Promise<T>): Promise<T> => {
    const used = use(fish)
    try {
      return await work(used)
    } finally {
      used.release()
    }
  }

  const run: Pond['run'] = (fish, effect) => held(fish, ({ effects }) => effects.run(effect))

  return {
    observe,
    currentState: (fish) => held(fish, async ({ running }) => (await running.statePresent()).state),
    observeAll: (seeds, makeFish, choices, callback, stopped = report) => cancellable(observeAll({ node, observe, after, nowMs }, seeds, makeFish, choices, callback, stopped)),
    observeOne: (seeds, makeFish, callback, stopped = report) => cancellable(observeOne({ node, observe }, seeds, makeFish, callback, stopped)),
    run,
    keepRunning: (fish, effect, autoCancel = () => false, stopped = report) => {
      let isWaiting = false
      let isOver = false
      const fail = (error: unknown): void => {
        if (isOver) return
        end()
        stopped(error)
      }
      const step = (): void => {
        if (isWaiting || isOver) return
        isWaiting = true
        run(fish, async (state, enqueue) => {
          isWaiting = false
          if (isOver) return
          if (autoCancel(state)) return end()
          await effect(state, enqueue)
        }).catch(fail)
      }
      const unwatch = observe(fish, step, fail)
      const end = cancellable(() => {
        isOver = true
        unwatch()
      })
      return end
    },
    waitForSwarmSync: (choices) => waitForSwarmSync(node, after, choices),
    observeConnectivity: (where, callback) => cancellable(followConnectivity({ node, observe, report, nowMs }, where, callback)),
    dispose: async () => {
      for (const cancel of [...cancels]) cancel()
      for (const [key, entry] of [...entries]) {
        entry.cancelLinger()
        stop(key, entry)
      }
      await Promise.all(stops)
    },
  }
}

