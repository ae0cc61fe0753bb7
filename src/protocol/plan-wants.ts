import { bytesToHex, equalBytes } from '../core/bytes.ts'
import { streamIdToNodeId, type Offset, type StreamId } from '../core/ids.ts'
import { BUSY_MS, STREAMS_MAX, WANTS_OPEN_MAX, WANT_BUDGET_BYTES, WANT_IDLE_MS, WANT_MS_MAX } from './limits.ts'
import type { End, Place, SaidFork } from './message.ts'
import {
  chain, changePeer, isOwn, reportOnce, viewOf, withEntry, withItem, without, withoutItem, type OpenWant, type PeerView, type PlanEffect, type PlanState, type PlanStep, type SessionId, type StreamView,
} from './plan-state.ts'
import { sameHead } from './plan-views.ts'

// asking

/** Asks for what lacks, the smallest lack first, each stream at one peer. @see PROTOCOL.md [R28] [R29] */
export const settleWants = (state: PlanState, nowMs: number): PlanStep => {
  if (nowMs < state.fullUntilMs || state.peers.size === 0) return [state, []]
  let next = state
  const effects: PlanEffect[] = []
  const lacking = [...state.lacking].filter((stream) => !isAsked(state, stream, nowMs)).map((stream) => ({ stream, lack: lackOf(state, stream) }))
  for (const { stream } of lacking.sort((a, b) => a.lack - b.lack)) {
    const step = askFor(next, stream, nowMs)
    next = step[0]
    effects.push(...step[1])
  }
  return [next, effects]
}

/** Whether a stream is under way. A peer that does not answer holds it up for no longer than `WANT_IDLE_MS`. */
const isAsked = (state: PlanState, stream: StreamId, nowMs: number): boolean =>
  state.intake.has(stream) ||
  [...state.peers.values()].some((peer) => [...peer.open.values()].some((want) => want.stream === stream && nowMs - want.progressMs < WANT_IDLE_MS))

const isAskedAt = (peer: PeerView, stream: StreamId): boolean => [...peer.open.values()].some((want) => want.stream === stream)

/** The highest offset that a peer said or showed. */
const topOf = (peer: PeerView, stream: StreamId): Offset => Math.max(peer.heads.get(stream)?.next ?? 0, peer.shown.get(stream) ?? 0)

const lackOf = (state: PlanState, stream: StreamId): number =>
  Math.max(0, ...[...state.peers.values()].map((peer) => topOf(peer, stream) - viewOf(state, stream).next))

/** Why a peer should be asked for a stream: it says more than is held, or other at the same offset; or one goes back at it. */
const reasonOf = (state: PlanState, peer: PeerView, stream: StreamId): 'back' | 'more' | 'other' | undefined => {
  if (peer.back.has(stream)) return 'back'
  const view = viewOf(state, stream)
  if (view.ended) return undefined
  if (topOf(peer, stream) > view.next) return 'more'
  const said = peer.heads.get(stream)
  return said !== undefined && said.next === view.next && !equalBytes(said.id, view.headerId.subarray(0, 16)) ? 'other' : undefined
}

const askFor = (state: PlanState, stream: StreamId, nowMs: number): PlanStep => {
  const view = viewOf(state, stream)
  const reasons = [...state.peers].flatMap(([session, peer]) => {
    const reason = reasonOf(state, peer, stream)
    return reason === undefined ? [] : [{ session, peer, reason }]
  })
  if (reasons.length === 0) return [{ ...state, lacking: withoutItem(state.lacking, stream) }, []]
  if (!hasRoom(state, stream)) return reportOnce(state, 'streams', { code: 'STREAMS-FULL', about: stream, text: `more than ${STREAMS_MAX} streams: new ones are taken only from their own node` })
  const free = reasons.filter(({ peer }) => peer.ready && !peer.silent && peer.notBeforeMs <= nowMs && peer.open.size < WANTS_OPEN_MAX && !isAskedAt(peer, stream))
  for (const { session, peer, reason } of free.sort((a, b) => byPromise(a.peer, b.peer, stream))) {
    const place = placeFor(peer, stream, view, reason)
    if (place === 'unknown') return goBack(state, session, stream, view.first)
    if (place !== undefined && !peer.spent.get(stream)?.has(placeName(place))) return sendWant(state, { session, stream, place, view, nowMs })
  }
  return [state, []]
}

/** Who brought something when it was asked comes first, then who says most. */
const byPromise = (a: PeerView, b: PeerView, stream: StreamId): number =>
  (a.fruitless.get(stream) ?? 0) - (b.fruitless.get(stream) ?? 0) || topOf(b, stream) - topOf(a, stream)

/** Beyond the bound a new stream is taken while its owner itself is connected. */
const hasRoom = (state: PlanState, stream: StreamId): boolean =>
  state.views.has(stream) || state.views.size < STREAMS_MAX || [...state.peers.values()].some((peer) => peer.nodeId === streamIdToNodeId(stream))

/** `undefined`: being looked up. `unknown`: in a segment before, to be looked up. */
const placeFor = (peer: PeerView, stream: StreamId, view: StreamView, reason: 'back' | 'more' | 'other'): Place | 'unknown' | undefined => {
  if (reason === 'back') return peer.back.get(stream)
  if (reason === 'other' && view.next === view.first) return peer.spent.get(stream)?.has(LOOKED_UP) ? undefined : 'unknown'
  const whole = reason === 'other' || peer.whole.has(stream)
  return { first: view.first, previous: view.previous, next: whole ? view.first : view.next }
}

/** In `spent`: that the place before was looked up, and asked for or not there. */
const LOOKED_UP = 'before'

const placeName = (place: Place): string => `${place.first}/${place.next}/${bytesToHex(place.previous)}`

const sendWant = (state: PlanState, { session, stream, place, view, nowMs }: { readonly session: SessionId; readonly stream: StreamId; readonly place: Place; readonly view: StreamView; readonly nowMs: number }): PlanStep => {
  const id = state.peers.get(session)?.nextWant ?? 1
  const want: OpenWant = { stream, target: { type: 'piece', place }, view, bytes: 0, progressMs: nowMs, ended: undefined }
  return [
    changePeer(state, session, (peer) => ({ open: withEntry(peer.open, id, want), nextWant: id + 1 })),
    [{ type: 'send', session, message: { type: 'want', id, stream, place, budgetBytes: WANT_BUDGET_BYTES } }],
  ]
}

/** Asks for the proof of a fork that a peer knows of. @see PROTOCOL.md [R45] */
export const wantFork = (state: PlanState, session: SessionId, fork: SaidFork, nowMs: number): PlanStep => {
  const id = state.peers.get(session)?.nextWant ?? 1
  const want: OpenWant = { stream: fork.stream, target: { type: 'fork', fork }, view: viewOf(state, fork.stream), bytes: 0, progressMs: nowMs, ended: undefined }
  return [
    changePeer(state, session, (peer) => ({ open: withEntry(peer.open, id, want), nextWant: id + 1 })),
    [{ type: 'send', session, message: { type: 'wantFork', id, stream: fork.stream, first: fork.first, end: fork.end } }],
  ]
}

// going back

/** Goes back at a peer to the segment before the one that begins at `first`. @see PROTOCOL.md [R43] */
export const goBack = (state: PlanState, session: SessionId, stream: StreamId, first: Offset): PlanStep => {
  const peer = state.peers.get(session)
  if (peer === undefined || first === 0 || (peer.back.has(stream) && peer.back.get(stream) === undefined)) return [state, []]
  return [
    changePeer(state, session, () => ({ back: withEntry(peer.back, stream, undefined), spent: markSpent(peer, stream, LOOKED_UP) })),
    [{ type: 'findPlace', session, stream, first, head: undefined }],
  ]
}

export const onPlaced = (state: PlanState, session: SessionId, stream: StreamId, place: Place | undefined): PlanStep => [
  changePeer({ ...state, lacking: withItem(state.lacking, stream) }, session, (peer) => ({ back: place === undefined ? without(peer.back, stream) : withEntry(peer.back, stream, place) })),
  [],
]

const markSpent = (peer: PeerView, stream: StreamId, name: string): PeerView['spent'] =>
  withEntry(peer.spent, stream, withItem(peer.spent.get(stream) ?? new Set<string>(), name))

// the end of a want

/** @see PROTOCOL.md [R27] */
export const onEnded = (state: PlanState, session: SessionId, end: End): PlanStep => {
  const peer = state.peers.get(session)
  const want = peer?.open.get(end.want)
  if (peer === undefined) return [state, []]
  if (want === undefined) return end.want < peer.nextWant ? [state, []] : [state, [{ type: 'end', session, reason: 'violation', text: 'the end of no want' }]]
  return [changePeer(state, session, () => ({ open: withEntry(peer.open, end.want, { ...want, ended: end.reason }) })), []]
}

/** Closes wants that have ended and of which every piece is taken, and gives up those without progress. */
export const settleEnds = (state: PlanState, nowMs: number): PlanStep => {
  let next = state
  const effects: PlanEffect[] = []
  for (const [session, peer] of state.peers) {
    for (const [id, want] of peer.open) {
      const isOver = want.ended !== undefined && !next.intake.has(want.stream)
      if (!isOver && nowMs - want.progressMs < WANT_MS_MAX) continue
      const step = closeWant(next, session, id, want, nowMs)
      next = step[0]
      effects.push(...step[1])
    }
  }
  return [next, effects]
}

const closeWant = (state: PlanState, session: SessionId, id: number, want: OpenWant, nowMs: number): PlanStep => {
  const { stream, ended, target } = want
  const closed = changePeer({ ...state, lacking: withItem(state.lacking, stream) }, session, (peer) => ({ open: without(peer.open, id) }))
  if (target.type === 'fork') return [closed, []]
  const { place } = target
  if (ended === 'start') return chain(reportOnce(closed, `start/${stream}`, { code: 'STREAM-CUT', about: stream, text: 'its owner has cut off its beginning; what is left of it is not fetched by this version of the program' }), (next) => settleWant(next, session, want, place, nowMs))
  return settleWant(closed, session, want, place, nowMs)
}

/** What follows from the end of a want for pieces. */
const settleWant = (state: PlanState, session: SessionId, { stream, view, ended, bytes }: OpenWant, place: Place, nowMs: number): PlanStep => {
  if (ended === 'busy') return [changePeer(state, session, () => ({ notBeforeMs: nowMs + BUSY_MS })), []]
  // What did not fit on a full disk is asked for again.
  const changed = nowMs < state.fullUntilMs || !sameHead(view, viewOf(state, stream))
  const spent = changePeer(state, session, (peer) => ({
    back: peer.back.get(stream) === place ? without(peer.back, stream) : peer.back,
    spent: changed ? peer.spent : markSpent(peer, stream, placeName(place)),
    fruitless: withEntry(peer.fruitless, stream, changed && bytes > 0 ? 0 : (peer.fruitless.get(stream) ?? 0) + 1),
  }))
  if (ended !== 'conflict' || changed) return [spent, []]
  if (place.next > place.first) return [changePeer(spent, session, (peer) => ({ whole: withItem(peer.whole, stream) })), []]
  return goBack(spent, session, stream, place.first)
}

/** A peer that is silent is not asked for now: its wants are given up. @see PROTOCOL.md [R30] */
export const onSilent = (state: PlanState, session: SessionId, silent: boolean): PlanStep => [
  changePeer({ ...state, lacking: withWanted(state, session) }, session, () => (silent ? { silent, open: new Map() } : { silent })),
  [],
]

/** The streams that a peer was asked for, to be asked for elsewhere. */
export const withWanted = (state: PlanState, session: SessionId): ReadonlySet<StreamId> =>
  new Set([...state.lacking, ...[...(state.peers.get(session)?.open.values() ?? [])].map((want) => want.stream)])

/** A head of the own stream that a peer said below the own one: it is looked up whether it is one of this disk. */
export const judgeOwnHead = (state: PlanState, session: SessionId, stream: StreamId): PlanStep => {
  const head = state.peers.get(session)?.heads.get(stream)
  const view = viewOf(state, stream)
  if (head === undefined || !isOwn(state, stream) || head.next >= view.next) return [state, []]
  return [state, [{ type: 'findPlace', session, stream, first: view.first, head }]]
}
