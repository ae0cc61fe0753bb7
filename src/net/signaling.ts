/**
 * A way to meet nodes that one is not connected with, and to carry small envelopes to them. What an envelope says, and its sealing, is not its concern.
 *
 * - [N1] Both ends of an introduction learn of it by `met`; envelopes arrive whole, in order, at most 4 KiB each.
 * - [N2] Of two ids the smaller opens the pipe, so there is at most one pipe for a pair.
 * - [N3] An id whose last part is wrong for this swarm is ignored.
 * - [N4] A pipe that does not open in time, or is silent, is closed by itself, with its reason.
 * - [N5] A signaling that loses its hub says so and comes back by itself, with back-off; `wake` tries at once.
 * - [N6] `close` ends it for good and may be called twice.
 */
export interface Signaling {
  readonly start: (handlers: SignalingHandlers) => void
  /** The network may be back: try at once. */
  readonly wake: () => void
  readonly close: () => Promise<void>
}

export interface SignalingHandlers {
  readonly met: (introduction: Introduction) => void
  readonly state: (state: SignalingState) => void
}

export type SignalingState =
  | { readonly type: 'connecting' }
  | { readonly type: 'ready' }
  /** `reason` in plain words for a log; `sinceMicros` of the own clock. */
  | { readonly type: 'unreachable'; readonly reason: string; readonly sinceMicros: number }

/** A short pipe to one page of another node, over which the two agree on a connection. */
export interface Introduction {
  /** The other page's introduction id, 16 bytes. Unproven. */
  readonly peer: Uint8Array
  /** Whether this end opened the pipe (it has the smaller introduction id). */
  readonly opened: boolean
  readonly start: (handlers: { readonly envelope: (bytes: Uint8Array) => void; readonly closed: (reason: string) => void }) => void
  readonly send: (envelope: Uint8Array) => void
  readonly close: () => void
}
