import type { Environment, HeldLock, Locks, Page, PageChange, TabChannel } from '../src/node/environment.ts'
import { createRandom, type Random } from './random.ts'

/** A world in which time passes only by `advance`, and chance comes from one seed. */
export interface TestWorld {
  readonly random: Random
  readonly nowMs: () => number
  /** A timer that belongs to no tab. */
  readonly after: (delayMs: number, call: () => void) => () => void
  /** Lets everything happen that needs no time to pass: promises and messages. Nothing in it may end on another thread, or one seed were not one run. */
  readonly settle: () => Promise<void>
  /** Lets `ms` pass; due timers run in order, and what they begin settles before the next. */
  readonly advance: (ms: number) => Promise<void>
  /** Lets time pass until `holds`; throws after `withinMs`. */
  readonly until: (holds: () => boolean | Promise<boolean>, withinMs?: number) => Promise<void>
  /** A browser profile: its tabs share locks and channels. */
  readonly profile: () => TestProfile
}

export interface TestProfile {
  readonly openTab: () => TestTab
}

/** One tab, and what a person or a browser does to it. */
export interface TestTab {
  readonly environment: Environment
  readonly hide: () => void
  readonly show: () => void
  /** Hears `freeze`, then gets no timer and no lock until `resume`; channel messages still reach it. */
  readonly freeze: () => void
  readonly resume: () => void
  readonly goOffline: () => void
  readonly goOnline: () => void
  /** Wall clock minus the world's, in milliseconds. */
  readonly setClockSkewMs: (skewMs: number) => void
  /** Hears `leave`, then ends as `crash`. */
  readonly close: () => void
  /** Ends without a word: locks are free, timers and messages stop. */
  readonly crash: () => void
}

export const createTestWorld = (seed = 1): TestWorld => {
  const random = createRandom(seed)
  const timers = new Set<Timer>()
  let nowMs = 0

  const nextTimer = (limitMs: number) => {
    let next: Timer | undefined
    for (const timer of timers) if (timer.atMs <= limitMs && !timer.paused() && (next === undefined || timer.atMs < next.atMs)) next = timer
    return next
  }
  const advance = async (ms: number) => {
    const endMs = nowMs + ms
    await settle()
    for (let timer = nextTimer(endMs); timer !== undefined; timer = nextTimer(endMs)) {
      nowMs = Math.max(nowMs, timer.atMs)
      timers.delete(timer)
      timer.call()
      await settle()
    }
    nowMs = endMs
  }
  return {
    random,
    nowMs: () => nowMs,
    after: (delayMs, call) => {
      const timer: Timer = { atMs: nowMs + delayMs, call, paused: () => false }
      timers.add(timer)
      return () => timers.delete(timer)
    },
    settle,
    advance,
    until: async (holds, withinMs = 60_000) => {
      const endMs = nowMs + withinMs
      await settle()
      while (!(await holds())) {
        if (nowMs >= endMs) throw new Error(`did not hold within ${withinMs} ms`)
        await advance(20)
      }
    },
    profile: () => createProfile({ random, nowMs: () => nowMs, timers }),
  }
}

interface Timer {
  readonly atMs: number
  readonly call: () => void
  readonly paused: () => boolean
}

interface World {
  readonly random: Random
  readonly nowMs: () => number
  readonly timers: Set<Timer>
}

const createProfile = (world: World): TestProfile => {
  const locks = new Map<string, LockState>()
  const channels = new Set<ChannelEnd>()
  return { openTab: () => createTab(world, locks, channels) }
}

/** What all ends of a tab look at. */
interface Life {
  visible: boolean
  frozen: boolean
  online: boolean
  ended: boolean
  skewMs: number
  /** What waits for `resume`. */
  held: (() => void)[]
}

const createTab = (world: World, locks: Map<string, LockState>, channels: Set<ChannelEnd>): TestTab => {
  const life: Life = { visible: true, frozen: false, online: true, ended: false, skewMs: 0, held: [] }
  const listeners = new Set<(change: PageChange) => void>()
  const tell = (change: PageChange) => {
    for (const heard of [...listeners]) heard(change)
  }
  const page: Page = {
    state: () => (life.frozen ? 'frozen' : life.visible ? 'visible' : 'hidden'),
    listen: (heard) => {
      listeners.add(heard)
      return () => listeners.delete(heard)
    },
    online: () => life.online,
  }
  const set = (change: Partial<Life>, ...words: PageChange[]) => {
    Object.assign(life, change)
    for (const word of words) tell(word)
  }
  const crash = () => {
    life.ended = true
    listeners.clear()
    for (const end of [...channels]) if (end.life === life) channels.delete(end)
    for (const state of locks.values()) leaveLock(state, life)
  }
  return {
    environment: {
      nowMicros: () => Math.round((1_800_000_000_000 + world.nowMs() + life.skewMs) * 1000),
      monotonicMs: world.nowMs,
      after: (delayMs, call) => startTimer(world, life, delayMs, call),
      randomBytes: world.random.bytes,
      locks: createLocks(locks, life),
      channel: (name) => openChannel(channels, life, name),
      page,
    },
    hide: () => set({ visible: false }, 'hidden'),
    show: () => set({ visible: true }, 'visible'),
    freeze: () => set({ frozen: true }, 'freeze'),
    resume: () => {
      set({ frozen: false }, 'resume')
      for (const deliver of life.held.splice(0)) queueMicrotask(deliver)
    },
    goOffline: () => set({ online: false }, 'offline'),
    goOnline: () => set({ online: true }, 'online'),
    setClockSkewMs: (skewMs) => set({ skewMs }),
    close: () => {
      tell('leave')
      crash()
    },
    crash,
  }
}

const startTimer = (world: World, life: Life, delayMs: number, call: () => void) => {
  const timer: Timer = { atMs: world.nowMs() + delayMs, call: () => life.ended || call(), paused: () => life.frozen }
  world.timers.add(timer)
  return () => {
    world.timers.delete(timer)
  }
}

interface LockState {
  holder: LockHold | undefined
  readonly waiting: LockHold[]
}

interface LockHold {
  readonly life: Life
  readonly granted: () => void
  readonly lost: () => void
}

const createLocks = (locks: Map<string, LockState>, life: Life): Locks => ({
  hold: (name, { steal, signal, lost }) =>
    new Promise<HeldLock>((resolve, reject) => {
      const state = locks.get(name) ?? { holder: undefined, waiting: [] }
      locks.set(name, state)
      const deliver = (call: () => void) => (life.frozen ? void life.held.push(call) : queueMicrotask(call))
      const hold: LockHold = {
        life,
        granted: () => deliver(() => life.ended || resolve({ release: () => leaveLock(state, life, hold) })),
        lost: () => deliver(() => life.ended || lost()),
      }
      if (steal === true) {
        state.holder?.lost()
        state.holder = undefined
        state.waiting.unshift(hold)
      } else state.waiting.push(hold)
      signal?.addEventListener('abort', () => {
        if (!state.waiting.includes(hold)) return
        state.waiting.splice(state.waiting.indexOf(hold), 1)
        reject(new DOMException('given up', 'AbortError'))
      })
      grantNext(state)
    }),
})

const grantNext = (state: LockState) => {
  if (state.holder !== undefined) return
  state.holder = state.waiting.shift()
  state.holder?.granted()
}

/** Gives back one hold, or all that a tab has or waits for. */
const leaveLock = (state: LockState, life: Life, only?: LockHold) => {
  const leaves = (hold: LockHold | undefined) => hold !== undefined && (only === undefined ? hold.life === life : hold === only)
  for (const hold of state.waiting.filter(leaves)) state.waiting.splice(state.waiting.indexOf(hold), 1)
  if (leaves(state.holder)) state.holder = undefined
  grantNext(state)
}

interface ChannelEnd {
  readonly life: Life
  readonly name: string
  readonly listeners: Set<(message: unknown) => void>
}

const openChannel = (channels: Set<ChannelEnd>, life: Life, name: string): TabChannel => {
  const end: ChannelEnd = { life, name, listeners: new Set() }
  channels.add(end)
  return {
    post: (message) => {
      const copy: unknown = structuredClone(message)
      if (!channels.has(end)) return
      for (const other of channels) {
        if (other === end || other.name !== name) continue
        queueMicrotask(() => {
          if (channels.has(other)) for (const heard of [...other.listeners]) heard(copy)
        })
      }
    },
    listen: (heard) => {
      end.listeners.add(heard)
      return () => end.listeners.delete(heard)
    },
    close: () => {
      channels.delete(end)
    },
  }
}

/** When the next turn of the event loop begins, no promise is left that could go on. */
const settle = () => new Promise<void>((resolve) => setImmediate(resolve))
