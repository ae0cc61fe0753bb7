import type { NodeId } from '../core/ids.ts'
import { MEMBERS_HEARD_MS, MEMBERS_MAX, MEMBERS_PER_MESSAGE, MEMBERS_PER_SECOND_MAX, MEMBERS_SAID_MS } from './limits.ts'
import type { Member, Members } from './message.ts'
import { withEntry, without, type SessionId } from './plan-state.ts'

/** A node as it said of itself, and when it was heard by whoever heard it last. */
export interface Known {
  readonly member: Member
  readonly heardMs: number
}

interface Listener {
  readonly nodeId: NodeId
  /** The counter of each entry that it has been told, or has told. */
  readonly told: ReadonlyMap<NodeId, number>
  readonly lastMs: number
  /** It is told nothing: when it wakes, what is new by then. */
  readonly silent: boolean
  /** Entries that it may still say, as of `atMs`. */
  readonly allowance: number
  readonly atMs: number
}

/** What one node knows of all others, and has told whom. */
export interface MembersState {
  readonly nodeId: NodeId
  /** By node; the own entry is among them once it is signed. */
  readonly known: ReadonlyMap<NodeId, Known>
  readonly listeners: ReadonlyMap<SessionId, Listener>
}

export type MembersInput =
  | { readonly type: 'up'; readonly session: SessionId; readonly nodeId: NodeId; readonly nowMs: number }
  | { readonly type: 'down'; readonly session: SessionId }
  | { readonly type: 'silent'; readonly session: SessionId; readonly silent: boolean }
  | { readonly type: 'came'; readonly session: SessionId; readonly members: Members; readonly nowMs: number }
  /** Result of `check`. */
  | { readonly type: 'checked'; readonly session: SessionId; readonly entries: readonly Known[]; readonly holds: boolean; readonly nowMs: number }
  /** The own entry was signed anew. */
  | { readonly type: 'signed'; readonly member: Member; readonly nowMs: number }
  | { readonly type: 'tick'; readonly nowMs: number }

export type MembersEffect =
  | { readonly type: 'send'; readonly session: SessionId; readonly message: Members }
  /** Check the signature of each. */
  | { readonly type: 'check'; readonly session: SessionId; readonly entries: readonly Known[] }
  | { readonly type: 'end'; readonly session: SessionId; readonly reason: 'violation'; readonly text: string }
  /** Something is known now that was not. */
  | { readonly type: 'changed' }
  /** An entry of the own key with a counter that is not below the own one: the own is to be signed above it. */
  | { readonly type: 'behind'; readonly counter: number }

export type MembersStep = readonly [MembersState, readonly MembersEffect[]]

export const membersOf = (nodeId: NodeId): MembersState => ({ nodeId, known: new Map(), listeners: new Map() })

/** One step of knowing the others. Pure. @see PROTOCOL.md [R55] [R56] */
export const stepMembers = (state: MembersState, input: MembersInput): MembersStep => {
  switch (input.type) {
    case 'up': return [{ ...state, listeners: withEntry(state.listeners, input.session, listenerOf(input.nodeId, input.nowMs)) }, []]
    case 'down': return [{ ...state, listeners: without(state.listeners, input.session) }, []]
    case 'silent': return [changeListener(state, input.session, { silent: input.silent }), []]
    case 'came': return onCame(state, input)
    case 'checked': return onChecked(state, input)
    case 'signed': return tell(take(state, [{ member: input.member, heardMs: input.nowMs }]), input.nowMs)
    case 'tick': return tell(state, input.nowMs)
  }
}

const listenerOf = (nodeId: NodeId, nowMs: number): Listener => ({ nodeId, told: new Map(), lastMs: -Infinity, silent: false, allowance: MEMBERS_MAX, atMs: nowMs })

const changeListener = (state: MembersState, session: SessionId, change: Partial<Listener>): MembersState => {
  const listener = state.listeners.get(session)
  return listener === undefined ? state : { ...state, listeners: withEntry(state.listeners, session, { ...listener, ...change }) }
}

/** Known ones cost nothing; the rest is checked. */
const onCame = (state: MembersState, { session, members: { members }, nowMs }: Extract<MembersInput, { type: 'came' }>): MembersStep => {
  const before = state.listeners.get(session)
  if (before === undefined) return [state, []]
  const seconds = Math.max(0, nowMs - before.atMs) / 1000
  const allowance = Math.min(MEMBERS_MAX, before.allowance + seconds * MEMBERS_PER_SECOND_MAX) - members.length
  if (allowance < 0) return [state, [{ type: 'end', session, reason: 'violation', text: 'too many members' }]]
  const listener: Listener = { ...before, allowance, atMs: nowMs, told: toldWith(state, before.told, members.map(({ member }) => member)) }
  const entries = members.map(({ member, heardSecondsAgo }) => ({ member, heardMs: nowMs - heardSecondsAgo * 1000 })).filter(({ member }) => isNewer(state, member))
  const next = { ...state, listeners: withEntry(state.listeners, session, listener) }
  return [next, entries.length === 0 ? [] : [{ type: 'check', session, entries }]]
}

const isNewer = (state: MembersState, { nodeId, counter }: Member): boolean => {
  const known = state.known.get(nodeId)?.member.counter ?? -1
  return nodeId === state.nodeId ? counter >= known : counter > known
}

/** What is not known any more need not be remembered as told: who makes up nodes would fill the memory. */
const toldWith = ({ known }: MembersState, told: ReadonlyMap<NodeId, number>, members: readonly Member[]): ReadonlyMap<NodeId, number> => {
  const kept = told.size + members.length > 2 * MEMBERS_MAX ? [...told].filter(([nodeId]) => known.has(nodeId)) : told
  const next = new Map(kept)
  for (const { nodeId, counter } of members) next.set(nodeId, Math.max(counter, next.get(nodeId) ?? -1))
  return next
}

/** Everyone checks before passing on: one that does not hold is its sender's fault. */
const onChecked = (state: MembersState, { session, entries, holds }: Extract<MembersInput, { type: 'checked' }>): MembersStep => {
  if (!holds) return [state, [{ type: 'end', session, reason: 'violation', text: 'a member not signed by itself' }]]
  const newer = entries.filter(({ member }) => isNewer(state, member))
  const own = newer.find(({ member }) => member.nodeId === state.nodeId && !isOwnEntry(state, member))
  const others = newer.filter(({ member }) => member.nodeId !== state.nodeId)
  const effects: MembersEffect[] = own === undefined ? [] : [{ type: 'behind', counter: own.member.counter }]
  return others.length === 0 ? [state, effects] : [take(state, others), [...effects, { type: 'changed' }]]
}

/** The own entry as it came back, and not another one of the own key. */
const isOwnEntry = (state: MembersState, member: Member): boolean => {
  const own = state.known.get(state.nodeId)?.member
  return own !== undefined && own.counter === member.counter && own.name === member.name && own.links.join() === member.links.join()
}

/** Those heard longest ago go first; never the own one, nor that of a node connected here: whoever makes up nodes does not have it forgotten. */
const take = (state: MembersState, entries: readonly Known[]): MembersState => {
  const known = new Map(state.known)
  for (const entry of entries) known.set(entry.member.nodeId, entry)
  if (known.size > MEMBERS_MAX) {
    const kept = new Set([state.nodeId, ...[...state.listeners.values()].map(({ nodeId }) => nodeId)])
    const oldest = [...known].filter(([nodeId]) => !kept.has(nodeId)).sort(([, a], [, b]) => a.heardMs - b.heardMs)
    for (const [nodeId] of oldest.slice(0, known.size - MEMBERS_MAX)) known.delete(nodeId)
  }
  return { ...state, known }
}

/** Tells each what it has not been told, at most once a second, newest word first. */
const tell = (state: MembersState, nowMs: number): MembersStep => {
  const listeners = new Map(state.listeners)
  const effects: MembersEffect[] = []
  for (const [session, listener] of state.listeners) {
    if (listener.silent || nowMs - listener.lastMs < MEMBERS_SAID_MS) continue
    const due = [...state.known.values()].filter(({ member }) => member.nodeId !== listener.nodeId && member.counter > (listener.told.get(member.nodeId) ?? -1))
    const part = due.toSorted((a, b) => b.heardMs - a.heardMs).slice(0, MEMBERS_PER_MESSAGE)
    if (part.length === 0) continue
    listeners.set(session, { ...listener, told: toldWith(state, listener.told, part.map(({ member }) => member)), lastMs: nowMs })
    const members = part.map(({ member, heardMs }) => ({ member, heardSecondsAgo: Math.min(0xffff_ffff, Math.max(0, Math.round((nowMs - heardMs) / 1000))) }))
    effects.push({ type: 'send', session, message: { type: 'members', members } })
  }
  return [effects.length === 0 ? state : { ...state, listeners }, effects]
}

// what is known

/** Other nodes heard of recently. */
export const recentMembers = (state: MembersState, nowMs: number): readonly Member[] =>
  [...state.known.values()].filter(({ member, heardMs }) => member.nodeId !== state.nodeId && nowMs - heardMs < MEMBERS_HEARD_MS).map(({ member }) => member)

/** With whom each node says that it is connected. */
export const linksOfMembers = (members: readonly Member[]): ReadonlyMap<NodeId, ReadonlySet<NodeId>> =>
  new Map(members.map(({ nodeId, links }) => [nodeId, new Set(links)]))

/** Connections from one node to each other that it can reach, itself excluded, as those between say: 1 for `neighbours`. */
export const hopsTo = (neighbours: readonly NodeId[], links: ReadonlyMap<NodeId, ReadonlySet<NodeId>>): ReadonlyMap<NodeId, number> => {
  const hops = new Map(neighbours.map((nodeId) => [nodeId, 1]))
  // A map is walked in the order in which it grows: breadth first.
  for (const [nodeId, count] of hops) for (const next of links.get(nodeId) ?? []) if (!hops.has(next)) hops.set(next, count + 1)
  return hops
}
