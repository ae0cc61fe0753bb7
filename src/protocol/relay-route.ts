import { bytesToHex } from '../core/bytes.ts'
import type { NodeId } from '../core/ids.ts'
import { RELAY_HOPS_MAX, RELAY_SEEN_MS, RELAYS_PER_SECOND_MAX } from './limits.ts'
import type { Envelope, Relay } from './message.ts'
import { withEntry, without, type SessionId } from './plan-state.ts'
import { whoeverIsThere } from './relay.ts'

/** Seen ones that are remembered; beyond that the oldest goes first. */
const SEEN_MAX = 2_000
/** Of what a neighbour may be given so much is left to those who have had less than a second's worth of it. */
const RESERVE = RELAYS_PER_SECOND_MAX / 2
/** No more than that is held against anybody. */
const USED_MAX = 2 * RELAYS_PER_SECOND_MAX

/** What of a session with a node that has announced `relay` is known. */
interface Neighbour {
  readonly nodeId: NodeId
  /** How many it may still be given, as of `atMs`: it would end a session in which more come. */
  readonly allowance: number
  /** How many it was given of those that each neighbour, or this node, brought; forgotten with time. */
  readonly used: ReadonlyMap<NodeId, number>
  readonly atMs: number
}

/** When it came first, and with how many hops left it went on: more than any has where it need not go on again. */
interface Seen {
  readonly atMs: number
  readonly hops: number
}

/** Which envelopes one node has passed on, and to whom it can give them. */
export interface RelayState {
  readonly nodeId: NodeId
  readonly neighbours: ReadonlyMap<SessionId, Neighbour>
  /** Those that were genuine, by sender and nonce; oldest first. */
  readonly seen: ReadonlyMap<string, Seen>
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
    case 'up': return [{ ...state, neighbours: withEntry(state.neighbours, input.session, { nodeId: input.nodeId, allowance: RELAYS_PER_SECOND_MAX, used: new Map(), atMs: input.nowMs }) }, []]
    case 'down': return [{ ...state, neighbours: without(state.neighbours, input.session) }, []]
    case 'came': return onCame(state, input)
    case 'checked': return onChecked(state, input)
    case 'said': return onSaid(state, input)
  }
}

/** To all neighbours, also where its addressee is one: over a connection that the other has lost, and this node not yet missed, nothing would arrive. */
const onSaid = (state: RelayState, { envelope, nowMs }: Extract<RelayInput, { type: 'said' }>): RelayStep => {
  const sessions = [...newestSessions(state)].flatMap(([nodeId, session]) => (nodeId === envelope.from ? [] : [session]))
  return give(state, { type: 'relay', envelope, hops: RELAY_HOPS_MAX }, sessions, state.nodeId, nowMs)
}

/** What was seen, or said here, is not even looked at, unless it can now go further. */
const onCame = (state: RelayState, { session, relay, nowMs }: Extract<RelayInput, { type: 'came' }>): RelayStep => {
  const { from, to } = relay.envelope
  if (to === whoeverIsThere) return [state, [{ type: 'end', session, reason: 'violation', text: 'relay to nobody' }]]
  if (from === state.nodeId || isSeen(state, relay, nowMs)) return [state, []]
  return [state, [{ type: 'check', session, relay }]]
}

/** Only a genuine one counts as seen: a forged copy that comes first does not keep the other away. It goes on to its addressee where that is a neighbour, else to all. */
const onChecked = (state: RelayState, { session, relay, holds, nowMs }: Extract<RelayInput, { type: 'checked' }>): RelayStep => {
  const { envelope, hops } = relay
  if (!holds) return [state, [{ type: 'end', session, reason: 'violation', text: `relay not signed by ${envelope.from}` }]]
  if (isSeen(state, relay, nowMs)) return [state, []]
  const newest = newestSessions(state)
  const direct = newest.get(envelope.to)
  if (envelope.to === state.nodeId) return [remember(state, envelope, Infinity, nowMs), [{ type: 'give', envelope }]]
  const seen = remember(state, envelope, direct !== undefined && hops > 0 ? Infinity : hops, nowMs)
  if (hops === 0) return [seen, []]
  const sender = state.neighbours.get(session)?.nodeId ?? envelope.from
  const sessions = direct === undefined ? [...newest].flatMap(([nodeId, each]) => (nodeId === sender || nodeId === envelope.from ? [] : [each])) : [direct]
  return give(seen, { ...relay, hops: hops - 1 }, sessions, sender, nowMs)
}

const newestSessions = (state: RelayState): ReadonlyMap<NodeId, SessionId> => new Map([...state.neighbours].map(([session, { nodeId }]) => [nodeId, session] as const))

/** Who has had its share gets none, and who brings very many leaves some of it to others. */
const give = (state: RelayState, message: Relay, sessions: readonly SessionId[], source: NodeId, nowMs: number): RelayStep => {
  const neighbours = new Map(state.neighbours)
  const effects: RelayEffect[] = []
  for (const session of sessions) {
    const before = neighbours.get(session)
    if (before === undefined) continue
    const neighbour = refill(before, state.neighbours.size, nowMs)
    const used = neighbour.used.get(source) ?? 0
    if (neighbour.allowance < (used < RELAYS_PER_SECOND_MAX ? 1 : RESERVE + 1)) continue
    neighbours.set(session, { ...neighbour, allowance: neighbour.allowance - 1, used: withEntry(neighbour.used, source, Math.min(USED_MAX, used + 1)) })
    effects.push({ type: 'send', session, message })
  }
  return [{ ...state, neighbours }, effects]
}

/** What each has used is forgotten as fast as all could use it evenly. */
const refill = (neighbour: Neighbour, sources: number, nowMs: number): Neighbour => {
  const more = (Math.max(0, nowMs - neighbour.atMs) / 1000) * RELAYS_PER_SECOND_MAX
  const used = new Map([...neighbour.used].map(([nodeId, count]) => [nodeId, count - more / sources] as const).filter(([, count]) => count > 0))
  return { ...neighbour, allowance: Math.min(RELAYS_PER_SECOND_MAX, neighbour.allowance + more), used, atMs: nowMs }
}

const nameOf = ({ from, nonce }: Envelope): string => `${from}/${bytesToHex(nonce)}`

/** A copy that came over a shorter way goes on once more: the first one may not have got as far. */
const isSeen = (state: RelayState, { envelope, hops }: Relay, nowMs: number): boolean => {
  const seen = state.seen.get(nameOf(envelope))
  return seen !== undefined && nowMs - seen.atMs < RELAY_SEEN_MS && hops <= seen.hops
}

const remember = (state: RelayState, envelope: Envelope, hops: number, nowMs: number): RelayState => {
  const seen = new Map(state.seen)
  const name = nameOf(envelope)
  const before = seen.get(name)
  const isAgain = before !== undefined && nowMs - before.atMs < RELAY_SEEN_MS
  // Its time counts from the first copy, in whose place it stays.
  if (!isAgain) seen.delete(name)
  seen.set(name, { atMs: isAgain ? before.atMs : nowMs, hops })
  for (const [each, { atMs }] of seen) {
    if (seen.size <= SEEN_MAX && nowMs - atMs < RELAY_SEEN_MS) break
    seen.delete(each)
  }
  return { ...state, seen }
}
