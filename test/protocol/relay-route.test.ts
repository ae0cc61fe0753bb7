import { describe, expect, test } from 'vitest'
import { publicKeyToNodeId, type NodeId } from '../../src/core/ids.ts'
import type { Envelope, Relay } from '../../src/protocol/message.ts'
import { relayOf, stepRelay, type RelayEffect, type RelayInput, type RelayState } from '../../src/protocol/relay-route.ts'
import { whoeverIsThere } from '../../src/protocol/relay.ts'
import { createRandom } from '../random.ts'
import { bytes, deepFreeze } from './messages.ts'

const nodeOf = (number: number): NodeId => publicKeyToNodeId(bytes(32, number))
const [self, a, b, c, far] = [nodeOf(1), nodeOf(2), nodeOf(3), nodeOf(4), nodeOf(5)]
const nonceOf = (number: number): Uint8Array => Uint8Array.from({ length: 16 }, (_, at) => (at < 2 ? (number >> (8 * at)) & 255 : 7))
const envelope = (from: NodeId, to: NodeId, nonce = 7): Envelope => ({ from, to, nonce: nonceOf(nonce), content: bytes(40), signature: bytes(64) })
const relay = (from: NodeId, to: NodeId, hops = 4, nonce = 7): Relay => ({ type: 'relay', envelope: envelope(from, to, nonce), hops })

const run = (inputs: readonly RelayInput[], from: RelayState = relayOf(self)): { readonly state: RelayState; readonly effects: readonly RelayEffect[] } => {
  let state = from
  const effects: RelayEffect[] = []
  for (const input of inputs) {
    const [next, more] = stepRelay(deepFreeze(state), deepFreeze(input))
    state = next
    effects.push(...more)
  }
  return { state, effects }
}

/** Three neighbours, by sessions 1 to 3. */
const { state: three } = run([a, b, c].map((nodeId, at) => ({ type: 'up', session: at + 1, nodeId, nowMs: 0 })))
const genuine = (message: Relay, session = 1, nowMs = 0): readonly RelayInput[] => [
  { type: 'came', session, relay: message, nowMs },
  { type: 'checked', session, relay: message, holds: true, nowMs },
]
const sentTo = (effects: readonly RelayEffect[]): readonly (readonly [number, number])[] => effects.flatMap((effect) => (effect.type === 'send' ? [[effect.session, effect.message.hops] as const] : []))

describe('where an envelope goes', () => {
  test('[R51] an own one to all, also where its addressee seems to be a neighbour: who lost that connection gets it over the others', () => {
    for (const to of [b, far]) expect(sentTo(run([{ type: 'said', envelope: envelope(self, to), nowMs: 0 }], three).effects)).toEqual([[1, 4], [2, 4], [3, 4]])
  })

  test('[R51] one of another to its addressee, else to all but who sent it and who made it, with one hop less, none at 0', () => {
    expect(sentTo(run(genuine(relay(a, c)), three).effects)).toEqual([[3, 3]])
    expect(sentTo(run(genuine(relay(b, far, 2)), three).effects)).toEqual([[3, 1]])
    expect(sentTo(run(genuine(relay(far, nodeOf(9), 1)), three).effects)).toEqual([[2, 0], [3, 0]])
    expect(sentTo(run(genuine(relay(far, c, 0)), three).effects)).toEqual([])
  })

  test('[R51] one for this node is given, and goes no further', () => {
    expect(run(genuine(relay(far, self, 0)), three).effects).toEqual([{ type: 'check', session: 1, relay: relay(far, self, 0) }, { type: 'give', envelope: envelope(far, self) }])
  })

  test('[R51] over the newest session with a neighbour, and none that has ended', () => {
    const { state } = run([{ type: 'up', session: 9, nodeId: b, nowMs: 0 }, { type: 'down', session: 3 }], three)
    expect(sentTo(run(genuine(relay(far, nodeOf(9))), state).effects)).toEqual([[9, 3]])
  })
})

describe('what is refused', () => {
  test('[R51] a forged one ends the session that brought it, and does not keep the genuine one away', () => {
    const forged = { ...relay(far, c), envelope: { ...envelope(far, c), content: bytes(40, 9) } }
    const { state, effects } = run([{ type: 'came', session: 1, relay: forged, nowMs: 0 }, { type: 'checked', session: 1, relay: forged, holds: false, nowMs: 0 }], three)
    expect(effects.at(-1)).toMatchObject({ type: 'end', session: 1, reason: 'violation' })
    expect(sentTo(run(genuine(relay(far, c), 2), state).effects)).toEqual([[3, 3]])
  })

  test('[R51] one seen in the last 60 s is not even looked at, also when its copies were checked together', () => {
    const { state } = run(genuine(relay(far, c)), three)
    expect(run(genuine(relay(far, c), 2, 59_999).slice(0, 1), state).effects).toEqual([])
    expect(run(genuine(relay(far, c), 2, 1).slice(1), state).effects).toEqual([])
    expect(sentTo(run(genuine(relay(far, c), 2, 60_000), state).effects)).toEqual([[3, 3]])
  })

  test('[R51] a copy that came over a shorter way goes on once more, as far as that leads, and counts from the first', () => {
    const { state, effects } = run(genuine(relay(far, nodeOf(9), 1)), three)
    expect(sentTo(effects)).toEqual([[2, 0], [3, 0]])
    const shorter = run(genuine(relay(far, nodeOf(9), 3), 2, 100), state)
    expect(sentTo(shorter.effects)).toEqual([[1, 2], [3, 2]])
    for (const hops of [0, 1, 2, 3]) expect(run(genuine(relay(far, nodeOf(9), hops), 3, 200), shorter.state).effects).toEqual([{ type: 'check', session: 3, relay: relay(far, nodeOf(9), hops) }].slice(1))
    expect(sentTo(run(genuine(relay(far, nodeOf(9), 1), 3, 60_000), shorter.state).effects)).toEqual([[1, 0], [2, 0]])
    const forged = { ...relay(far, nodeOf(9)), envelope: { ...envelope(far, nodeOf(9)), content: bytes(40, 9) } }
    expect(run([{ type: 'came', session: 3, relay: forged, nowMs: 200 }], shorter.state).effects).toMatchObject([{ type: 'check' }])
  })

  test('[R51] one for this node, or given to its addressee, is not again, however short the way of its copy', () => {
    for (const to of [self, c]) {
      const { state, effects } = run(genuine(relay(far, to, 1)), three)
      expect(effects.length).toBe(2)
      expect(run(genuine(relay(far, to, 4), 2), state).effects).toEqual([])
    }
    expect(run(genuine(relay(far, self, 4), 2), run(genuine(relay(far, self, 0)), three).state).effects).toEqual([])
  })

  test('[R51] one of the own that comes back is dropped, one for nobody ends the session', () => {
    expect(run([{ type: 'came', session: 1, relay: relay(self, far), nowMs: 0 }], three).effects).toEqual([])
    expect(run([{ type: 'came', session: 1, relay: relay(far, whoeverIsThere), nowMs: 0 }], three).effects).toMatchObject([{ type: 'end', session: 1, reason: 'violation' }])
  })

  test('[R51] a neighbour is given at most 20 a second, whoever floods', () => {
    const flood = (nowMs: number, from: number) => Array.from({ length: 100 }, (_, at) => genuine(relay(far, nodeOf(99), 4, from + at), 1, nowMs)).flat()
    const { state, effects } = run(flood(0, 0), three)
    expect(sentTo(effects).filter(([session]) => session === 2).length).toBe(20)
    expect(sentTo(run(flood(1000, 100), state).effects).filter(([session]) => session === 2).length).toBe(10)
  })

  test('[R51] who floods leaves half of it to each other, and a while later has it all again', () => {
    const flood = (source: number, nowMs: number, from: number, count: number) => Array.from({ length: count }, (_, at) => genuine(relay(far, nodeOf(99), 4, from + at), source, nowMs)).flat()
    const toB = (effects: readonly RelayEffect[]): number => sentTo(effects).filter(([session]) => session === 2).length
    const { state: flooded } = run([0, 250, 500, 750, 1000].flatMap((nowMs, at) => flood(1, nowMs, at * 50, 50)), three)
    const own = Array.from({ length: 10 }, (_, at): RelayInput => ({ type: 'said', envelope: envelope(self, nodeOf(99), at), nowMs: 1000 }))
    for (const others of [flood(3, 1000, 1000, 10), own]) {
      expect(toB(run([...flood(1, 1000, 2000, 50), ...others], flooded).effects)).toBe(10)
      expect(toB(run(others, run(flood(1, 1000, 2000, 50), flooded).state).effects)).toBe(10)
    }
    expect(toB(run(flood(1, 10_000, 2000, 50), flooded).effects)).toBe(20)
  })

  test('[R51] 2,000 seen ones are remembered', () => {
    const random = createRandom(3)
    const many = Array.from({ length: 2_100 }, (_, at) => ({ ...relay(far, c), envelope: { ...envelope(far, c), nonce: random.bytes(16) }, at }))
    expect(run(many.flatMap((each) => genuine({ type: 'relay', envelope: each.envelope, hops: 0 }, 1, each.at)), three).state.seen.size).toBe(2_000)
  })
})

test('[R51] over a ring of nine each envelope arrives once, as far as four nodes between reach', () => {
  const ids = Array.from({ length: 9 }, (_, at) => nodeOf(at + 20))
  const states = ids.map((nodeId, at) => run([1, 8].map((step) => ({ type: 'up', session: (at + step) % 9, nodeId: ids[(at + step) % 9] ?? nodeId, nowMs: 0 } as const)), relayOf(nodeId)).state)
  const gave: number[] = []
  const queue: { readonly from: number; readonly to: number; readonly message: Relay }[] = []
  const perform = (at: number, inputs: readonly RelayInput[]) => {
    const { state, effects } = run(inputs, states[at])
    states[at] = state
    for (const effect of effects) {
      if (effect.type === 'send') queue.push({ from: at, to: effect.session, message: effect.message })
      if (effect.type === 'give') gave.push(at)
    }
  }
  for (const to of [2, 3, 4, 5, 6, 7]) perform(0, [{ type: 'said', envelope: envelope(ids[0] ?? self, ids[to] ?? self, to), nowMs: 0 }])
  for (const { from, to, message } of queue) perform(to, genuine(message, from))
  expect(gave.toSorted()).toEqual([2, 3, 4, 5, 6, 7])
})
