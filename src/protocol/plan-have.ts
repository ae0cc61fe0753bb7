import type { StreamId } from '../core/ids.ts'
import { equalBytes } from '../core/bytes.ts'
import { HAVE_ENTRIES_MAX, HAVE_INTERVAL_MS, STREAMS_MAX } from './limits.ts'
import type { Have, SaidFork, SaidHead } from './message.ts'
import { hearForks, sameFork } from './plan-forks.ts'
import { coverSent } from './plan-push.ts'
import { chain, isOwn, withEntry, type PeerView, type PlanEffect, type PlanState, type PlanStep, type SessionId, type StreamView } from './plan-state.ts'
import { sameHead } from './plan-views.ts'
import { judgeOwnHead } from './plan-wants.ts'

// what a peer says

/** @see PROTOCOL.md [R20] [R24] */
export const onSaid = (state: PlanState, session: SessionId, have: Have): PlanStep => {
  const peer = state.peers.get(session)
  if (peer === undefined) return [state, []]
  const fault = faultOf(peer, have)
  if (fault !== undefined) return [state, [{ type: 'end', session, reason: 'violation', text: fault }]]
  const streams = have.heads.map(([stream]) => stream)
  const heard = hear(state, session, coverSent(state, heardBy(peer, have)), streams)
  const own = streams.filter((stream) => isOwn(state, stream))
  return chain(
    [hearForks(heard, session, have.forks), [{ type: 'holdsChanged', session }]],
    ...own.map((stream) => (next: PlanState) => judgeOwnHead(next, session, stream)),
  )
}

const faultOf = (peer: PeerView, { heads, forks }: Have): string | undefined => {
  if (peer.heads.size + heads.length > 2 * STREAMS_MAX || peer.knows.size + forks.length > 2 * STREAMS_MAX) return 'too many streams'
  const back = heads.find(([stream, head]) => {
    const said = peer.heads.get(stream)
    return said !== undefined && (head.next < said.next || (head.next === said.next && !equalBytes(head.id, said.id)))
  })
  return back === undefined ? undefined : `the head of ${back[0]} went back`
}

const heardBy = (peer: PeerView, { heads, more }: Have): PeerView => {
  const said = new Map(peer.heads)
  const spent = new Map(peer.spent)
  for (const [stream, head] of heads) {
    said.set(stream, head)
    spent.delete(stream)
  }
  return { ...peer, heads: said, spent, ready: peer.ready || !more }
}

const hear = (state: PlanState, session: SessionId, peer: PeerView, streams: readonly StreamId[]): PlanState => ({
  ...state, peers: withEntry(state.peers, session, peer), lacking: streams.length === 0 ? state.lacking : new Set([...state.lacking, ...streams]),
})

// what is said to peers

/** Makes durable what is to be said, then says it: at most once a second. @see PROTOCOL.md [R21] */
export const settleHaves = (state: PlanState, nowMs: number): PlanStep =>
  chain(flushWhenDue(state, nowMs), (next) => sayHaves(next, nowMs))

/** Pushes under way go first, for up to two seconds: who hears of an event before it comes would ask for it. */
const flushWhenDue = (state: PlanState, nowMs: number): PlanStep => {
  const isDue = state.peers.size > 0 && state.durable !== state.views && state.flushing === undefined && nowMs - state.lastFlushMs >= HAVE_INTERVAL_MS
  if (!isDue) return [state, []]
  const heldSinceMs = state.heldSinceMs ?? nowMs
  if (state.pushReads.size > 0 && nowMs - heldSinceMs < 2 * HAVE_INTERVAL_MS) return [{ ...state, heldSinceMs }, []]
  return [{ ...state, flushing: state.views, lastFlushMs: nowMs, heldSinceMs: undefined }, [{ type: 'flush' }]]
}

export const onFlushed = (state: PlanState, done: boolean): PlanStep =>
  [{ ...state, flushing: undefined, durable: done ? state.flushing : state.durable }, []]

const sayHaves = (state: PlanState, nowMs: number): PlanStep => {
  const { durable, forks } = state
  if (durable === undefined) return [state, []]
  const peers = new Map(state.peers)
  const effects: PlanEffect[] = []
  for (const [session, peer] of state.peers) {
    const isNew = peer.toldOf !== durable || peer.toldForks !== forks
    if (!isNew || peer.silent || nowMs - peer.lastHaveMs < HAVE_INTERVAL_MS) continue
    const parts = havesFor(peer, durable, forks)
    peers.set(session, { ...peer, told: durable, toldOf: durable, toldForks: forks, lastHaveMs: parts.length === 0 ? peer.lastHaveMs : nowMs })
    effects.push(...parts.map((have): PlanEffect => ({ type: 'send', session, message: have })))
  }
  return [{ ...state, peers }, effects]
}

/** What this peer has not been told, in parts. The first `have` of a session is sent even when there is nothing to say. */
const havesFor = (peer: PeerView, durable: ReadonlyMap<StreamId, StreamView>, known: ReadonlyMap<StreamId, SaidFork>): readonly Have[] => {
  const heads = [...durable].filter(([stream, view]) => view.next > view.start && !isToldAs(peer, stream, view)).map(([stream, view]) => [stream, saidHead(view)] as const)
  const forks = [...known.values()].filter((fork) => !isToldFork(peer, fork))
  const count = Math.max(1, Math.ceil(heads.length / HAVE_ENTRIES_MAX), Math.ceil(forks.length / HAVE_ENTRIES_MAX))
  if (peer.toldOf !== undefined && heads.length + forks.length === 0) return []
  const part = <T>(items: readonly T[], index: number): readonly T[] => items.slice(index * HAVE_ENTRIES_MAX, (index + 1) * HAVE_ENTRIES_MAX)
  return Array.from({ length: count }, (_, index) => ({ type: 'have', heads: part(heads, index), starts: [], forks: part(forks, index), more: index < count - 1 }))
}

const isToldFork = (peer: PeerView, fork: SaidFork): boolean => {
  const told = peer.toldForks.get(fork.stream)
  return told !== undefined && sameFork(told, fork)
}

const isToldAs = (peer: PeerView, stream: StreamId, view: StreamView): boolean => {
  const told = peer.told.get(stream)
  return told !== undefined && sameHead(told, view)
}

const saidHead = (view: StreamView): SaidHead => ({ next: view.next, id: view.headerId.slice(0, 16) })
