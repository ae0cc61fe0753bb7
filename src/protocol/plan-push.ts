import { streamIdToNodeId, type NodeId, type Offset, type StreamId } from '../core/ids.ts'
import { PUSH_BYTES_MAX } from './limits.ts'
import { changePeers, isOwn, viewOf, withEntry, without, withoutItem, type PeerView, type PlanEffect, type PlanState, type PlanStep, type ReadResult, type Sent, type SessionId } from './plan-state.ts'

const sentOf = (peer: PeerView, stream: StreamId): Sent => peer.sent.get(stream) ?? { next: peer.heads.get(stream)?.next ?? 0, live: false, uncovered: [] }

const uncoveredBytes = (peer: PeerView): number => [...peer.sent.values()].reduce((sum, sent) => sum + sent.uncovered.reduce((bytes, part) => bytes + part.bytes, 0), 0)

/** An own stream has grown from `before`: who had all until then is pushed the rest. */
export const growSent = (peer: PeerView, stream: StreamId, before: Offset, now: Offset): PeerView['sent'] => {
  if (!peer.ready || now <= before) return peer.sent
  const sent = sentOf(peer, stream)
  return withEntry(peer.sent, stream, { ...sent, live: sent.live || (sent.next >= before && uncoveredBytes(peer) <= PUSH_BYTES_MAX) })
}

/** Another's stream has grown: what is passed on of it is decided anew each time. */
export const restSent = (peer: PeerView, stream: StreamId): PeerView['sent'] => {
  const sent = peer.sent.get(stream)
  return sent?.live === true ? withEntry(peer.sent, stream, { ...sent, live: false }) : peer.sent
}

/**
 * A push of another's stream has been stored: it goes on to those who do not have it from the author, and had all before it or are being passed that still.
 * @param was as it was before. @see PROTOCOL.md [R35]
 */
export const passOn = (state: PlanState, stream: StreamId, was: PlanState, sender: SessionId): PlanState => {
  const [before, { next }] = [viewOf(was, stream).next, viewOf(state, stream)]
  const [author, from] = [streamIdToNodeId(stream), state.peers.get(sender)?.nodeId]
  if (next <= before || author === state.nodeId) return state
  return changePeers(state, (peer, session) => {
    const { nodeId, ready } = peer
    if (!ready || nodeId === author || nodeId === from || areLinked(state, author, nodeId)) return peer
    const sent = sentOf(peer, stream)
    const has = Math.max(sent.next, peer.shown.get(stream) ?? 0)
    const hasBefore = has >= before || was.peers.get(session)?.sent.get(stream)?.live === true
    const lives = hasBefore && has < next && uncoveredBytes(peer) <= PUSH_BYTES_MAX
    return lives ? { ...peer, sent: withEntry(peer.sent, stream, { ...sent, next: has, live: true }) } : peer
  })
}

const areLinked = ({ links }: PlanState, a: NodeId, b: NodeId): boolean => links.get(a)?.has(b) === true || links.get(b)?.has(a) === true

/** What the peer said covers a part of what was sent. */
export const coverSent = (state: PlanState, peer: PeerView): PeerView => {
  const own = [...state.views.keys()].filter((stream) => isOwn(state, stream))
  const passed = [...peer.sent.keys()].filter((stream) => !isOwn(state, stream))
  return [...own, ...passed].reduce<PeerView>((changed, stream) => {
    const said = changed.heads.get(stream)?.next ?? 0
    const sent = sentOf(changed, stream)
    const next = Math.max(sent.next, said)
    const covered: Sent = { next, live: stillLive(state, stream, sent, next), uncovered: sent.uncovered.filter((part) => part.next > said) }
    const isDone = !covered.live && covered.uncovered.length === 0 && !isOwn(state, stream)
    return { ...changed, sent: isDone ? without(changed.sent, stream) : withEntry(changed.sent, stream, covered) }
  }, peer)
}

/** Who has all of an own stream is pushed what comes; of another's only what was decided. */
const stillLive = (state: PlanState, stream: StreamId, sent: Sent, next: Offset): boolean => {
  const hasAll = next >= viewOf(state, stream).next
  return isOwn(state, stream) ? sent.live || hasAll : sent.live && !hasAll
}

/** Books a piece that went out, pushed or asked for: of an own stream, or one that is passed on. */
export const bookSent = (state: PlanState, peer: PeerView, stream: StreamId, next: Offset, bytes: number): PeerView => {
  if (!isOwn(state, stream) && !peer.sent.has(stream)) return peer
  const sent = sentOf(peer, stream)
  const after = Math.max(sent.next, next)
  const booked: Sent = { next: after, live: stillLive(state, stream, sent, after), uncovered: [...sent.uncovered, { next, bytes }] }
  const changed = { ...peer, sent: withEntry(peer.sent, stream, booked) }
  return uncoveredBytes(changed) <= PUSH_BYTES_MAX ? changed : { ...changed, sent: withEntry(changed.sent, stream, { ...booked, live: false }) }
}

const readName = (stream: StreamId, next: Offset): string => `${stream}@${next}`

/** Reads what is new in own streams, and what is passed on of others', once for all peers that were sent the same. @see PROTOCOL.md [R33] */
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

