import type { NodeId } from '../core/ids.ts'
import type { Trial } from '../protocol/reach.ts'
import { NetError } from './transport.ts'
import { envelopeBytesMax } from './signaling.ts'
import type { Introduction, IntroductionHandlers } from './signaling.ts'
import type { Timers } from './timers.ts'

/** A way for envelopes to the page that is registered under `id`, made by a `HubClient`. */
export interface HubPipe {
  readonly id: string
  /** Begins delivery. Called once, at once. `closed` is called at most once, and not after `close`. */
  readonly start: (handlers: { readonly opened: () => void; readonly message: (bytes: Uint8Array) => void; readonly closed: (reason: string) => void }) => void
  readonly send: (bytes: Uint8Array) => void
  /** What was sent leaves first, as far as the pipe is healthy. */
  readonly close: () => void
  /** Of a pipe that has not opened and is not closed: what it saw of the network. `undefined`: it cannot tell. */
  readonly trial: () => Trial | undefined
}

export interface HubIntroductionOptions {
  readonly pipe: HubPipe
  readonly peer: Uint8Array
  readonly node?: NodeId
  readonly opened: boolean
  readonly timers: Timers
  /** The pipe is open. */
  readonly ready: () => void
  /** `failed`: it never opened. `trial`: what it saw, where it was given all its time. */
  readonly ended: (failed: boolean, trial?: Trial) => void
}

const openMs = 10_000
/** An attempt to connect takes 15 s at most. */
const lifeMs = 20_000
const envelopeCountMax = 256

/** An introduction over a hub's pipe: bounded in time, size and number. */
export class HubIntroduction implements Introduction {
  readonly peer: Uint8Array
  readonly node?: NodeId
  readonly opened: boolean
  readonly #options: HubIntroductionOptions
  #cancelTimer: () => void
  #handlers: IntroductionHandlers | undefined
  #kept: Uint8Array[] = []
  #count = 0
  #open = false
  #ended: string | undefined

  constructor(options: HubIntroductionOptions) {
    this.#options = options
    this.peer = options.peer
    if (options.node !== undefined) this.node = options.node
    this.opened = options.opened
    this.#cancelTimer = options.timers.after(openMs, () => this.end('not open in time', options.pipe.trial()))
    options.pipe.start({
      opened: () => this.#opens(),
      message: (bytes) => this.#receive(bytes),
      closed: (reason) => this.end(reason, this.#open ? undefined : options.pipe.trial()),
    })
  }

  start(handlers: IntroductionHandlers): void {
    this.#handlers = handlers
    for (const envelope of this.#kept.splice(0)) handlers.envelope(envelope)
    if (this.#ended !== undefined) handlers.closed(this.#ended)
  }

  send(envelope: Uint8Array): void {
    if (envelope.length > envelopeBytesMax) throw new NetError('NET-TOO-LARGE', `an envelope has at most ${envelopeBytesMax} bytes, not ${envelope.length}`)
    if (this.#ended === undefined) this.#options.pipe.send(envelope)
  }

  close(): void {
    this.end('closed')
  }

  get hasEnded(): boolean {
    return this.#ended !== undefined
  }

  end(reason: string, trial?: Trial): void {
    if (this.#ended !== undefined) return
    this.#ended = reason
    this.#cancelTimer()
    this.#options.pipe.close()
    this.#options.ended(!this.#open, trial)
    this.#handlers?.closed(reason)
  }

  #opens(): void {
    if (this.#ended !== undefined || this.#open) return
    this.#open = true
    this.#cancelTimer()
    this.#cancelTimer = this.#options.timers.after(lifeMs, () => this.end('its time is over'))
    this.#options.ready()
  }

  #receive(bytes: Uint8Array): void {
    if (this.#ended !== undefined) return
    if (bytes.length > envelopeBytesMax || ++this.#count > envelopeCountMax) return this.end('violation')
    if (this.#handlers === undefined) this.#kept.push(bytes)
    else this.#handlers.envelope(bytes)
  }
}
