import type { StreamId } from '../core/ids.ts'
import type { SaidStart } from './message.ts'
import { changePeer, changePeers, reportOnce, viewOf, without, type PlanState, type PlanStep, type SessionId, type StartOutcome } from './plan-state.ts'
import { setView } from './plan-views.ts'

/**
 * Nobody is left who could be asked for what comes next of a stream. Where somebody has shown its start, it begins there if nothing of it is held;
 * else it stands still, for what is held is not given up on its owner's word.
 * @see PROTOCOL.md [R40]
 */
export const settleStart = (state: PlanState, stream: StreamId): PlanStep => {
  const { next } = viewOf(state, stream)
  const [lowest] = startsOf(state, stream).filter(([, { offset }]) => offset > next).sort(([, a], [, b]) => a.offset - b.offset)
  if (lowest === undefined) return [state, []]
  const [session, start] = lowest
  const settled = changePeer(state, session, ({ starts }) => ({ starts: without(starts, stream) }))
  if (next === 0) return [settled, [{ type: 'takeStart', session, start }]]
  return reportOnce(settled, `start/${stream}`, { code: 'STREAM-CUT', about: stream, text: `nobody in reach holds what lies between offset ${next} and ${start.offset}, where it starts now; it stands still here` })
}

const startsOf = (state: PlanState, stream: StreamId): readonly (readonly [SessionId, SaidStart])[] =>
  [...state.peers].flatMap(([session, { starts }]) => {
    const start = starts.get(stream)
    return start === undefined ? [] : [[session, start] as const]
  })

/** The start of a stream was judged. */
export const onStartTaken = (state: PlanState, session: SessionId, stream: StreamId, outcome: StartOutcome): PlanStep => {
  switch (outcome.type) {
    case 'stored': return setView(changePeers(state, (peer) => ({ ...peer, starts: without(peer.starts, stream) })), stream, outcome.view)
    case 'known': return [state, []]
    case 'bad': return [state, [{ type: 'end', session, reason: 'segment', text: `${stream}: ${outcome.text}` }]]
    case 'failed': return [state, [{ type: 'notice', code: 'STORE-FAILED', about: stream, text: outcome.text }]]
    case 'mine': return [state, [{ type: 'identityLost' }]]
  }
}
