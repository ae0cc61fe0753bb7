import type { Timers } from './timers.ts'

/** A listener of this browser that knows no candidate of the other end. */
export interface Waiting {
  /** Gives the browser a candidate of the other end. */
  readonly suppose: (candidate: string) => void
  /** It cannot be kept any longer. */
  readonly expired: () => void
}

/** Begins a listener that nobody will call; `gaveUp` is called when the browser gives it up. @returns what ends it */
export type Scratch = (gaveUp: () => void) => Promise<() => void>

/** Leads nowhere: no broadcast leaves a socket that did not ask for it, and to the port of the discard service Firefox sends nothing. */
const nowhere = 'candidate:1 1 udp 2122252543 255.255.255.255 9 typ host'
/** A browser checks one candidate for about 8 s. */
const supposeMs = 3000
/** An hour's worth. Firefox keeps them all: after 3,000 it took 1.7 s to connect, where it takes 0.1 s after 300. */
const supposedMax = 1200
/** Firefox gives up after 5 s; one that has not by then waits on. */
const watchMs = 10_000
/** What is found out comes so long before the first listener would be given up. */
const aheadMs = 1000

/**
 * Keeps listeners waiting in a browser that would give them up: found out on a scratch listener, at start.
 * There each is told again and again of a candidate that leads nowhere, which the browser then checks.
 */
export class Patience {
  readonly #scratch: Scratch
  readonly #timers: Timers
  readonly #waiting = new Map<Waiting, number>()
  #watched: Promise<void> | undefined
  #givesUp = false

  constructor(scratch: Scratch, timers: Timers) {
    this.#scratch = scratch
    this.#timers = timers
  }

  /** Resolves when listeners may begin. @throws NetError when the browser makes none */
  watched(): Promise<void> {
    this.#watched ??= this.#watch().catch((error: unknown) => {
      this.#watched = undefined
      throw error
    })
    return this.#watched
  }

  /** @returns what ends it */
  keep(waiting: Waiting): () => void {
    this.#waiting.set(waiting, 0)
    if (this.#givesUp) waiting.suppose(nowhere)
    return () => this.#waiting.delete(waiting)
  }

  async #watch(): Promise<void> {
    const end = await this.#scratch(() => {
      this.#givesUp = true
      this.#supposeAll()
    })
    this.#timers.after(watchMs, end)
    await new Promise<void>((resolve) => this.#timers.after(aheadMs, resolve))
  }

  #supposeAll(): void {
    this.#timers.after(supposeMs, () => this.#supposeAll())
    for (const [waiting, supposed] of [...this.#waiting]) {
      this.#waiting.set(waiting, supposed + 1)
      if (supposed < supposedMax) waiting.suppose(nowhere)
      else waiting.expired()
    }
  }
}
