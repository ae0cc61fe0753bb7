import type { EndDescription, PairingSignal } from '../protocol/pairing.ts'
import type { Timers } from './timers.ts'
import type { Attempt, AttemptHandlers, Transport } from './transport.ts'

/** Makes connections out of one description in each direction, which people carry: nothing trickles, and it may take minutes. */
export interface PairingConnector {
  /** Describes this end, then waits for `accept`. */
  readonly offer: (handlers: PairingHandlers) => PairingAttempt
  /** Describes this end to who made the offer, then waits for that one. */
  readonly answer: (offer: EndDescription, handlers: PairingHandlers) => PairingAttempt
}

/** Exactly one of `opened` and `failed` is called, unless cancelled. */
export interface PairingHandlers {
  /** To be shown; `waitMs`: for so long this end waits from now on. Called at most once. */
  readonly described: (own: EndDescription, waitMs: number) => void
  readonly opened: (transport: Transport) => void
  /** `detail` is for a log. */
  readonly failed: (code: PairingFailure, detail: string) => void
}

/**
 * `PAIR-NO-ADDRESS` the browser names no address of this tablet: it is in no network, or may not use it · `PAIR-LATE` the other end did nothing in time ·
 * `PAIR-UNREACHABLE` both codes were exchanged, and no packet came through.
 */
export type PairingFailure = 'PAIR-NO-ADDRESS' | 'PAIR-LATE' | 'PAIR-UNREACHABLE'

export interface PairingAttempt {
  /** The answer to the own offer. Once. */
  readonly accept: (answer: EndDescription) => void
  /** After `opened` it does nothing. */
  readonly cancel: () => void
}

/** Begins an attempt that has no limit of its own, or one beyond ours. `gathered`: no candidate follows; optional to call. */
export type BeginAttempt = (dialled: boolean, handlers: AttemptHandlers, gathered: () => void) => Attempt

/** Between the signals of a connector and what of them is told. */
export interface SignalForm {
  /** `undefined` until there is at least one candidate. */
  readonly describe: (signals: readonly Uint8Array[]) => EndDescription | undefined
  readonly signalOf: (role: PairingSignal['role'], description: EndDescription) => Uint8Array
}

/** Bounds of [R83]. @see PROTOCOL.md */
export const pairingMs = {
  /** Until the first candidate. */
  describe: 10_000,
  /** After it, for others: a STUN server that does not answer would be waited for during 40 s. */
  gather: 1_500,
  /** An offer waits for its answer. A person walks between two tablets. */
  offer: 120_000,
  /** An answer waits to be used. Later DTLS may not come to its end between browsers of different kinds. */
  answer: 60_000,
  /** From both codes to an open connection. */
  connect: 15_000,
} as const

export interface PairingOptions {
  readonly begin: BeginAttempt
  readonly form: SignalForm
  readonly timers: Timers
}

/** Pairing over attempts whose signals trickle. @see PROTOCOL.md [R83] */
export const createPairingConnector = (options: PairingOptions): PairingConnector => ({
  offer: (handlers) => new OneShot({ ...options, handlers, offer: undefined }),
  answer: (offer, handlers) => new OneShot({ ...options, handlers, offer }),
})

interface OneShotContext extends PairingOptions {
  readonly handlers: PairingHandlers
  /** `undefined`: this end makes it. */
  readonly offer: EndDescription | undefined
}

/** One attempt, from gathering to connection. Its own timers end it. */
class OneShot implements PairingAttempt {
  readonly #context: OneShotContext
  readonly #signals: Uint8Array[] = []
  readonly #attempt: Attempt
  #cancelTimer: () => void
  #phase: 'describing' | 'gathering' | 'waiting' | 'connecting' | 'ended' = 'describing'

  constructor(context: OneShotContext) {
    this.#context = context
    const { begin, form, offer } = context
    this.#cancelTimer = this.#failAfter(pairingMs.describe, 'PAIR-NO-ADDRESS', 'no candidate in time')
    const handlers: AttemptHandlers = {
      signal: (data) => this.#gather(data),
      opened: (transport) => this.#opened(transport),
      failed: (reason) => this.#fail('PAIR-UNREACHABLE', reason),
    }
    this.#attempt = begin(offer === undefined, handlers, () => this.#describe())
    if (offer !== undefined) this.#attempt.signal(form.signalOf('offer', offer))
  }

  accept(answer: EndDescription): void {
    if (this.#phase !== 'waiting' || this.#context.offer !== undefined) return
    this.#enter('connecting', this.#failAfter(pairingMs.connect, 'PAIR-UNREACHABLE', 'timeout'))
    this.#attempt.signal(this.#context.form.signalOf('answer', answer))
  }

  cancel(): void {
    if (this.#phase === 'ended') return
    this.#end()
    this.#attempt.cancel()
  }

  #gather(data: Uint8Array): void {
    if (this.#phase !== 'describing' && this.#phase !== 'gathering') return
    this.#signals.push(data)
    if (this.#phase === 'gathering' || this.#context.form.describe(this.#signals) === undefined) return
    this.#enter('gathering', this.#context.timers.after(pairingMs.gather, () => this.#describe()))
  }

  #describe(): void {
    if (this.#phase !== 'describing' && this.#phase !== 'gathering') return
    const own = this.#context.form.describe(this.#signals)
    if (own === undefined) return this.#fail('PAIR-NO-ADDRESS', 'no candidate at all')
    const waitMs = this.#context.offer === undefined ? pairingMs.offer : pairingMs.answer
    // What is used at the last moment still has its time to connect.
    const limitMs = this.#context.offer === undefined ? waitMs : waitMs + pairingMs.connect
    this.#enter('waiting', this.#failAfter(limitMs, 'PAIR-LATE', 'not used in time'))
    this.#context.handlers.described(own, waitMs)
  }

  #opened(transport: Transport): void {
    if (this.#phase === 'ended') return transport.close('given up')
    this.#end()
    this.#context.handlers.opened(transport)
  }

  #fail(code: PairingFailure, detail: string): void {
    if (this.#phase === 'ended') return
    this.#end()
    this.#attempt.cancel()
    this.#context.handlers.failed(code, detail)
  }

  #failAfter(delayMs: number, code: PairingFailure, detail: string): () => void {
    return this.#context.timers.after(delayMs, () => this.#fail(code, detail))
  }

  #enter(phase: 'gathering' | 'waiting' | 'connecting', cancelTimer: () => void): void {
    this.#cancelTimer()
    this.#cancelTimer = cancelTimer
    this.#phase = phase
  }

  #end(): void {
    this.#cancelTimer()
    this.#phase = 'ended'
  }
}
