import { bytesToHex, equalBytes } from '../core/bytes.ts'
import { streamIdToNodeId, type Offset, type StreamId } from '../core/ids.ts'
import { BUSY_MS, LOOK_COUNT_MAX, LOOK_MS, STREAMS_MAX, WANTS_OPEN_MAX, WANT_BUDGET_BYTES, WANT_IDLE_MS, WANT_MS_MAX } from './limits.ts'
import type { End, Place, SaidFork } from './message.ts'
import {
  changePeer, isOwn, noView, reportOnce, viewOf, withEntry, withItem, without, type OpenWant, type PeerView, type PlanEffect, type PlanState, type PlanStep, type SessionId, type StreamView,
} from './plan-state.ts'
import { settleStart } from './plan-starts.ts'
import { sameHead } from './plan-views.ts'

// asking

/** Asks for what lacks, the smallest lack first, each stream at one peer. @see PROTOCOL.md [R28] [R29] */
export const settleWants = (state: PlanState, nowMs: number): PlanStep => {
  const isLong = state.lacking.size > LOOK_COUNT_MAX
  if (nowMs < state.fullUntilMs || state.peers.size === 0 || (isLong && nowMs - state.lastLookMs < LOOK_MS)) return [state, []]
  let next = isLong ? { ...state, lastLookMs: nowMs } : state
  const effects: PlanEffect[] = []
  const settled = new Set<StreamId>()
  const asked = askedStreams(state, nowMs)
  const lacking = [...state.lacking].filter((stream) => !asked.has(stream) && !state.intake.has(stream)).map((stream) => ({ stream, lack: lackOf(state, stream) }))
  for (const { stream } of lacking.sort((a, b) => a.lack - b.lack)) {
    const step = askFor(next, stream, nowMs)
    next = step.state
    effects.push(...step.effects)
    if (step.isSettled) settled.add(stream)
  }
  return [settled.size === 0 ? next : { ...next, lacking: new Set([...next.lacking].filter((stream) => !settled.has(stream))) }, effects]
}

/** Streams that a peer was asked for. One that does not answer holds them up for no longer than `WANT_IDLE_MS`. */
const askedStreams = (state: PlanState, nowMs: number): ReadonlySet<StreamId> =>
  new Set([...state.peers.values()].flatMap((peer) => [...peer.open.values()].filter((want) => nowMs - want.progressMs < WANT_IDLE_MS).map((want) => want.stream)))

const isAskedAt = (peer: PeerView, stream: StreamId): boolean => [...peer.open.values()].some((want) => want.stream === stream)

/** The highest offset that a peer said or showed. */
const topOf = (peer: PeerView, stream: StreamId): Offset => Math.max(peer.heads.get(stream)?.next ?? 0, peer.shown.get(stream) ?? 0)

const lackOf = (state: PlanState, stream: StreamId): number => {
  const { next } = viewOf(state, stream)
  let top = next
  for (const peer of state.peers.values()) top = Math.max(top, topOf(peer, stream))
  return top - next
}

/** Why a peer should be asked for a stream: it says more than is held, or other at the same offset; or one goes back at it. */
const reasonOf = (state: PlanState, peer: PeerView, stream: StreamId): 'back' | 'more' | 'other' | undefined => {
  if (peer.back.has(stream)) return 'back'
  const view = viewOf(state, stream)
  if (view.ended || isUnknownBranch(state, stream)) return undefined
  if (topOf(peer, stream) > view.next) return 'more'
  const said = peer.heads.get(stream)
  return said !== undefined && said.next === view.next && !equalBytes(said.id, view.headerId.subarray(0, 16)) ? 'other' : undefined
}

/** A branch begins with the proof of its fork; only then more of it is asked for. */
const isUnknownBranch = (state: PlanState, stream: StreamId): boolean => stream.includes('~') && viewOf(state, stream) === noView

/** `isSettled`: there is nobody left to ask, before somebody says more or the own head changes. */
const askFor = (state: PlanState, stream: StreamId, nowMs: number): { readonly state: PlanState; readonly effects: readonly PlanEffect[]; readonly isSettled: boolean } => {
  const view = viewOf(state, stream)
  const places: { readonly session: SessionId; readonly peer: PeerView; readonly place: Place | 'unknown' }[] = []
  for (const [session, peer] of state.peers) {
    const reason = reasonOf(state, peer, stream)
    const place = reason && placeFor(peer, stream, view, reason)
    if (place === 'unknown' || (place !== undefined && !peer.spent.get(stream)?.has(placeName(place)))) places.push({ session, peer, place })
  }
  if (places.length === 0) return asked(settleStart(state, stream), true)
  if (!hasRoom(state, stream)) return asked(streamsFull(state, stream), true)
  const free = places.filter(({ peer }) => peer.ready && mayAsk(peer, nowMs) && !isAskedAt(peer, stream))
  const [best] = free.sort((a, b) => byPromise(a.peer, b.peer, stream))
  if (best === undefined) return { state, effects: [], isSettled: false }
  const { session, place } = best
  return asked(place === 'unknown' ? goBack(state, session, stream, view.first) : sendWant(state, { session, stream, place, view, nowMs }), false)
}

const asked = ([state, effects]: PlanStep, isSettled: boolean) => ({ state, effects, isSettled })

/** Whether a peer may be asked for anything now. @see PROTOCOL.md [R28] [R30] */
export const mayAsk = (peer: PeerView, nowMs: number): boolean => !peer.silent && peer.notBeforeMs <= nowMs && peer.open.size < WANTS_OPEN_MAX

export const streamsFull = (state: PlanState, stream: StreamId): PlanStep =>
  reportOnce(state, 'streams', { code: 'STREAMS-FULL', about: stream, text: `more than ${STREAMS_MAX} streams: new ones are taken only from their own node` })

/** Who brought something when it was asked comes first, then who says most. */
const byPromise = (a: PeerView, b: PeerView, stream: StreamId): number =>
  (a.fruitless.get(stream) ?? 0) - (b.fruitless.get(stream) ?? 0) || topOf(b, stream) - topOf(a, stream)

/** Beyond the bound a new stream is taken while its owner itself is connected. */
export const hasRoom = (state: PlanState, stream: StreamId): boolean =>
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
  if (want === undefined) return end.want < peer.nextWant ? [state, [{ type: 'wasted', session }]] : [state, [{ type: 'end', session, reason: 'violation', text: 'the end of no want' }]]
  const { start } = end
  if (start !== undefined && start.stream !== want.stream) return [state, [{ type: 'end', session, reason: 'violation', text: 'the start of another stream' }]]
  return [changePeer(state, session, () => ({
    open: withEntry(peer.open, end.want, { ...want, ended: end.reason }), starts: start === undefined ? peer.starts : withEntry(peer.starts, want.stream, start),
  })), []]
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
  if (target.type === 'fork') return [ended === 'busy' ? changePeer(closed, session, (peer) => ({ forks: withEntry(peer.forks, stream, target.fork), notBeforeMs: nowMs + BUSY_MS })) : closed, []]
  return settleWant(closed, session, want, target.place, nowMs)
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
  changePeer({ ...state, lacking: withWanted(state, session) }, session, ({ forks, open }) => (silent ? { silent, open: new Map(), forks: new Map([...forks, ...forksOf(open)]) } : { silent })),
  [],
]

const forksOf = (open: PeerView['open']): readonly (readonly [StreamId, SaidFork])[] =>
  [...open.values()].flatMap(({ stream, target }) => (target.type === 'fork' ? [[stream, target.fork] as const] : []))

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
