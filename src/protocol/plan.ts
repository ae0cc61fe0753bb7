import type { StreamId } from '../core/ids.ts'
import { onAsked, onForkRead, onWantRead, settleAnswers } from './plan-answers.ts'
import { foundFork, onForkCame, onForkSettled, onForkTaken, recallForks, settleForks } from './plan-forks.ts'
import { onFlushed, onSaid, settleHaves } from './plan-have.ts'
import { onCame, onTaken, settleIntake } from './plan-intake.ts'
import { onPushRead, settlePushes } from './plan-push.ts'
import { chain, peerOf, withEntry, without, type PlanInput, type PlanState, type PlanStep, type StreamView } from './plan-state.ts'
import { onStartTaken } from './plan-starts.ts'
import { setView } from './plan-views.ts'
import { onEnded, onPlaced, onSilent, settleEnds, settleWants, withWanted } from './plan-wants.ts'

/**
 * One step of the plan: which stream is asked of which peer, what is pushed and said to whom. Pure: what is to be done is in the effects, in order.
 * @see PROTOCOL.md [R20] to [R46]
 */
export const stepPlan = (state: PlanState, input: PlanInput): PlanStep =>
  chain(
    onInput(state, input),
    settleIntake,
    (next) => settleEnds(next, input.nowMs),
    (next) => settleForks(next, input.nowMs),
    (next) => settleWants(next, input.nowMs),
    settleAnswers,
    settlePushes,
    (next) => settleHaves(next, input.nowMs),
  )

const onInput = (state: PlanState, input: PlanInput): PlanStep => {
  switch (input.type) {
    case 'up': return [{ ...state, peers: withEntry(state.peers, input.session, peerOf(input.nodeId)) }, []]
    case 'down': return [{ ...state, lacking: withWanted(state, input.session), peers: without(state.peers, input.session) }, []]
    case 'silent': return onSilent(state, input.session, input.silent)
    case 'said': return onSaid(state, input.session, input.have)
    case 'asked': return onAsked(state, input.session, input.want)
    case 'came': return onCame(state, input.session, input.segment)
    case 'ended': return onEnded(state, input.session, input.end)
    case 'forkCame': return onForkCame(state, input.session, input.fork)
    case 'taken': return chain(onTaken(state, input.piece, input.outcome, input.nowMs), (next) => [recallForks(next, input.piece.segment.stream), []])
    case 'forkTaken': return onForkTaken(state, input.session, input.stream, input.outcome)
    case 'startTaken': return onStartTaken(state, input.session, input.stream, input.outcome)
    case 'forkFound': return foundFork(state, input.fork)
    case 'forkSettled': return onForkSettled(state, input)
    case 'placed': return onPlaced(state, input.session, input.stream, input.place)
    case 'wantRead': return onWantRead(state, input.session, input.id, input.result)
    case 'forkRead': return onForkRead(state, input.session, input.id, input.proofs)
    case 'pushRead': return onPushRead(state, input.stream, input.next, input.result)
    case 'grown': return onGrown(state, input.views)
    case 'flushed': return onFlushed(state, input.done)
    case 'linked': return [{ ...state, links: input.links }, []]
    case 'tick': return [state, []]
  }
}

const onGrown = (state: PlanState, views: ReadonlyMap<StreamId, StreamView>): PlanStep =>
  chain([state, []], ...[...views].map(([stream, view]) => (next: PlanState) => chain(setView(next, stream, view), (seen) => [recallForks(seen, stream), []])))
