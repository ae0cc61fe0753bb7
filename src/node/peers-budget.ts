import { backoffMs, type Backoff } from '../protocol/backoff.ts'

/** What holds attempts to connect back. Times are monotonic milliseconds. */

/** Tokens that are taken one by one and come back with time. A browser allows 500 peer connections per page and counts dead ones until they are collected. */
export class Bucket {
  readonly #size: number
  readonly #perMs: number
  #tokens: number
  #atMs: number

  constructor(size: number, perMinute: number, nowMs: number) {
    this.#size = size
    this.#perMs = perMinute / 60_000
    this.#tokens = size
    this.#atMs = nowMs
  }

  hasAny(nowMs: number): boolean {
    this.#refill(nowMs)
    return this.#tokens >= 1
  }

  /** @returns whether there was one to take, with `spare` more left after it */
  take(nowMs: number, spare = 0): boolean {
    this.#refill(nowMs)
    const had = this.#tokens >= 1 + spare
    if (had) this.#tokens--
    return had
  }

  #refill(nowMs: number): void {
    this.#tokens = Math.min(this.#size, this.#tokens + (nowMs - this.#atMs) * this.#perMs)
    this.#atMs = nowMs
  }
}

/** For a node that cannot be reached. */
const peerBackoff: Backoff = { firstMs: 500, lastMs: 30_000 }
const rememberedMax = 1000

interface Held {
  readonly failures: number
  readonly untilMs: number
}

/** For each key (a node, a page) the time before which it is not tried again. */
export class Backoffs {
  readonly #backoff: Backoff
  readonly #held = new Map<string, Held>()

  constructor(backoff = peerBackoff) {
    this.#backoff = backoff
  }

  mayTry(key: string, nowMs: number): boolean {
    return nowMs >= (this.#held.get(key)?.untilMs ?? 0)
  }

  /**
   * @param random from 0 (included) to 1 (excluded)
   * @returns failures in a row, and the wait that has begun
   */
  fail(key: string, nowMs: number, random: number): { readonly failures: number; readonly waitMs: number } {
    const failures = (this.#held.get(key)?.failures ?? 0) + 1
    const waitMs = backoffMs(this.#backoff, failures, random)
    this.#held.delete(key)
    this.#held.set(key, { failures, untilMs: nowMs + waitMs })
    dropOldest(this.#held, rememberedMax)
    return { failures, waitMs }
  }

  succeed(key: string): void {
    this.#held.delete(key)
  }

  /** Everybody may be tried at once. */
  reset(): void {
    this.#held.clear()
  }
}

/** Removes what was set first until at most `max` entries remain. */
export const dropOldest = (map: Map<string, unknown>, max: number): void => {
  for (const oldest of map.keys()) {
    if (map.size <= max) return
    map.delete(oldest)
  }
}
