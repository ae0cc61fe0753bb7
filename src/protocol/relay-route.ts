import { bytesToHex } from '../core/bytes.ts'
import type { NodeId } from '../core/ids.ts'
import { RELAY_HOPS_MAX, RELAY_SEEN_MS, RELAYS_PER_SECOND_MAX } from './limits.ts'
import type { Envelope, Relay } from './message.ts'
import { withEntry, without, type SessionId } from './plan-state.ts'
import { whoeverIsThere } from './relay.ts'

/** Seen ones that are remembered; beyond that the oldest goes first. */
const SEEN_MAX = 2_000

/** What of a session with a node that has announced `relay` is known. */
interface Neighbour {
  readonly nodeId: NodeId
  /** How many it may still be given, as of `atMs`: it would end a session in which more come. */
  readonly allowance: number
  readonly atMs: number
}

/** Which envelopes one node has passed on, and to whom it can give them. */
export interface RelayState {
  readonly nodeId: NodeId
  readonly neighbours: ReadonlyMap<SessionId, Neighbour>
  /** Sender and nonce of those that were genuine, and when they came; oldest first. */
  readonly seen: ReadonlyMap<string, number>
}

export type RelayInput =
  | { readonly type: 'up'; readonly session: SessionId; readonly nodeId: NodeId; readonly nowMs: number }
  | { readonly type: 'down'; readonly session: SessionId }
  | { readonly type: 'came'; readonly session: SessionId; readonly relay: Relay; readonly nowMs: number }
  /** Result of `check`, in the order of the effects of a session. */
  | { readonly type: 'checked'; readonly session: SessionId; readonly relay: Relay; readonly holds: boolean; readonly nowMs: number }
  /** An envelope of this node's own. */
  | { readonly type: 'said'; readonly envelope: Envelope; readonly nowMs: number }

export type RelayEffect =
  /** Check the envelope's signature. */
  | { readonly type: 'check'; readonly session: SessionId; readonly relay: Relay }
  | { readonly type: 'send'; readonly session: SessionId; readonly message: Relay }
  /** It is for this node. */
  | { readonly type: 'give'; readonly envelope: Envelope }
  /** The neighbour has passed on what it had to refuse. */
  | { readonly type: 'end'; readonly session: SessionId; readonly reason: 'violation'; readonly text: string }

export type RelayStep = readonly [RelayState, readonly RelayEffect[]]

export const relayOf = (nodeId: NodeId): RelayState => ({ nodeId, neighbours: new Map(), seen: new Map() })

/** One step of passing envelopes on. Pure. @see PROTOCOL.md [R50] [R51] */
export const stepRelay = (state: RelayState, input: RelayInput): RelayStep => {
  switch (input.type) {
    case 'up': return [{ ...state, neighbours: withEntry(state.neighbours, input.session, { nodeId: input.nodeId, allowance: RELAYS_PER_SECOND_MAX, atMs: input.nowMs }) }, []]
    case 'down': return [{ ...state, neighbours: without(state.neighbours, input.session) }, []]
    case 'came': return onCame(state, input)
    case 'checked': return onChecked(state, input)
    case 'said': return onSaid(state, input)
  }
}

/** To all neighbours, also where its addressee is one: over a connection that the other has lost, and this node not yet missed, nothing would arrive. */
const onSaid = (state: RelayState, { envelope, nowMs }: Extract<RelayInput, { type: 'said' }>): RelayStep => {
  const sessions = [...newestSessions(state)].flatMap(([nodeId, session]) => (nodeId === envelope.from ? [] : [session]))
  return give(remember(state, envelope, nowMs), { type: 'relay', envelope, hops: RELAY_HOPS_MAX }, sessions, nowMs)
}

/** What was seen, or said here, is not even looked at. */
const onCame = (state: RelayState, { session, relay, nowMs }: Extract<RelayInput, { type: 'came' }>): RelayStep => {
  const { from, to } = relay.envelope
  if (to === whoeverIsThere) return [state, [{ type: 'end', session, reason: 'violation', text: 'relay to nobody' }]]
  if (from === state.nodeId || isSeen(state, relay.envelope, nowMs)) return [state, []]
  return [state, [{ type: 'check', session, relay }]]
}

/** Only a genuine one counts as seen: a forged copy that comes first does not keep the other away. It goes on to its addressee where that is a neighbour, else to all. */
const onChecked = (state: RelayState, { session, relay, holds, nowMs }: Extract<RelayInput, { type: 'checked' }>): RelayStep => {
  const { envelope, hops } = relay
  if (!holds) return [state, [{ type: 'end', session, reason: 'violation', text: `relay not signed by ${envelope.from}` }]]
  if (isSeen(state, envelope, nowMs)) return [state, []]
  const seen = remember(state, envelope, nowMs)
  if (envelope.to === state.nodeId) return [seen, [{ type: 'give', envelope }]]
  if (hops === 0) return [seen, []]
  const sender = state.neighbours.get(session)?.nodeId ?? envelope.from
  const newest = newestSessions(state)
  const direct = newest.get(envelope.to)
  const sessions = direct === undefined ? [...newest].flatMap(([nodeId, each]) => (nodeId === sender || nodeId === envelope.from ? [] : [each])) : [direct]
  return give(seen, { ...relay, hops: hops - 1 }, sessions, nowMs)
}

const newestSessions = (state: RelayState): ReadonlyMap<NodeId, SessionId> => new Map([...state.neighbours].map(([session, { nodeId }]) => [nodeId, session] as const))

/** Who has had its share gets none. */
const give = (state: RelayState, message: Relay, sessions: readonly SessionId[], nowMs: number): RelayStep => {
  const neighbours = new Map(state.neighbours)
  const effects: RelayEffect[] = []
  for (const session of sessions) {
    const neighbour = refill(neighbours.get(session), nowMs)
    if (neighbour === undefined || neighbour.allowance < 1) continue
    neighbours.set(session, { ...neighbour, allowance: neighbour.allowance - 1 })
    effects.push({ type: 'send', session, message })
  }
  return [{ ...state, neighbours }, effects]
}

const refill = (neighbour: Neighbour | undefined, nowMs: number): Neighbour | undefined => {
  if (neighbour === undefined) return undefined
  const more = (Math.max(0, nowMs - neighbour.atMs) / 1000) * RELAYS_PER_SECOND_MAX
  return { ...neighbour, allowance: Math.min(RELAYS_PER_SECOND_MAX, neighbour.allowance + more), atMs: nowMs }
}

const nameOf = ({ from, nonce }: Envelope): string => `${from}/${bytesToHex(nonce)}`

const isSeen = (state: RelayState, envelope: Envelope, nowMs: number): boolean =>
  nowMs - (state.seen.get(nameOf(envelope)) ?? -Infinity) < RELAY_SEEN_MS

const remember = (state: RelayState, envelope: Envelope, nowMs: number): RelayState => {
  const seen = new Map(state.seen)
  seen.delete(nameOf(envelope))
  seen.set(nameOf(envelope), nowMs)
  for (const [name, atMs] of seen) {
    if (seen.size <= SEEN_MAX && nowMs - atMs < RELAY_SEEN_MS) break
    seen.delete(name)
  }
  return { ...state, seen }
}
