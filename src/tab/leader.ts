import type { Environment, HeldLock } from '../node/environment.ts'

const pingEveryMs = 1_000
/** A visible follower whose pings go unanswered for this long takes the lead. */
export const leaderSilentMs = 3_000
const answerEveryMs = 500
/** A free lock is granted sooner. */
const leadOnMs = 250

export interface LeaderHandlers {
  /** This tab leads from now on, or again after its page was frozen and nobody else has come to lead: its connections are then as they were. */
  readonly gained: () => void
  /** Another tab leads, or this page is left: close all connections. */
  readonly lost: () => void
  /** The browser refused a lock; it is asked again. */
  readonly failed: (error: unknown) => void
}

/** The one tab of a profile that has the connections. */
export interface Leader {
  readonly leads: () => boolean
  /** Whether this tab or, as far as a leader hears, another one of the profile is visible. */
  readonly isSeen: () => boolean
  readonly close: () => void
}

/**
 * Stands for election: the holder of a Web Lock leads.
 *
 * 1. The lock is given back in `pagehide` and `freeze`, because a page in the back/forward cache keeps it, and wanted again on return.
 *    A frozen page keeps its connections: where no other tab has taken the lead meanwhile they go on, else they are closed.
 * 2. Visible followers ping. That tells the leader that a person looks at this node, and a leader that does not answer has the lock stolen.
 * 3. The leader answers from a chain of timers, not at once: a browser may hold back the timers of a page that is hidden for long to one a minute, while messages still reach it.
 *    Such a page makes no connection in time, and a tab that is looked at is better off to lead itself. One that has connections is not held back.
 *
 * See STORAGE.md, *Tabs*.
 */
export const createLeader = (environment: Environment, name: string, handlers: LeaderHandlers): Leader => new Candidate(environment, name, handlers)

class Candidate implements Leader {
  readonly #environment: Environment
  readonly #name: string
  readonly #handlers: LeaderHandlers
  readonly #channel
  #lock: HeldLock | undefined
  /** Frozen while it led, with its connections. */
  #keeps = false
  #request: AbortController | undefined
  #unansweredSinceMs: number | undefined
  /** When another tab last said that it is visible, and whether that still waits for its answer. */
  #seenMs = -Infinity
  #asked = false
  #cancelTimer = () => {}
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
        if (change === 'freeze') this.#sleep()
        else if (change === 'leave') this.#leave()
        else if (environment.page.state() !== 'frozen') this.#wake()
      }),
    ]
    this.#wake()
  }

  leads(): boolean {
    return this.#lock !== undefined
  }

  isSeen(): boolean {
    const state = this.#environment.page.state()
    return state === 'visible' || (state === 'hidden' && this.#environment.monotonicMs() - this.#seenMs < leaderSilentMs)
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#leave()
    for (const stop of this.#stops) stop()
    this.#channel.close()
  }

  #hear(message: unknown): void {
    if (message === 'ping') {
      this.#seenMs = this.#environment.monotonicMs()
      this.#asked = true
    }
    if (message === 'pong') this.#unansweredSinceMs = undefined
  }

  #leave(): void {
    this.#sleep()
    this.#end()
  }

  #sleep(): void {
    this.#request?.abort()
    this.#request = undefined
    this.#cancelTimer()
    this.#lock?.release()
    this.#keeps ||= this.#lock !== undefined
    this.#lock = undefined
  }

  #wake(): void {
    if (this.#closed || this.#lock !== undefined) return
    this.#unansweredSinceMs = undefined
    if (this.#request === undefined) this.#stand(false)
    if (!this.#keeps) this.#ping()
    this.#again(this.#keeps ? leadOnMs : pingEveryMs, () => this.#follow())
  }

  #again(delayMs: number, call: () => void): void {
    this.#cancelTimer()
    this.#cancelTimer = this.#environment.after(delayMs, call)
  }

  /** Once a second while another tab leads. */
  #follow(): void {
    this.#end()
    if (this.#request === undefined) this.#stand(false)
    const silentMs = this.#environment.monotonicMs() - (this.#unansweredSinceMs ?? Infinity)
    if (silentMs >= leaderSilentMs && this.#environment.page.state() === 'visible') {
      this.#unansweredSinceMs = undefined
      this.#stand(true)
    } else this.#ping()
    this.#again(pingEveryMs, () => this.#follow())
  }

  #ping(): void {
    if (this.#environment.page.state() !== 'visible') return void (this.#unansweredSinceMs = undefined)
    this.#unansweredSinceMs ??= this.#environment.monotonicMs()
    this.#channel.post('ping')
  }

  #answer(): void {
    if (this.#asked) this.#channel.post('pong')
    this.#asked = false
    this.#again(answerEveryMs, () => this.#answer())
  }

  /** Waits for the lock, or takes it by force. */
  #stand(steal: boolean): void {
    this.#request?.abort()
    const request = new AbortController()
    this.#request = request
    let held: HeldLock | undefined
    const lost = () => {
      if (held === undefined || this.#lock !== held) return
      this.#lock = undefined
      this.#cancelTimer()
      this.#handlers.lost()
      if (this.#environment.page.state() !== 'frozen') this.#wake()
    }
    const hold = this.#environment.locks.hold(this.#name, steal ? { steal, lost } : { signal: request.signal, lost })
    hold.then(
      (lock) => {
        held = lock
        if (this.#request !== request || this.#closed || this.#environment.page.state() === 'frozen') return lock.release()
        this.#request = undefined
        this.#lock = lock
        this.#keeps = false
        this.#answer()
        this.#handlers.gained()
      },
      (error: unknown) => {
        // Given up by `#sleep` or for a steal.
        if (request.signal.aborted) return
        if (this.#request === request) this.#request = undefined
        this.#handlers.failed(error)
      },
    )
  }

  #end(): void {
    if (!this.#keeps) return
    this.#keeps = false
    this.#handlers.lost()
  }
}
