import type { NodeId, Offset, StreamId, SwarmId } from '../core/ids.ts'
import type { StartPlace } from '../stream/swarm.ts'

/** The one version of the protocol that this program speaks. */
export const PROTOCOL_VERSION = 1

/** Everything that nodes say to each other over one connection. PROTOCOL.md has the bytes, `limits.ts` the bounds. */
export type Message =
  | Hello | Proof | About | Have | Want | WantFork | SegmentMessage | End | ForkMessage | Relay | Members | Layer | Ping | Pong | Bye | Standby

/** First in both directions. Its unknown keys are ignored. */
export interface Hello {
  readonly type: 'hello'
  readonly versions: readonly number[]
  readonly features: readonly string[]
  readonly swarm: SwarmId
  readonly nodeId: NodeId
  /** Introduction id of the page, 16 bytes, then 16 fresh random bytes. */
  readonly nonce: Uint8Array
  /** Absent: none. */
  readonly formers?: readonly Former[]
}

/** An id that was given up for another, and its signature that says so. @see former.ts */
export interface Former {
  readonly nodeId: NodeId
  readonly next: NodeId
  readonly signature: Uint8Array
}

export interface Proof {
  readonly type: 'proof'
  readonly signature: Uint8Array
  readonly mac: Uint8Array
}

export interface About {
  readonly type: 'about'
  readonly name: string
  readonly software: string
  readonly hubs: readonly string[]
}

/** What a node says of its head of a stream. */
export interface SaidHead {
  /** Offset that the next event gets, at least 1. */
  readonly next: Offset
  /** First 16 bytes of the header id over all held of the open segment; where that is empty, of the segment before. */
  readonly id: Uint8Array
}

/** First offset that a stream's owner still holds, signed by it. @see FORMAT.md [F36] */
export interface SaidStart extends StartPlace {
  readonly stream: StreamId
  readonly signature: Uint8Array
}

/** A known fork: the segment in which two sealed versions differ, and the first batch that does. */
export interface SaidFork {
  readonly stream: StreamId
  readonly first: Offset
  readonly end: Offset
  /** Names of its branches without the stream's, 22 characters each. Empty in version 1. */
  readonly branches: readonly string[]
}

/** What this node holds durably and has not said in this session; the first says all. In parts when long, `more` in all but the last. */
export interface Have {
  readonly type: 'have'
  readonly heads: readonly (readonly [StreamId, SaidHead])[]
  readonly starts: readonly SaidStart[]
  readonly forks: readonly SaidFork[]
  readonly more: boolean
}

/** Where in a stream a piece is asked for: the asker's open segment, and the offset up to which it has it. */
export interface Place {
  readonly first: Offset
  /** Header id of the segment before `first`; zeros for none. */
  readonly previous: Uint8Array
  /** At or above `first`. */
  readonly next: Offset
}

export interface Want {
  readonly type: 'want'
  /** Names the answer; above 0 and above every earlier one of this session. */
  readonly id: number
  readonly stream: StreamId
  readonly place: Place
  readonly budgetBytes: number
}

export interface WantFork {
  readonly type: 'wantFork'
  readonly id: number
  readonly stream: StreamId
  readonly first: Offset
  readonly end: Offset
}

export interface SegmentMessage {
  readonly type: 'segment'
  /** Of the `want` that it answers; 0: pushed. */
  readonly want: number
  readonly stream: StreamId
  readonly header: Uint8Array
  readonly seal: Uint8Array
  /** Offset of the first line carried. Closed: the segment's first. */
  readonly from: Offset
  /** Closed: deflated, as on disk. Open: lines. */
  readonly body: Uint8Array
}

export type EndReason = 'all' | 'budget' | 'start' | 'unknown' | 'busy' | 'conflict'

export interface End {
  readonly type: 'end'
  readonly want: number
  readonly reason: EndReason
  /** With reason `start`, and only then. */
  readonly start: SaidStart | undefined
}

/** A sealed segment whole. */
export interface WholeSegment {
  readonly header: Uint8Array
  readonly seal: Uint8Array
  readonly deflated: Uint8Array
}

export interface ForkMessage {
  readonly type: 'fork'
  readonly one: WholeSegment
  readonly other: WholeSegment
}

/** A sealed envelope between two nodes of a swarm, carried by others. @see relay.ts */
export interface Envelope {
  readonly from: NodeId
  readonly to: NodeId
  /** 16 random bytes that name it. */
  readonly nonce: Uint8Array
  /** 12 random bytes, then the ciphertext with its tag. */
  readonly content: Uint8Array
  readonly signature: Uint8Array
}

export interface Relay {
  readonly type: 'relay'
  readonly envelope: Envelope
  /** How many more nodes may pass it on. */
  readonly hops: number
}

/** A node as itself says it is. @see members.ts */
export interface Member {
  readonly nodeId: NodeId
  readonly name: string
  /** Nodes that it is connected with. */
  readonly links: readonly NodeId[]
  /** The entry with the highest one counts. */
  readonly counter: number
  readonly signature: Uint8Array
}

export interface Members {
  readonly type: 'members'
  readonly members: readonly { readonly member: Member; readonly heardSecondsAgo: number }[]
}

export interface Layer {
  readonly type: 'layer'
  readonly channel: string
  readonly bytes: Uint8Array
}

/** One step of agreeing on a standby connection. `end` from either side: it is not there any more, and has no signal. */
export interface Standby {
  readonly type: 'standby'
  /** 16 random bytes of its caller, in all steps. */
  readonly id: Uint8Array
  readonly step: 'offer' | 'answer' | 'end'
  /** The connector's signal, opaque here. */
  readonly signal: Uint8Array
}

export type SaidPage = 'visible' | 'hidden'

export interface Ping {
  readonly type: 'ping'
  /** Wall time of the sender. */
  readonly timeMicros: number
  readonly page: SaidPage
}

/** Answers the oldest `ping` that has no answer yet. */
export interface Pong {
  readonly type: 'pong'
  readonly timeMicros: number
  readonly page: SaidPage
}

/**
 * Why a session ends.
 * `closed` the node or page closes · `lowered` a head has to go back, come again at once · `identity` a new identity follows ·
 * `replaced` another connection to the same node stays · `silent` nothing was heard · `self` another tab of the same profile ·
 * `twin` the same identity runs twice · `swarm` another swarm · `version` no common version · `proof` it did not hold · `timeout` no proof in time ·
 * `violation` a message was malformed, oversized, out of order or too many · `segment` a segment failed its own seal, length or hash ·
 * `unwanted` too many connections: this one is not part of the topology.
 */
export const byeReasons = [
  'closed', 'lowered', 'identity', 'replaced', 'silent', 'self', 'twin', 'swarm', 'version', 'proof', 'timeout', 'violation', 'segment', 'unwanted',
] as const

export type ByeReason = (typeof byeReasons)[number]

export interface Bye {
  readonly type: 'bye'
  readonly reason: ByeReason
}
