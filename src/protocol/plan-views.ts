import { equalBytes } from '../core/bytes.ts'
import type { Offset, StreamId } from '../core/ids.ts'
import { changePeers, isOwn, viewOf, withEntry, without, withoutItem, type PeerView, type PlanEffect, type PlanState, type PlanStep, type StreamView } from './plan-state.ts'
import { growSent, restSent } from './plan-push.ts'

/** Whether two views say the same head. */
export const sameHead = (a: Pick<StreamView, 'next' | 'headerId'>, b: Pick<StreamView, 'next' | 'headerId'>): boolean =>
  a.next === b.next && equalBytes(a.headerId, b.headerId)

/** Takes in what lies on disk now. Sessions that were told more, or other, end first. @see PROTOCOL.md [R24] */
export const setView = (state: PlanState, stream: StreamId, view: StreamView): PlanStep => {
  const old = viewOf(state, stream)
  if (sameHead(old, view) && old.first === view.first && old.ended === view.ended) return [state, []]
  const lowering = lower(state, stream, view)
  const seen: PlanState = {
    ...state, views: withEntry(state.views, stream, view), durable: lowered(state.durable, stream, view), flushing: lowered(state.flushing, stream, view),
  }
  const changed = changePeers(seen, (peer) => ({
    ...peer,
    spent: without(peer.spent, stream), whole: withoutItem(peer.whole, stream),
    sent: isOwn(state, stream) ? growSent(peer, stream, old.next, view.next) : restSent(peer, stream),
  }))
  return [{ ...changed, lacking: new Set(changed.lacking).add(stream) }, lowering]
}

/** What is durable of a stream is not more than what there is of it. */
const lowered = <T extends PlanState['durable']>(views: T, stream: StreamId, view: StreamView): T | ReadonlyMap<StreamId, StreamView> => {
  const known = views?.get(stream)
  return views !== undefined && known !== undefined && goesBack(known, view) ? withEntry(views, stream, view) : views
}

const goesBack = (known: StreamView, view: StreamView): boolean =>
  known.next > view.next || (known.next === view.next && !equalBytes(known.headerId, view.headerId))

/** Ends the sessions that were told more than `view`, or another head at its offset. */
const lower = (state: PlanState, stream: StreamId, view: StreamView): readonly PlanEffect[] =>
  [...state.peers].filter(([, peer]) => isTold(peer, stream, view)).map(([session]) => ({ type: 'end', session, reason: 'lowered', text: stream }))

const isTold = (peer: PeerView, stream: StreamId, view: StreamView): boolean => {
  const told = peer.told.get(stream)
  return told !== undefined && goesBack(told, view)
}

/** Ends the sessions that were told of offsets beyond `end`, before the stream is cut back to there. */
export const lowerTo = (state: PlanState, stream: StreamId, end: Offset): readonly PlanEffect[] =>
  [...state.peers]
    .filter(([, peer]) => (peer.told.get(stream)?.next ?? 0) > end)
    .map(([session]) => ({ type: 'end', session, reason: 'lowered', text: stream }))
