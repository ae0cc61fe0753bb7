import type { NodeId, SwarmId } from '../core/ids.ts'
import type { About, ByeReason, Former, Hello, Message, SaidPage } from './message.ts'
import type { Role } from './proof.ts'

/** What one end of a connection knows before anything is said. */
export interface SessionConfig {
  readonly swarm: SwarmId
  readonly nodeId: NodeId
  readonly features: readonly string[]
  /** 32 bytes: introduction id of this page, then 16 fresh random bytes. */
  readonly nonce: Uint8Array
  readonly role: Role
  readonly fingerprints: { readonly own: Uint8Array; readonly peer: Uint8Array }
  readonly about: Omit<About, 'type'>
  /** Of this node; absent: none. */
  readonly formers?: readonly Former[]
}

/** A message that the plan, or a layer above, answers for; handed on unchanged. */
export type PlanMessage = Extract<Message, { readonly type: 'have' | 'want' | 'wantFork' | 'segment' | 'end' | 'fork' | 'relay' | 'members' | 'layer' | 'standby' }>

/** The peer's hello, and its bytes as received. */
export interface HeardHello {
  readonly hello: Hello
  readonly bytes: Uint8Array
}

/** Before the peer is known. `bytes`: received so far. */
interface Handshake {
  readonly config: SessionConfig
  readonly beganMs: number
  readonly bytes: number
}

/**
 * One connection, from its opening to its end.
 * `greeting` own hello is out · `proving` the peer's hello is in, proofs are made and checked · `judging` the peer has the own node id, and both proofs hold ·
 * `open` the peer is known.
 */
export type SessionState = Greeting | Proving | Judging | Open | { readonly phase: 'ended' }

export interface Greeting extends Handshake {
  readonly phase: 'greeting'
}

export interface Proving extends Handshake {
  readonly phase: 'proving'
  readonly peer: HeardHello
  /** Whether the own proof is out. */
  readonly proved: boolean
  /** Of the peer's proof. */
  readonly check: 'awaited' | 'running' | 'held'
  /** What came after the peer's proof while it is checked, undecoded. */
  readonly held: readonly MessageInput[]
}

export interface Judging extends Handshake {
  readonly phase: 'judging'
  readonly peer: HeardHello
  readonly held: readonly MessageInput[]
}

export interface Open {
  readonly phase: 'open'
  readonly config: SessionConfig
  readonly peer: HeardHello
  /** `undefined` until its `about`, which comes first. */
  readonly about: About | undefined
  readonly page: SaidPage
  readonly lastHeardMs: number
  /** Whether nothing was heard for so long that it is not asked for now. */
  readonly silent: boolean
  /** Own pings without a `pong`, oldest first: when they left. */
  readonly pings: readonly number[]
  readonly lastPingMs: number
  /** The own page state that the peer was told, or takes for granted. */
  readonly saidPage: SaidPage
  readonly roundTripMs: number | undefined
  readonly clockSkewMs: number | undefined
  /** Control messages that the peer may still send, as of `lastHeardMs`. */
  readonly allowance: { readonly controls: number; readonly relays: number; readonly atMs: number }
}

export type SessionInput =
  | { readonly type: 'begin'; readonly nowMs: number }
  /** A frame came in. */
  | { readonly type: 'heard'; readonly nowMs: number }
  | MessageInput
  /** The own proof was made. */
  | { readonly type: 'proved'; readonly signature: Uint8Array; readonly mac: Uint8Array; readonly nowMs: number }
  /** The peer's proof was checked. */
  | { readonly type: 'checked'; readonly holds: boolean; readonly nowMs: number }
  | { readonly type: 'twinJudged'; readonly ownPage: boolean }
  /** A message that was given on was of no use here. */
  | { readonly type: 'wasted'; readonly nowMs: number }
  | { readonly type: 'tick'; readonly nowMs: number; readonly wallMicros: number; readonly page: SaidPage }
  | { readonly type: 'end'; readonly reason: ByeReason; readonly detail: string }

export interface MessageInput {
  readonly type: 'message'
  readonly bytes: Uint8Array
  readonly nowMs: number
  readonly wallMicros: number
  readonly page: SaidPage
}

export type SessionEffect =
  | { readonly type: 'send'; readonly message: Message }
  /** Sign and authenticate the own proof over T of `transcript`; the result is `proved`. */
  | { readonly type: 'prove'; readonly role: Role; readonly transcript: Uint8Array }
  /** Check the peer's; the result is `checked`. */
  | { readonly type: 'check'; readonly role: Role; readonly nodeId: NodeId; readonly transcript: Uint8Array; readonly signature: Uint8Array; readonly mac: Uint8Array }
  /** Find out whether the introduction id is that of a page of this profile; the result is `twinJudged`. */
  | { readonly type: 'judgeTwin'; readonly introductionId: Uint8Array }
  /** The same identity runs twice. */
  | { readonly type: 'twin' }
  /** Both proofs hold and the peer said `about`. */
  | { readonly type: 'opened' }
  /** Page state, round trip or clock skew is another. */
  | { readonly type: 'changed' }
  | { readonly type: 'silent'; readonly silent: boolean }
  | { readonly type: 'give'; readonly message: PlanMessage }
  /** The session is over. `by`: who ended it; `detail` for a log. The transport is to be closed. */
  | { readonly type: 'ended'; readonly by: 'own' | 'peer'; readonly reason: ByeReason; readonly detail: string }

export type SessionStep = readonly [SessionState, readonly SessionEffect[]]

export const sessionOf = (config: SessionConfig, nowMs: number): Greeting => ({ phase: 'greeting', config, beganMs: nowMs, bytes: 0 })

/** Ends with `bye`. */
export const endSession = (reason: ByeReason, detail = ''): SessionStep => [
  { phase: 'ended' },
  [{ type: 'send', message: { type: 'bye', reason } }, { type: 'ended', by: 'own', reason, detail }],
]

