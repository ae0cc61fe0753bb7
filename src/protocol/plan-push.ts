import type { Offset, StreamId } from '../core/ids.ts'
import { PUSH_BYTES_MAX } from './limits.ts'
import { isOwn, viewOf, withEntry, withoutItem, type PeerView, type PlanEffect, type PlanState, type PlanStep, type ReadResult, type Sent } from './plan-state.ts'

const sentOf = (peer: PeerView, stream: StreamId): Sent => peer.sent.get(stream) ?? { next: peer.heads.get(stream)?.next ?? 0, live: false, uncovered: [] }

const uncoveredBytes = (peer: PeerView): number => [...peer.sent.values()].reduce((sum, sent) => sum + sent.uncovered.reduce((bytes, part) => bytes + part.bytes, 0), 0)

/** An own stream has grown from `before`: who had all until then is pushed the rest. */
export const growSent = (peer: PeerView, stream: StreamId, before: Offset, now: Offset): PeerView['sent'] => {
  if (!peer.ready || now <= before) return peer.sent
  const sent = sentOf(peer, stream)
  return withEntry(peer.sent, stream, { ...sent, live: sent.live || (sent.next >= before && uncoveredBytes(peer) <= PUSH_BYTES_MAX) })
}

/** What the peer said covers a part of what was sent. */
export const coverSent = (state: PlanState, peer: PeerView): PeerView => {
  const own = [...state.views.keys()].filter((stream) => isOwn(state, stream))
  return own.reduce<PeerView>((changed, stream) => {
    const said = changed.heads.get(stream)?.next ?? 0
    const sent = sentOf(changed, stream)
    const next = Math.max(sent.next, said)
    const covered: Sent = { next, live: sent.live || next >= viewOf(state, stream).next, uncovered: sent.uncovered.filter((part) => part.next > said) }
    return { ...changed, sent: withEntry(changed.sent, stream, covered) }
  }, peer)
}

/** Books a piece of an own stream that went out, pushed or asked for. */
export const bookSent = (state: PlanState, peer: PeerView, stream: StreamId, next: Offset, bytes: number): PeerView => {
  if (!isOwn(state, stream)) return peer
  const sent = sentOf(peer, stream)
  const booked: Sent = {
    next: Math.max(sent.next, next), live: sent.live || next >= viewOf(state, stream).next, uncovered: [...sent.uncovered, { next, bytes }],
  }
  const after = { ...peer, sent: withEntry(peer.sent, stream, booked) }
  return uncoveredBytes(after) <= PUSH_BYTES_MAX ? after : { ...after, sent: withEntry(after.sent, stream, { ...booked, live: false }) }
}

const readName = (stream: StreamId, next: Offset): string => `${stream}@${next}`

/** Reads what is new in own streams, once for all peers that were sent the same. @see PROTOCOL.md [R33] */
export const settlePushes = (state: PlanState): PlanStep => {
  const effects: PlanEffect[] = []
  const reads = new Set(state.pushReads)
  for (const peer of state.peers.values()) {
    for (const [stream, sent] of peer.sent) {
      const name = readName(stream, sent.next)
      if (!peer.ready || !sent.live || sent.next >= viewOf(state, stream).next || reads.has(name)) continue
      reads.add(name)
      effects.push({ type: 'readPush', stream, next: sent.next })
    }
  }
  return effects.length === 0 ? [state, []] : [{ ...state, pushReads: reads }, effects]
}

/** Pushes a piece to all who lack exactly it. */
export const onPushRead = (state: PlanState, stream: StreamId, next: Offset, result: ReadResult): PlanStep => {
  const after = { ...state, pushReads: withoutItem(state.pushReads, readName(stream, next)) }
  const due = [...after.peers].filter(([, peer]) => peer.sent.get(stream)?.live === true && peer.sent.get(stream)?.next === next)
  if (result.type !== 'segment') return stop(after, stream, due.map(([session]) => session), result)
  const { header, seal, from, body } = result
  const peers = new Map(after.peers)
  for (const [session, peer] of due) peers.set(session, bookSent(after, peer, stream, result.after.next, body.length))
  const message = { type: 'segment', want: 0, stream, header, seal, from, body } as const
  return [{ ...after, peers }, due.map(([session]) => ({ type: 'send', session, message }))]
}

/** What could not be read is not pushed: the peers ask for it when they hear of it. */
const stop = (state: PlanState, stream: StreamId, sessions: readonly number[], result: Exclude<ReadResult, { type: 'segment' }>): PlanStep => {
  const peers = new Map(state.peers)
  for (const session of sessions) {
    const peer = peers.get(session)
    if (peer !== undefined) peers.set(session, { ...peer, sent: withEntry(peer.sent, stream, { ...sentOf(peer, stream), live: false }) })
  }
  const text = result.type === 'failed' ? result.text : result.reason
  return [{ ...state, peers }, result.type === 'failed' ? [{ type: 'notice', code: 'READ-FAILED', about: stream, text }] : []]
}

