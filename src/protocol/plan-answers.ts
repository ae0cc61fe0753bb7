import { WANTS_WAITING_MAX } from './limits.ts'
import type { EndReason, ForkMessage, SaidStart, Want, WantFork } from './message.ts'
import { bookSent } from './plan-push.ts'
import { changePeer, type Answer, type PlanEffect, type PlanState, type PlanStep, type ReadResult, type SessionId } from './plan-state.ts'

/** A want of a peer: it waits for its turn. @see PROTOCOL.md [R27] */
export const onAsked = (state: PlanState, session: SessionId, want: Want | WantFork): PlanStep => {
  const peer = state.peers.get(session)
  if (peer === undefined) return [state, []]
  if (want.id <= peer.lastWant) return [state, [{ type: 'end', session, reason: 'violation', text: 'a want id that does not rise' }]]
  const heard = changePeer(state, session, () => ({ lastWant: want.id }))
  if (peer.answers.length >= WANTS_WAITING_MAX) return [heard, [endOf(session, want.id, 'busy'), { type: 'wasted', session }]]
  const answer: Answer = want.type === 'want'
    ? { id: want.id, stream: want.stream, target: { type: 'piece', place: want.place }, budgetBytes: want.budgetBytes }
    : { id: want.id, stream: want.stream, target: { type: 'fork', first: want.first, end: want.end }, budgetBytes: 0 }
  return [changePeer(heard, session, () => ({ answers: [...peer.answers, answer] })), []]
}

const endOf = (session: SessionId, want: number, reason: EndReason, start?: SaidStart): PlanEffect =>
  ({ type: 'send', session, message: { type: 'end', want, reason, start } })

/** One read at a time for each peer. */
export const settleAnswers = (state: PlanState): PlanStep => {
  let next = state
  const effects: PlanEffect[] = []
  for (const [session, peer] of state.peers) {
    const answer = peer.answers[0]
    if (peer.reading || answer === undefined) continue
    const { id, stream, target } = answer
    next = changePeer(next, session, () => ({ reading: true }))
    effects.push(target.type === 'piece'
      ? { type: 'readWant', session, id, stream, place: target.place }
      : { type: 'readFork', session, id, stream, first: target.first, end: target.end })
  }
  return [next, effects]
}

/** A piece was read: it goes out, and the next one is read while the budget lasts. */
export const onWantRead = (state: PlanState, session: SessionId, id: number, result: ReadResult): PlanStep => {
  const peer = state.peers.get(session)
  const answer = peer?.answers[0]
  if (peer === undefined || answer?.id !== id) return [state, []]
  if (result.type === 'end') return [finish(state, session), [endOf(session, id, result.reason, result.start)]]
  if (result.type === 'failed') return [finish(state, session), [endOf(session, id, 'busy'), { type: 'notice', code: 'READ-FAILED', about: answer.stream, text: result.text }]]
  const { header, seal, from, body, after } = result
  const budgetBytes = answer.budgetBytes - body.length
  const booked = { ...state, peers: new Map(state.peers).set(session, bookSent(state, peer, answer.stream, after.next, body.length)) }
  const piece: PlanEffect = { type: 'send', session, message: { type: 'segment', want: id, stream: answer.stream, header, seal, from, body } }
  if (budgetBytes <= 0) return [finish(booked, session), [piece, endOf(session, id, 'budget')]]
  const next: Answer = { ...answer, target: { type: 'piece', place: after }, budgetBytes }
  return [changePeer(booked, session, () => ({ answers: [next, ...peer.answers.slice(1)], reading: false })), [piece]]
}

export const onForkRead = (state: PlanState, session: SessionId, id: number, proofs: readonly ForkMessage[]): PlanStep => {
  if (state.peers.get(session)?.answers[0]?.id !== id) return [state, []]
  const sent = proofs.map((message): PlanEffect => ({ type: 'send', session, message }))
  return [finish(state, session), [...sent, endOf(session, id, proofs.length === 0 ? 'unknown' : 'all')]]
}

const finish = (state: PlanState, session: SessionId): PlanState =>
  changePeer(state, session, (peer) => ({ answers: peer.answers.slice(1), reading: false }))
