import type { NodeId } from '../core/ids.ts'
import type { Envelope } from '../protocol/message.ts'
import type { Obstacle } from '../protocol/reach.ts'

/**
 * A way to meet nodes that one is not connected with, and to carry small envelopes to them. What an envelope says, and its sealing, is not its concern.
 *
 * - [N1] Both ends of an introduction learn of it by `met`; envelopes arrive whole, in order, at most 4 KiB each.
 * - [N2] Of two ids the smaller opens the pipe; the larger does only when it has waited for that in vain. There is at most one pipe for a pair: of two the one that the smaller opened stays.
 * - [N3] An id whose last part is wrong for this swarm is ignored.
 * - [N4] A pipe that does not open in time, or is silent, is closed by itself, with its reason.
 * - [N5] A signaling that loses its hub says so and comes back by itself, with back-off; `wake` tries at once.
 * - [N6] `close` ends it for good and may be called twice.
 */
export interface Signaling {
  readonly start: (handlers: SignalingHandlers) => void
  /** The network may be back: try at once. */
  readonly wake: () => void
  /** Somebody may be `wanted` now: looks who is there soon, not only at its next turn. */
  readonly look: () => void
  readonly close: () => Promise<void>
}

/** Largest envelope over a pipe. */
export const envelopeBytesMax = 4 * 1024

/** Called in the order of what happened, never from within `start`. None may throw. */
export interface SignalingHandlers {
  /** Whether a connection to this page would be taken up now: asked before a pipe to it is opened, again and again while it is there. `node`: where nodes are met, not pages. */
  readonly wanted: (peer: Uint8Array, node?: NodeId) => boolean
  readonly met: (introduction: Introduction) => void
  readonly state: (state: SignalingState) => void
  /** All that are there, took part in an attempt and were not reached by it; called when that has changed. */
  readonly unreached: (pages: readonly UnreachedPage[]) => void
}

/** The other page's introduction id, what stood in the way last, and since when it is not reached. */
export interface UnreachedPage {
  readonly peer: Uint8Array
  readonly obstacle: Obstacle
  readonly sinceMicros: number
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
  /** Where a node was met, not a page: which. `peer` then stands for it and is no introduction id. */
  readonly node?: NodeId
  /** Whether this end opened the pipe (it has the smaller introduction id). */
  readonly opened: boolean
  /** Begins delivery; what came before is kept. `closed` is called exactly once, also after `close`. */
  readonly start: (handlers: IntroductionHandlers) => void
  /** After closing it does nothing. @throws NetError `NET-TOO-LARGE` */
  readonly send: (envelope: Uint8Array) => void
  /** What was sent leaves first. */
  readonly close: () => void
}

export interface IntroductionHandlers {
  readonly envelope: (bytes: Uint8Array) => void
  readonly closed: (reason: string) => void
}

/** The mesh as a way for envelopes between two nodes that are not connected. */
export interface MeshRoad {
  /** Nodes that this one is not connected with, and others are. */
  readonly reachable: () => readonly NodeId[]
  /** Passed on by others as far as they can; no word of it when it is lost. */
  readonly say: (envelope: Envelope) => void
  /** Called once. `heard`: genuine, and for this node; each once in a minute. `changed`: others may be reachable now. */
  readonly listen: (handlers: { readonly heard: (envelope: Envelope) => void; readonly changed: () => void }) => void
}
