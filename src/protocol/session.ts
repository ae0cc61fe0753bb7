import { begin, onChecked, onHandshakeMessage, onHandshakeTick, onProved, onTwinJudged } from './session-handshake.ts'
import { onOpenHeard, onOpenMessage, onOpenTick, onWasted } from './session-open.ts'
import { endSession, type Greeting, type Judging, type Open, type Proving, type SessionInput, type SessionState, type SessionStep } from './session-state.ts'

/** One step of one connection. Pure: what is to be done is in the effects. @see PROTOCOL.md [R6] to [R19] */
export const stepSession = (state: SessionState, input: SessionInput): SessionStep => {
  if (state.phase === 'ended') return [state, []]
  if (input.type === 'end') return endSession(input.reason, input.detail)
  return state.phase === 'open' ? stepOpen(state, input) : stepHandshake(state, input)
}

const stepOpen = (state: Open, input: SessionInput): SessionStep => {
  switch (input.type) {
    case 'heard': return onOpenHeard(state, input.nowMs)
    case 'message': return onOpenMessage(state, input)
    case 'wasted': return onWasted(state, input.nowMs)
    case 'tick': return onOpenTick(state, input)
    default: return [state, []]
  }
}

const stepHandshake = (state: Greeting | Proving | Judging, input: SessionInput): SessionStep => {
  switch (input.type) {
    case 'begin': return begin(state)
    case 'message': return onHandshakeMessage(state, input)
    case 'proved': return onProved(state, input)
    case 'checked': return onChecked(state, input)
    case 'twinJudged': return onTwinJudged(state, input.ownPage)
    case 'tick': return onHandshakeTick(state, input.nowMs)
    default: return [state, []]
  }
}
