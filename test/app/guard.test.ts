import { describe, expect, test } from 'vitest'
import { EMPTY_MS, FAILED_MS, STALLED_MS, watchStart, type StartWatch } from '../../src/app/guard/watch.ts'

/** A page that starts, and what it shows: an error, `''` where there was none, or `undefined`, the app. */
class Page {
  isEmpty = true
  shown: string | undefined
  readonly watch: StartWatch
  #nowMs = 0
  readonly #timers: { readonly atMs: number; readonly call: () => void }[] = []

  constructor() {
    this.watch = watchStart({
      after: (delayMs, call) => void this.#timers.push({ atMs: this.#nowMs + delayMs, call }),
      isEmpty: () => this.isEmpty,
      show: (said) => (this.shown = said),
      hide: () => (this.shown = undefined),
    })
  }

  pass(ms: number): void {
    this.#nowMs += ms
    for (const { call } of this.#timers.splice(0).filter((timer) => timer.atMs <= this.#nowMs || !this.#timers.push(timer))) call()
  }
}

describe('an app that does not start', () => {
  test('[G6] leaves an empty page: found out after a while, without an error', () => {
    const page = new Page()
    page.pass(EMPTY_MS - 1)
    expect(page.shown).toBeUndefined()
    page.pass(1)
    expect(page.shown).toBe('')
  })

  test('[G6] throws: found out soon, with the first error', () => {
    const page = new Page()
    page.watch.failed('the first')
    page.watch.failed('the second')
    expect(page.shown).toBeUndefined()
    page.pass(FAILED_MS)
    expect(page.shown).toBe('the first')
  })

  test('[G6] throws with something on the page: it may still come', () => {
    const page = new Page()
    page.isEmpty = false
    page.watch.failed('in the frame')
    page.pass(STALLED_MS - 1)
    expect(page.shown).toBeUndefined()
    page.pass(1)
    expect(page.shown).toBe('in the frame')
  })
})

describe('an app that starts', () => {
  test('[G1] is left alone, however long its disk takes to open', () => {
    const page = new Page()
    page.isEmpty = false
    page.pass(10 * EMPTY_MS)
    expect(page.shown).toBeUndefined()
  })

  test('[G1] is left alone after an error that it outlived', () => {
    const page = new Page()
    page.watch.failed('outlived')
    page.isEmpty = false
    page.watch.started()
    page.pass(EMPTY_MS)
    expect(page.shown).toBeUndefined()
  })

  test('[G1] after it was given up takes its page back', () => {
    const page = new Page()
    page.pass(EMPTY_MS)
    page.watch.started()
    expect(page.shown).toBeUndefined()
  })
})
