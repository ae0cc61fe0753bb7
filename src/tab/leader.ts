import type { Environment, HeldLock } from '../node/environment.ts'

const pingEveryMs = 1_000
/** A visible follower whose pings go unanswered for this long takes the lead. */
export const leaderSilentMs = 3_000

export interface LeaderHandlers {
  /** This tab leads from now on. */
  readonly gained: () => void
  /** Another tab leads, or this page sleeps: close all connections. */
  readonly lost: () => void
}

/** The one tab of a profile that has the connections. */
export interface Leader {
  readonly leads: () => boolean
  readonly close: () => void
}

/**
 * Stands for election: the holder of a Web Lock leads.
 *
 * The lock is given back in `pagehide` and `freeze`, because a page in the back/forward cache keeps it, and wanted again on return.
 * A leader that is stuck answers no ping; a visible follower then steals the lock. See STORAGE.md, *Tabs*.
 */
export const createLeader = (environment: Environment, name: string, handlers: LeaderHandlers): Leader => new Candidate(environment, name, handlers)

class Candidate implements Leader {
  readonly #environment: Environment
  readonly #name: string
  readonly #handlers: LeaderHandlers
  readonly #channel
  #lock: HeldLock | undefined
  #request: AbortController | undefined
  #unansweredSinceMs: number | undefined
  #cancelPing = () => {}
  #closed = false
  readonly #stops: (() => void)[]

  constructor(environment: Environment, name: string, handlers: LeaderHandlers) {
    this.#environment = environment
    this.#name = name
    this.#handlers = handlers
    this.#channel = environment.channel(name)
    this.#stops = [
      this.#channel.listen((message) => this.#hear(message)),
      environment.page.listen((change) => {
        if (change === 'freeze' || change === 'leave') this.#sleep()
        else if (environment.page.state() !== 'frozen') this.#wake()
      }),
    ]
    this.#wake()
  }

  leads(): boolean {
    return this.#lock !== undefined
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#sleep()
    for (const stop of this.#stops) stop()
    this.#channel.close()
  }

  #hear(message: unknown): void {
    if (message === 'ping' && this.#lock !== undefined && this.#environment.page.state() !== 'frozen') this.#channel.post('pong')
    if (message === 'pong') this.#unansweredSinceMs = undefined
  }

  #sleep(): void {
    this.#request?.abort()
    this.#request = undefined
    this.#cancelPing()
    this.#lose()
  }

  #wake(): void {
    if (this.#closed || this.#lock !== undefined) return
    this.#unansweredSinceMs = undefined
    if (this.#request === undefined) this.#stand(false)
    this.#cancelPing()
    this.#cancelPing = this.#environment.after(pingEveryMs, () => this.#ping())
  }

  #ping(): void {
    if (this.#closed || this.#lock !== undefined) return
    const nowMs = this.#environment.monotonicMs()
    if (this.#environment.page.state() !== 'visible') this.#unansweredSinceMs = undefined
    else if (this.#unansweredSinceMs !== undefined && nowMs - this.#unansweredSinceMs >= leaderSilentMs) {
      this.#unansweredSinceMs = undefined
      this.#stand(true)
    } else {
      this.#unansweredSinceMs ??= nowMs
      this.#channel.post('ping')
    }
    this.#cancelPing = this.#environment.after(pingEveryMs, () => this.#ping())
  }

  /** Waits for the lock, or takes it by force. */
  #stand(steal: boolean): void {
    this.#request?.abort()
    const request = new AbortController()
    this.#request = request
    let held: HeldLock | undefined
    const lost = () => {
      if (held === undefined || this.#lock !== held) return
      this.#lose()
      if (this.#environment.page.state() !== 'frozen') this.#wake()
    }
    const hold = this.#environment.locks.hold(this.#name, steal ? { steal, lost } : { signal: request.signal, lost })
    hold.then(
      (lock) => {
        held = lock
        if (this.#request !== request || this.#closed || this.#environment.page.state() === 'frozen') return lock.release()
        this.#request = undefined
        this.#lock = lock
        this.#cancelPing()
        this.#handlers.gained()
      },
      (error: unknown) => {
        // Given up by `#sleep` or for a steal; anything else is a platform without locks, which opening has refused.
        if (!request.signal.aborted) throw error
      },
    )
  }

  #lose(): void {
    const lock = this.#lock
    this.#lock = undefined
    lock?.release()
    if (lock !== undefined) this.#handlers.lost()
  }
}
