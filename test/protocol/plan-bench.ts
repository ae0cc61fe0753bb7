import { streamIdOf, type NodeId, type Offset, type StreamId } from '../../src/core/ids.ts'
import type { Have, Message, SegmentMessage } from '../../src/protocol/message.ts'
import { stepPlan } from '../../src/protocol/plan.ts'
import { planOf, type PlanEffect, type PlanInput, type PlanState, type StreamView, type TakeOutcome } from '../../src/protocol/plan-state.ts'
import { encodeHeader } from '../../src/stream/header.ts'
import { bytes, deepFreeze, nodeA, nodeB, swarm } from './messages.ts'

export const own = streamIdOf(nodeA, 0)
export const other = streamIdOf(nodeB, 0)
export const streams = (count: number): readonly StreamId[] => Array.from({ length: count }, (_, number) => streamIdOf(nodeB, number))

/** A head at `next`; the segment that grows begins at `first`. */
export const view = (next: Offset, first: Offset = 0, seed = next): StreamView => ({ next, headerId: bytes(32, seed), first, previous: bytes(32, first), start: 0, ended: false })
export const said = (stream: StreamId, next: Offset, seed = next): Have['heads'][number] => [stream, { next, id: bytes(16, seed) }]
export const have = (heads: Have['heads'], more = false): Have => ({ type: 'have', heads, starts: [], forks: [], more })

type Input = PlanInput extends infer T ? (T extends { readonly nowMs: number } ? Omit<T, 'nowMs'> : never) : never

/** A plan under test: steps with frozen states and inputs, at a time that the test sets. */
export class Bench {
  state: PlanState
  nowMs = 0
  effects: PlanEffect[] = []

  /** @param peers of the sessions 1, 2, …; those not listed are with B */
  constructor(views: readonly (readonly [StreamId, StreamView])[] = [], sessions = 1, peers: readonly NodeId[] = []) {
    this.state = planOf(nodeA, new Map(views), new Map())
    for (let session = 1; session <= sessions; session++) this.step({ type: 'up', session, nodeId: peers[session - 1] ?? nodeB })
    this.step({ type: 'flushed', done: true })
    this.effects = []
  }

  step(input: Input): readonly PlanEffect[] {
    const [state, effects] = stepPlan(deepFreeze(this.state), deepFreeze({ ...input, nowMs: this.nowMs } as PlanInput))
    this.state = state
    this.effects.push(...effects)
    return effects
  }

  says(session: number, heads: Have['heads'], more = false): readonly PlanEffect[] {
    return this.step({ type: 'said', session, have: have(heads, more) })
  }

  pass(ms: number): readonly PlanEffect[] {
    this.nowMs += ms
    return this.step({ type: 'tick' })
  }
}

export const sent = <T extends Message['type']>(effects: readonly PlanEffect[], type: T, session?: number): readonly Extract<Message, { type: T }>[] =>
  effects.flatMap((effect) => (effect.type === 'send' && effect.message.type === type && (session ?? effect.session) === effect.session ? [effect.message as Extract<Message, { type: T }>] : []))
export const kinds = (effects: readonly PlanEffect[], type: PlanEffect['type']) => effects.filter((effect) => effect.type === type)

export const header = (stream: StreamId, first: Offset, events: number, closed = false): Uint8Array =>
  encodeHeader({ swarm, stream, first, events, firstLamport: first + 1, lastLamport: first + events, bodyBytes: 100, previous: first === 0 ? new Uint8Array(32) : bytes(32, first), bodyHash: bytes(32, events), closed })
export const piece = (want: number, stream: StreamId, from: Offset, end: Offset, size = 100): SegmentMessage =>
  ({ type: 'segment', want, stream, header: header(stream, 0, end), seal: bytes(64), from, body: new Uint8Array(size) })
export const take = (bench: Bench, outcome: TakeOutcome): readonly PlanEffect[] => {
  const last = bench.effects.findLast((effect) => effect.type === 'take')
  if (last?.type !== 'take') throw new Error('nothing to take')
  return bench.step({ type: 'taken', piece: last.piece, outcome })
}
