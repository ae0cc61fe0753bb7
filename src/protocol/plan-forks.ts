import type { StreamId } from '../core/ids.ts'
import type { SaidFork } from './message.ts'
import { chain, changePeer, viewOf, withEntry, type FoundFork, type PlanState, type PlanStep, type SessionId, type StreamView, type TakeOutcome } from './plan-state.ts'
import { lowerTo, setView } from './plan-views.ts'
import { goBack, wantFork } from './plan-wants.ts'

/** Asks for proofs that would end a stream earlier than it ends here. @see PROTOCOL.md [R45] */
export const hearForks = (state: PlanState, session: SessionId, forks: readonly SaidFork[], nowMs: number): PlanStep =>
  chain([state, []], ...forks.map((fork) => (next: PlanState): PlanStep => {
    const heard = changePeer(next, session, (peer) => ({ forks: withEntry(peer.forks, fork.stream, fork) }))
    return isLower(next, fork) ? wantFork(heard, session, fork, nowMs) : [heard, []]
  }))

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
export const onForkTaken = (state: PlanState, session: SessionId, stream: StreamId | undefined, outcome: TakeOutcome): PlanStep => {
  switch (outcome.type) {
    case 'forked': return foundFork(state, outcome.fork)
    case 'conflict': return stream === undefined ? [state, []] : goBack(state, session, stream, viewOf(state, stream).first)
    case 'bad': return [state, [{ type: 'end', session, reason: 'segment', text: `fork of ${stream ?? 'no stream'}: ${outcome.text}` }]]
    case 'mine': return [state, [{ type: 'identityLost' }]]
    case 'full': case 'failed': return [state, [{ type: 'notice', code: 'FORK-NOT-KEPT', about: stream, text: outcome.text }]]
    default: return [state, []]
  }
}
