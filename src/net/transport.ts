/**
 * One connection to a peer, seen from one end: ordered reliable messages.
 *
 * Contract: every rule is a test of `test/contract/transport.contract.ts`.
 *
 * - [T1] Messages arrive whole, unchanged, in the order sent, each once.
 * - [T2] Messages travel in frames of at most 65,535 bytes (`protocol/frame.ts`); every size from 0 bytes to the largest message is possible.
 * - [T3] What arrives before `start` is kept and delivered by it; nothing is delivered after `closed`.
 * - [T4] A message above the bound is refused by `send` with an error and nothing of it leaves; the connection stays.
 * - [T5] `closed` is called exactly once, on both ends, with a reason; what was sent before an orderly close of a healthy connection arrives first.
 * - [T6] `send` after closing throws `NET-CLOSED`; `close` may be called twice.
 * - [T7] `own` and `peer` fingerprints of one end are `peer` and `own` of the other, 32 bytes, and differ between connections.
 * - [T8] `bufferedBytes` counts what was sent and has not left; `drained` is called when it falls to `lowWaterBytes` or below after it was above.
 * - [T9] `heard` is called for every frame, before the message that it completes.
 * - [T10] A frame or message beyond the bounds from the peer closes the connection with reason `violation`.
 */
export interface Transport {
  /** Whether this end dialled. */
  readonly dialled: boolean
  /** SHA-256 of both DTLS certificates. */
  readonly fingerprints: { readonly own: Uint8Array; readonly peer: Uint8Array }
  /** Begins delivery. Called once. */
  readonly start: (handlers: TransportHandlers) => void
  /** Queues one message. */
  readonly send: (message: Uint8Array) => void
  readonly bufferedBytes: number
  /** Lets what was sent leave (at most 1 s), then closes. */
  readonly close: (reason: string) => void
}

export interface TransportHandlers {
  readonly message: (message: Uint8Array) => void
  /** A frame came in: a sign of life. */
  readonly heard: () => void
  readonly drained: () => void
  /** Own reason, or `lost`, `violation`, `closed by peer`. */
  readonly closed: (reason: string) => void
}

/** `drained` is called at or below this. */
export const lowWaterBytes = 128 * 1024

/** Makes connections out of signals that are carried by a `Signaling`. */
export interface Connector {
  /** `dialled`: makes the offer. Signals are opaque bytes of at most 3 KiB. */
  readonly begin: (dialled: boolean, handlers: AttemptHandlers) => Attempt
}

export interface Attempt {
  /** Hands over a signal from the other end. A malformed one fails the attempt. */
  readonly signal: (data: Uint8Array) => void
  /** Gives the attempt up; after `opened` it does nothing. */
  readonly cancel: () => void
}

export interface AttemptHandlers {
  /** To be carried to the other end, in order. */
  readonly signal: (data: Uint8Array) => void
  readonly opened: (transport: Transport) => void
  /** Exactly one of `opened` and `failed` is called, unless cancelled. */
  readonly failed: (reason: string) => void
}

export type NetErrorCode = 'NET-CLOSED' | 'NET-TOO-LARGE' | 'NET-FULL' | 'NET-FAILED'

export class NetError extends Error {
  override readonly name = 'NetError'
  readonly code: NetErrorCode
  constructor(code: NetErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(`${code}: ${message}`, options)
    this.code = code
  }
}
