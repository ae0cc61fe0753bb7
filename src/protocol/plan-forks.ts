import type { StreamId } from '../core/ids.ts'
import { decodeHeader } from '../stream/header.ts'
import { WANTS_WAITING_MAX } from './limits.ts'
import type { ForkMessage, SaidFork } from './message.ts'
import { chain, changePeer, reportOnce, viewOf, withEntry, without, type FoundFork, type PlanState, type PlanStep, type SessionId, type StreamView, type TakeOutcome } from './plan-state.ts'
import { lowerTo, setView } from './plan-views.ts'
import { goBack, hasRoom, mayAsk, streamsFull, wantFork } from './plan-wants.ts'

/** Proofs that would end a stream earlier than it ends here are to be asked for. @see PROTOCOL.md [R45] */
export const hearForks = (state: PlanState, session: SessionId, forks: readonly SaidFork[]): PlanState =>
  forks.length === 0 ? state : changePeer(state, session, (peer) => ({
    forks: new Map([...peer.forks, ...forks.filter((fork) => isLower(state, fork)).map((fork) => [fork.stream, fork] as const)]),
  }))

/** Asks for them, as many at a time as for anything else. @see PROTOCOL.md [R28] */
export const settleForks = (state: PlanState, nowMs: number): PlanStep =>
  chain([state, []], ...[...state.peers].filter(([, peer]) => peer.forks.size > 0).map(([session]) => (next: PlanState) => askForks(next, session, nowMs)))

const askForks = (state: PlanState, session: SessionId, nowMs: number): PlanStep => {
  let step: PlanStep = [state, []]
  for (const [stream, fork] of state.peers.get(session)?.forks ?? []) {
    const peer = step[0].peers.get(session)
    if (peer === undefined || !mayAsk(peer, nowMs)) break
    const asked = changePeer(step[0], session, () => ({ forks: without(peer.forks, stream) }))
    const [next, effects] = isLower(asked, fork) ? wantFork(asked, session, fork, nowMs) : ([asked, []] as PlanStep)
    step = [next, [...step[1], ...effects]]
  }
  return step
}

/** One proof of a peer is judged at a time. @see PROTOCOL.md [R47] */
export const onForkCame = (state: PlanState, session: SessionId, fork: ForkMessage): PlanStep => {
  const peer = state.peers.get(session)
  if (peer === undefined) return [state, []]
  if (peer.proofs.length >= WANTS_WAITING_MAX) return [state, [{ type: 'end', session, reason: 'violation', text: 'too many proofs at once' }]]
  const header = decodeHeader(fork.one.header)
  if (header.ok && !hasRoom(state, header.value.stream)) return streamsFull(state, header.value.stream)
  const came = changePeer(state, session, () => ({ proofs: [...peer.proofs, fork] }))
  return [came, peer.proofs.length === 0 ? [{ type: 'takeFork', session, fork }] : []]
}

const judgeNext = (state: PlanState, session: SessionId): PlanStep => {
  const next = changePeer(state, session, (peer) => ({ proofs: peer.proofs.slice(1) }))
  const fork = next.peers.get(session)?.proofs[0]
  return [next, fork === undefined ? [] : [{ type: 'takeFork', session, fork }]]
}

const isLower = (state: PlanState, fork: SaidFork): boolean => fork.end < (state.forks.get(fork.stream)?.end ?? Infinity)

/** Two sealed versions are at hand: the stream ends here. Who was told of more hears `lowered` first. @see PROTOCOL.md [R24] [R44] */
export const foundFork = (state: PlanState, fork: FoundFork): PlanStep => [state, [...lowerTo(state, fork.stream, fork.end), { type: 'settleFork', fork }]]

export const onForkSettled = (state: PlanState, stream: StreamId, view: StreamView, fork: SaidFork | undefined): PlanStep => {
  const known = fork === undefined || !isLower(state, fork) ? state : { ...state, forks: withEntry(state.forks, stream, fork) }
  const reported: PlanStep = [known, [
    ...(fork === undefined ? [] : [{ type: 'notice', code: 'STREAM-FORKED', about: stream, text: `two versions differ from offset ${fork.end} on; the stream ends there` } as const]),
    { type: 'stored', stream },
  ]]
  return chain(reported, (next) => setView(next, stream, view))
}

/** A `fork` message was judged. */
export const onForkTaken = (state: PlanState, session: SessionId, stream: StreamId | undefined, outcome: TakeOutcome): PlanStep =>
  chain(judgeNext(state, session), (next) => onForkOutcome(next, session, stream, outcome))

const onForkOutcome = (state: PlanState, session: SessionId, stream: StreamId | undefined, outcome: TakeOutcome): PlanStep => {
  switch (outcome.type) {
    case 'forked': return foundFork(state, outcome.fork)
    case 'conflict': return stream === undefined ? [state, []] : goBack(state, session, stream, viewOf(state, stream).first)
    case 'bad': return [state, [{ type: 'end', session, reason: 'segment', text: `fork of ${stream ?? 'no stream'}: ${outcome.text}` }]]
    case 'mine': return [state, [{ type: 'identityLost' }]]
    case 'full': case 'failed': return reportOnce(state, `fork/${stream ?? ''}`, { code: 'FORK-NOT-KEPT', about: stream, text: outcome.text })
    default: return [state, []]
  }
}
