import { describe, expect, test } from 'vitest'
import type { NodeStatus } from '../../src/index.ts'
import { CHECK_EVERY_MS, IDLE_MS, reloadNeedsCode, Updates } from '../../src/app/state/updates.svelte.ts'
import type { ThisWindow, WindowSign } from '../../src/app/this-window.ts'
import type { KeepHeard } from '../../src/app/update.ts'
import type { WindowUse, WindowUses } from '../../src/app/window-uses.ts'
import { nodeStatus, peerStatus } from './status.ts'

/** A tablet: its windows, their shared time and locks, and the newer version that may wait in it. */
class Tablet {
  nowMs = 0
  readonly windows: TabletWindow[] = []
  readonly #timers: { readonly atMs: number; readonly call: () => void }[] = []

  readonly after = (delayMs: number, call: () => void): void => void this.#timers.push({ atMs: this.nowMs + delayMs, call })

  /** Lets time pass, and what was begun end. */
  readonly pass = async (ms: number): Promise<void> => {
    const endMs = this.nowMs + ms
    for (;;) {
      await flush()
      this.#timers.sort((a, b) => a.atMs - b.atMs)
      const next = this.#timers[0]
      if (next === undefined || next.atMs > endMs) break
      this.#timers.shift()
      this.nowMs = next.atMs
      next.call()
    }
    this.nowMs = endMs
  }

  readonly found = (): void => this.windows.forEach(({ heard }) => heard?.ready())
  readonly taken = (): void => this.windows.forEach(({ heard }) => heard?.taken())
}

const flush = async (): Promise<void> => {
  for (let turn = 0; turn < 10; turn++) await Promise.resolve()
}

class TabletWindow {
  readonly updates: Updates
  readonly uses = new Set<WindowUse>()
  heard: KeepHeard | undefined
  sign: (sign: WindowSign) => void = () => undefined
  isVisible = true
  isUnfinished = false
  checks = 0
  takes = 0
  reloads = 0

  constructor(tablet: Tablet) {
    tablet.windows.push(this)
    const window: ThisWindow = {
      monotonicMs: () => tablet.nowMs, after: tablet.after, visible: () => this.isVisible, unfinished: () => this.isUnfinished,
      listen: (heard) => (this.sign = heard), reload: () => void this.reloads++,
    }
    const uses: WindowUses = {
      set: (use, on) => void (on ? this.uses.add(use) : this.uses.delete(use)),
      elsewhere: async (use) => tablet.windows.some((other) => other !== this && other.uses.has(use)),
      whenUnused: async (call) => (tablet.windows.some((each) => each.uses.size > 0) ? undefined : call()),
    }
    const keep = (heard: KeepHeard) => {
      this.heard = heard
      return { check: () => void this.checks++, take: () => { this.takes++; tablet.taken() } }
    }
    this.updates = new Updates({ keep, uses, window })
    this.updates.start()
  }

  readonly follow = (first: NodeStatus): ((status: NodeStatus) => void) => {
    let tell: (status: NodeStatus) => void = () => undefined
    this.updates.follow({ status: () => first, observe: (changed) => { tell = changed; return () => undefined } })
    return (status) => tell(status)
  }
}

const open = (windows = 1): { readonly tablet: Tablet; readonly first: TabletWindow; readonly others: readonly TabletWindow[] } => {
  const tablet = new Tablet()
  return { tablet, first: new TabletWindow(tablet), others: Array.from({ length: windows - 1 }, () => new TabletWindow(tablet)) }
}

const hubOn = [{ url: 'https://hub.test', state: 'ready', sinceMicros: 0 }] as const
const hubOff = [{ url: 'https://hub.test', state: 'unreachable', sinceMicros: 0 }] as const

describe('a newer version is looked for', () => {
  test('[G1] at the start, every hour while the window is shown, and when it is shown again', async () => {
    const { tablet, first } = open()
    expect(first.checks).toBe(1)
    await tablet.pass(CHECK_EVERY_MS - 1)
    expect(first.checks).toBe(1)
    await tablet.pass(60_000)
    expect(first.checks).toBe(2)
    first.isVisible = false
    await tablet.pass(3 * CHECK_EVERY_MS)
    expect(first.checks).toBe(2)
    first.isVisible = true
    first.sign('back')
    first.sign('back')
    expect(first.checks).toBe(3)
  })

  test('[G1] as soon as the hub is back', () => {
    const { first } = open()
    const tell = first.follow(nodeStatus({ hubs: hubOff }))
    tell(nodeStatus({ hubs: hubOff }))
    expect(first.checks).toBe(1)
    tell(nodeStatus({ hubs: hubOn }))
    tell(nodeStatus({ hubs: hubOn }))
    expect(first.checks).toBe(2)
  })
})

describe('a newer version is taken', () => {
  test('[G8] when a person says so: each window is loaded anew, once', async () => {
    const { tablet, first, others: [second] } = open(2)
    tablet.found()
    expect([first.updates.ready, second?.updates.ready]).toEqual([true, true])
    first.updates.ask()
    await tablet.pass(60_000)
    expect(tablet.windows.map(({ takes, reloads }) => [takes, reloads])).toEqual([[1, 1], [0, 1]])
  })

  test('[G6] not before what is being saved is saved', async () => {
    const { tablet, first } = open()
    let saved: () => void = () => undefined
    const saving = new Promise<void>((resolve) => (saved = resolve))
    first.updates.finishFirst(() => saving)
    tablet.found()
    first.updates.ask()
    await tablet.pass(5_000)
    expect(first.reloads).toBe(0)
    saved()
    await tablet.pass(0)
    expect(first.reloads).toBe(1)
  })

  test('[G1] by itself when nobody has touched any window for ten minutes', async () => {
    const { tablet, first, others: [second] } = open(2)
    tablet.found()
    await tablet.pass(IDLE_MS - 60_000)
    second?.sign('touched')
    await tablet.pass(IDLE_MS - 60_000)
    expect(tablet.windows.map(({ takes }) => takes)).toEqual([0, 0])
    await tablet.pass(120_000)
    expect(tablet.windows.reduce((sum, { takes }) => sum + takes, 0)).toBeGreaterThan(0)
    expect(first.reloads).toBeGreaterThan(0)
  })

  test('[G6] never by itself while something in any window is not finished', async () => {
    const { tablet, others: [second] } = open(2)
    tablet.found()
    if (second !== undefined) second.isUnfinished = true
    await tablet.pass(10 * IDLE_MS)
    expect(tablet.windows.map(({ takes }) => takes)).toEqual([0, 0])
    if (second !== undefined) second.isUnfinished = false
    await tablet.pass(60_000)
    expect(tablet.windows.some(({ takes }) => takes > 0)).toBe(true)
  })

  test('[G6] never by itself while a code would be needed afterwards', async () => {
    const { tablet, first } = open()
    const tell = first.follow(nodeStatus({ peers: [peerStatus('B')], hubs: hubOff, returnAllowed: false }))
    tablet.found()
    await tablet.pass(2 * IDLE_MS)
    expect(first.takes).toBe(0)
    tell(nodeStatus({ peers: [peerStatus('B')], hubs: hubOn, returnAllowed: false }))
    await tablet.pass(60_000)
    expect(first.takes).toBeGreaterThan(0)
  })

  test('[G6] a person is told first of what would be lost or needed, and may leave it', async () => {
    const { tablet, first, others: [second] } = open(2)
    first.follow(nodeStatus({ peers: [peerStatus('B')], hubs: hubOff, returnAllowed: false }))
    if (second !== undefined) second.isUnfinished = true
    second?.sign('touched')
    tablet.found()
    await tablet.pass(0)
    first.updates.ask()
    await tablet.pass(0)
    expect([first.updates.warnings, first.takes]).toEqual([['code', 'elsewhere'], 0])
    first.updates.later()
    expect([first.updates.warnings, first.updates.ready]).toEqual([undefined, true])
    first.isUnfinished = true
    first.updates.ask()
    await tablet.pass(0)
    expect(first.updates.warnings).toEqual(['code', 'here', 'elsewhere'])
    first.updates.take()
    await tablet.pass(0)
    expect(tablet.windows.map(({ reloads }) => reloads)).toEqual([1, 1])
  })

  test('[G6] one that could not be fetched is said until one is there', () => {
    const { first } = open()
    first.heard?.failed('UPDATE-ROOM')
    expect([first.updates.fault, first.updates.ready]).toEqual(['UPDATE-ROOM', false])
    first.heard?.ready()
    expect([first.updates.fault, first.updates.ready]).toEqual([undefined, true])
  })
})

test.each([
  ['nobody to come back to', { peers: [], hubs: hubOff, returnAllowed: false }, false],
  ['a hub', { peers: [peerStatus('B')], hubs: hubOn, returnAllowed: false }, false],
  ['no hub, no return', { peers: [peerStatus('B')], hubs: hubOff, returnAllowed: false }, true],
  ['no hub, not known whether there is a return', { peers: [peerStatus('B')], hubs: [], returnAllowed: undefined }, true],
  ['no hub, return allowed, nothing held ready', { peers: [peerStatus('B')], hubs: hubOff, returnAllowed: true }, true],
  ['no hub, return allowed, one held ready', { peers: [{ ...peerStatus('B'), standbys: 1 }], hubs: hubOff, returnAllowed: true }, false],
] as const)('[G6] a reload with %s', (_title, status, needsCode) => expect(reloadNeedsCode(nodeStatus(status))).toBe(needsCode))
