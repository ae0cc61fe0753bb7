import { describe, expect, test } from 'vitest'
import { publicKeyToNodeId, type NodeId } from '../../src/core/ids.ts'
import { MEMBERS_MAX, MESSAGE_BYTES_MAX } from '../../src/protocol/limits.ts'
import { encodeMessage } from '../../src/protocol/codec.ts'
import { hopsTo, linksOfMembers, membersOf, recentMembers, stepMembers, type MembersEffect, type MembersInput, type MembersState } from '../../src/protocol/member-list.ts'
import type { Member, Members } from '../../src/protocol/message.ts'
import { createRandom } from '../random.ts'
import { bytes, deepFreeze } from './messages.ts'

const nodeOf = (number: number): NodeId => publicKeyToNodeId(bytes(32, number))
const [self, a, b, c] = [nodeOf(1), nodeOf(2), nodeOf(3), nodeOf(4)]
const member = (nodeId: NodeId, counter: number, links: readonly NodeId[] = [], name = 'name'): Member => ({ nodeId, name, links, counter, signature: bytes(64) })
const said = (...members: readonly Member[]): Members => ({ type: 'members', members: members.map((each) => ({ member: each, heardSecondsAgo: 5 })) })

const run = (inputs: readonly MembersInput[], from: MembersState = membersOf(self)): { readonly state: MembersState; readonly effects: readonly MembersEffect[] } => {
  let state = from
  const effects: MembersEffect[] = []
  for (const input of inputs) {
    const [next, more] = stepMembers(deepFreeze(state), input)
    state = next
    effects.push(...more)
    for (const effect of more) {
      if (effect.type !== 'check') continue
      const [after, further] = stepMembers(deepFreeze(state), { type: 'checked', session: effect.session, entries: effect.entries, holds: effect.entries.every(({ member: each }) => each.signature[0] === 0), nowMs: 'nowMs' in input ? input.nowMs : 0 })
      state = after
      effects.push(...further)
    }
  }
  return { state, effects }
}

const { state: two } = run([{ type: 'up', session: 1, nodeId: a, nowMs: 0 }, { type: 'up', session: 2, nodeId: b, nowMs: 0 }])
const came = (members: Members, session = 1, nowMs = 0): MembersInput => ({ type: 'came', session, members, nowMs })
const toldOf = (effects: readonly MembersEffect[], session: number): readonly (readonly [NodeId, number])[] =>
  effects.flatMap((effect) => (effect.type === 'send' && effect.session === session ? effect.message.members.map(({ member: each }) => [each.nodeId, each.counter] as const) : []))

describe('what is known', () => {
  test('[R55] of one node the highest counter counts, whatever order it comes in', () => {
    const { state } = run([came(said(member(c, 5))), came(said(member(c, 4)), 2), came(said(member(c, 6, [a])), 2, 1000)], two)
    expect(state.known.get(c)).toEqual({ member: member(c, 6, [a]), heardMs: -4000 })
  })

  test('[R56] what is known already is not checked again', () => {
    const { state } = run([came(said(member(c, 5)))], two)
    expect(run([came(said(member(c, 5)), 2)], state).effects).toEqual([])
  })

  test('[R56] who is silent is told nothing until it is heard again, then what is new by then', () => {
    const { state } = run([{ type: 'silent', session: 1, silent: true }], two)
    const { state: later, effects } = run(Array.from({ length: 50 }, (_, at) => [came(said(member(c, at)), 2, at * 1_000), { type: 'tick', nowMs: at * 1_000 } as const]).flat(), state)
    expect(toldOf(effects, 1)).toEqual([])
    expect(toldOf(run([{ type: 'silent', session: 1, silent: false }, { type: 'tick', nowMs: 60_000 }], later).effects, 1)).toEqual([[c, 49]])
  })

  test('[R56] an entry that does not hold is its sender’s fault, and nothing of that message counts', () => {
    const { state, effects } = run([came(said(member(b, 1), { ...member(c, 5), signature: bytes(64, 1) }))], two)
    expect([effects.at(-1), state.known.size]).toEqual([{ type: 'end', session: 1, reason: 'violation', text: 'a member not signed by itself' }, 0])
  })

  test('[R56] who makes up nodes all day fills no memory', () => {
    const part = (second: number) => said(...Array.from({ length: 200 }, (_, at) => member(publicKeyToNodeId(Uint8Array.from({ length: 32 }, (__, byte) => (byte === 0 ? second : byte === 1 ? at : 7))), 1)))
    const { state, effects } = run(Array.from({ length: 60 }, (_, second) => came(part(second), 1, second * 1000)), two)
    expect(effects.some(({ type }) => type === 'end')).toBe(false)
    expect(state.known.size).toBe(MEMBERS_MAX)
    expect(state.listeners.get(1)?.told.size).toBeLessThanOrEqual(2 * MEMBERS_MAX)
  })

  test('[R56] who says more than 200 a second breaks a rule', () => {
    const many = Array.from({ length: MEMBERS_MAX }, () => member(c, 1))
    const { state, effects } = run([came(said(...many))], two)
    expect(effects.some(({ type }) => type === 'end')).toBe(false)
    expect(run([came(said(...many.slice(0, 200)), 1, 999)], state).effects).toMatchObject([{ type: 'end', session: 1 }])
    expect(run([came(said(...many.slice(0, 200)), 1, 1000)], state).effects).toEqual([])
  })

  test('[R56] 2,000 are kept, those heard longest ago go first, the own one never', () => {
    const random = createRandom(4)
    const old = member(c, 1)
    const others = Array.from({ length: MEMBERS_MAX + 10 }, () => member(publicKeyToNodeId(random.bytes(32)), 1))
    const inputs: MembersInput[] = [{ type: 'signed', member: member(self, 1), nowMs: 0 }, came(said(old))]
    for (let at = 0; at < others.length; at += 100) inputs.push(came(said(...others.slice(at, at + 100)), 1, 10_000 + at * 10))
    const { state } = run(inputs, two)
    expect([state.known.size, state.known.has(c), state.known.has(self), state.known.has(others.at(-1)?.nodeId ?? c)]).toEqual([MEMBERS_MAX, false, true, true])
  })

  test('[R56] who makes up nodes has no node forgotten that is connected here', () => {
    const random = createRandom(6)
    const inputs: MembersInput[] = [came(said(member(a, 1), member(b, 1), member(c, 1)))]
    for (let at = 0; at < MEMBERS_MAX; at += 100) inputs.push(came(said(...Array.from({ length: 100 }, () => member(publicKeyToNodeId(random.bytes(32)), 1))), 1, 10_000 + at * 10))
    const { state } = run(inputs, two)
    expect([state.known.size, ...[a, b, c].map((nodeId) => state.known.has(nodeId))]).toEqual([MEMBERS_MAX, true, true, false])
    const { state: later } = run([{ type: 'down', session: 2 }, came(said(...Array.from({ length: 10 }, () => member(publicKeyToNodeId(random.bytes(32)), 1))), 1, 60_000)], state)
    expect([a, b].map((nodeId) => later.known.has(nodeId))).toEqual([true, false])
  })

  test('[R56] one that is 3 minutes old does not count', () => {
    const { state } = run([came(said(member(c, 5)))], two)
    expect([recentMembers(state, 174_999).length, recentMembers(state, 175_000).length]).toEqual([1, 0])
  })

  test('[R56] an entry of the own key that is later, or other, asks for one above it; the own one as it was does not', () => {
    const { state } = run([{ type: 'signed', member: member(self, 10), nowMs: 0 }], two)
    expect(run([came(said(member(self, 10)))], state).effects.filter(({ type }) => type === 'behind')).toEqual([])
    expect(run([came(said(member(self, 10, [c])))], state).effects.at(-1)).toEqual({ type: 'behind', counter: 10 })
    expect(run([came(said(member(self, 12)))], state).effects.at(-1)).toEqual({ type: 'behind', counter: 12 })
  })
})

describe('what is told', () => {
  test('[R56] each is told what it does not know, not of itself nor what it said, once, at most once a second', () => {
    const { state, effects } = run([came(said(member(c, 5))), { type: 'signed', member: member(self, 1), nowMs: 0 }], two)
    expect([toldOf(effects, 1), toldOf(effects, 2)]).toEqual([[[self, 1]], [[c, 5], [self, 1]].toReversed()])
    const later = run([came(said(member(b, 3)), 1, 500), { type: 'tick', nowMs: 900 }, { type: 'tick', nowMs: 1000 }], state)
    expect([toldOf(later.effects, 1), toldOf(later.effects, 2)]).toEqual([[], []])
  })

  test('[R56] how long ago it was heard grows on the way', () => {
    const { effects } = run([came(said(member(c, 5)), 1, 0), { type: 'tick', nowMs: 2000 }], two)
    expect(effects.flatMap((effect) => (effect.type === 'send' ? effect.message.members.map(({ heardSecondsAgo }) => heardSecondsAgo) : []))).toEqual([7])
  })

  test('[R56] 100 of the largest entries fit one message', () => {
    const links = Array.from({ length: 32 }, (_, at) => nodeOf(at + 50))
    const random = createRandom(5)
    const entries = Array.from({ length: 250 }, () => member(publicKeyToNodeId(random.bytes(32)), 2 ** 52, links, 'n'.repeat(256)))
    const { effects } = run([came(said(...entries)), { type: 'tick', nowMs: 0 }, { type: 'tick', nowMs: 1000 }, { type: 'tick', nowMs: 2000 }], two)
    const sizes = effects.flatMap((effect) => (effect.type === 'send' ? [[effect.message.members.length, encodeMessage(effect.message).length <= MESSAGE_BYTES_MAX] as const] : []))
    expect(sizes).toEqual([[100, true], [100, true], [50, true]])
  })
})

test('[R55] hops are counted over the connections that nodes say they have', () => {
  const links = linksOfMembers([member(a, 1, [self, c]), member(c, 1, [a, nodeOf(8)]), member(nodeOf(9), 1, [])])
  expect([...hopsTo([a, b], links)].filter(([nodeId]) => nodeId !== self)).toEqual([[a, 1], [b, 1], [c, 2], [nodeOf(8), 3]])
})
