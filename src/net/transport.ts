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
  /** Absent: it makes none in advance. */
  readonly standbys?: StandbyConnector
}

/**
 * Connections that two nodes agree on in advance, over a connection that they have, and hold back: the *caller* keeps the answer, the *listener* waits.
 * What opens is a `Transport` like any other, dialled by the caller.
 *
 * - [T11] Nothing opens before the caller applies the answer; then both ends do. The listener waits however long.
 * - [T12] A call is made again from its `keys`, by another page too, once the page that made it is gone: with the same answer the same listener takes it, and the caller's fingerprint is the same.
 * - [T13] An applied answer opens or fails, exactly once, and fails after 15 s at the latest; a listener that is closed is not found.
 * - [T14] An end that was closed is never opened and calls nobody.
 * - [T15] An offer that is none, and keys that are none, are refused with an error; an answer that is none fails the call.
 */
export interface StandbyConnector {
  /** The caller's end: a new one, or the one that `keys` are of. @throws NetError `NET-FAILED`, with keys also where the browser does not allow it */
  readonly call: (keys?: unknown) => Promise<StandbyCall>
  /** The listener's end. Exactly one of the handlers is called, unless it is closed before. @throws NetError `NET-FAILED` */
  readonly listen: (offer: Uint8Array, handlers: StandbyHandlers) => Promise<StandbyListener>
  /** Whether this browser lets a call be made again from its keys: tried on a connection that leads nowhere. */
  readonly returnAllowed: () => Promise<boolean>
}

/** `failed` with `timeout`: nobody has answered; with `expired`: this browser lets it wait no longer. */
export type StandbyHandlers = Pick<AttemptHandlers, 'opened' | 'failed'>

export interface StandbyCall {
  /** For the listener; at most 3 KiB, like the answer. */
  readonly offer: Uint8Array
  /** For the disk: what makes this call again. Opaque, can be cloned. */
  readonly keys: unknown
  /** Wall time after which the keys are refused. */
  readonly expiresMicros: number
  /** Called once. */
  readonly apply: (answer: Uint8Array, handlers: StandbyHandlers) => void
  /** Gives it up; after `opened` it does nothing. */
  readonly close: () => void
}

export interface StandbyListener {
  readonly answer: Uint8Array
  /** What the answer tells of where it is reached, as far as a later one would tell the same: if that has some, and none in common, it is not any more. */
  readonly addresses: readonly string[]
  /** Gives it up; after `opened` it does nothing. */
  readonly close: () => void
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
