import { describe, expect, test } from 'vitest'
import { encodeMessage } from '../../src/protocol/codec.ts'
import type { ByeReason, Hello, Message, SaidPage } from '../../src/protocol/message.ts'
import { sessionOf, type SessionConfig, type SessionEffect, type SessionInput, type SessionState } from '../../src/protocol/session-state.ts'
import { stepSession } from '../../src/protocol/session.ts'
import { bytes, deepFreeze, nodeA, nodeB, samples, streamA, swarm } from './messages.ts'

const config: SessionConfig = {
  swarm, nodeId: nodeA, features: [], nonce: bytes(32, 40), role: 'd', fingerprints: { own: bytes(32, 50), peer: bytes(32, 60) },
  about: { name: 'own', software: 'test', hubs: [] },
}
const peerHello: Hello = { type: 'hello', versions: [1, 2], features: [], swarm, nodeId: nodeB, nonce: bytes(32, 70) }
const about: Message = { type: 'about', name: 'peer', software: 'test', hubs: [] }
const proof: Message = { type: 'proof', signature: bytes(64), mac: bytes(32) }

const says = (message: Message, nowMs = 0): SessionInput => saysBytes(encodeMessage(message), nowMs)
const saysBytes = (raw: Uint8Array, nowMs = 0): SessionInput => ({ type: 'message', bytes: raw, nowMs, wallMicros: nowMs * 1_000, page: 'visible' })
const tick = (nowMs: number): SessionInput => ({ type: 'tick', nowMs, wallMicros: nowMs * 1_000, page: 'visible' })
const proved: SessionInput = { type: 'proved', signature: bytes(64, 1), mac: bytes(32, 1), nowMs: 0 }
const holds: SessionInput = { type: 'checked', holds: true, nowMs: 0 }

/** Steps with frozen states and inputs. @returns the state and all effects */
const run = (inputs: readonly SessionInput[], from: SessionState = sessionOf(config, 0)): { readonly state: SessionState; readonly effects: readonly SessionEffect[] } =>
  inputs.reduce<{ state: SessionState; effects: readonly SessionEffect[] }>(({ state, effects }, input) => {
    const [next, more] = stepSession(deepFreeze(state), deepFreeze(input))
    return { state: next, effects: [...effects, ...more] }
  }, { state: from, effects: [] })

const longHave: Message = { type: 'have', heads: [], starts: [], forks: Array.from({ length: 1_000 }, () => ({ stream: streamA, first: 0, end: 1, branches: [] })), more: false }

const begin: SessionInput = { type: 'begin', nowMs: 0 }
const handshake: readonly SessionInput[] = [begin, says(peerHello), proved, says(proof), holds]
const opened = run([...handshake, says(about)]).state

const byeOf = (effects: readonly SessionEffect[]): ByeReason | undefined =>
  effects.flatMap((effect) => (effect.type === 'send' && effect.message.type === 'bye' ? [effect.message.reason] : []))[0]
const types = (effects: readonly SessionEffect[]): readonly string[] => effects.map((effect) => (effect.type === 'send' ? `send ${effect.message.type}` : effect.type === 'give' ? `give ${effect.message.type}` : effect.type))

describe('handshake', () => {
  test('[R6] hello, proof, about: in this order, whichever result comes first', () => {
    const ordered = ['send hello', 'prove', 'send proof', 'check', 'send about', 'opened']
    expect(types(run([...handshake, says(about)]).effects)).toEqual(ordered)
    expect(types(run([begin, says(peerHello), says(proof), holds, says(about), proved]).effects)).toEqual(['send hello', 'prove', 'check', 'send proof', 'send about', 'opened'])
  })

  test('[R7] both ends make one transcript of a connection', () => {
    const transcriptOf = (effects: readonly SessionEffect[]) => effects.find((effect) => effect.type === 'prove')
    const own = transcriptOf(run([begin, says(peerHello)]).effects)
    const ownHello: Hello = { type: 'hello', versions: [1], features: [], swarm, nodeId: nodeA, nonce: config.nonce }
    const peer: SessionConfig = { ...config, nodeId: nodeB, nonce: peerHello.nonce, role: 'a', fingerprints: { own: config.fingerprints.peer, peer: config.fingerprints.own } }
    const sameHello: Hello = { ...peerHello, versions: [1] }
    const mine = transcriptOf(run([begin, says(sameHello)]).effects)
    const theirs = transcriptOf(run([begin, says(ownHello)], sessionOf(peer, 0)).effects)
    expect(theirs).toEqual({ ...mine, role: 'a' })
    expect(own).not.toEqual(mine)
  })

  test.each<[string, ByeReason, readonly SessionInput[]]>([
    ['[R6] another swarm', 'swarm', [says({ ...peerHello, swarm: 'ff'.repeat(16) as never })]],
    ['[R6] no common version', 'version', [says({ ...peerHello, versions: [2, 3] })]],
    ['[R7] a proof that does not hold', 'proof', [says(peerHello), proved, says(proof), { type: 'checked', holds: false, nowMs: 0 }]],
    ['[R8] hello twice', 'violation', [says(peerHello), says(peerHello)]],
    ['[R8] proof before hello', 'violation', [says(proof)]],
    ['[R8] about before proof', 'violation', [says(peerHello), says(about)]],
    ['[R8] bytes that are no message', 'violation', [saysBytes(bytes(4))]],
    ['[R8] 4,097 bytes', 'violation', [saysBytes(bytes(4_097))]],
    ['[R8] too much while the proof is checked', 'violation', [says(peerHello), says(proof), ...Array.from({ length: 3 }, () => saysBytes(bytes(200_000)))]],
    ['[R8] two thousand empty messages while the proof is checked', 'violation', [says(peerHello), says(proof), ...Array.from({ length: 2_000 }, () => saysBytes(bytes(0)))]],
    ['[R9] no hello within 10 s', 'timeout', [tick(9_999), tick(10_000)]],
    ['[R9] no proof within 10 s', 'timeout', [says(peerHello), proved, tick(10_000)]],
  ])('%s ends with %s', (_, reason, inputs) => {
    const { state, effects } = run([begin, ...inputs])
    expect(byeOf(effects)).toBe(reason)
    expect(state).toEqual({ phase: 'ended' })
    expect(effects.at(-1)).toMatchObject({ type: 'ended', by: 'own', reason })
    expect(effects.filter((effect) => effect.type === 'send').map(({ message }) => message.type).filter((type) => type !== 'hello' && type !== 'proof')).toEqual(['bye'])
  })

  test('[R8] what comes while the proof is checked is taken afterwards, and dropped if it does not hold', () => {
    const held = [begin, says(peerHello), proved, says(proof), says(about), says(samples['have, empty'] ?? about)]
    expect(types(run([...held, holds]).effects).slice(-3)).toEqual(['send about', 'opened', 'give have'])
    expect(types(run([...held, { type: 'checked', holds: false, nowMs: 0 }]).effects)).not.toContain('opened')
  })

  test('[R9] the time is over once the session is open', () => expect(run([tick(11_000)], opened).state.phase).toBe('open'))

  const twin = [begin, says({ ...peerHello, nodeId: nodeA }), proved, says(proof), holds]
  test('[R10] the own node id, proven: twin, unless it is a page of this profile', () => {
    expect(types(run(twin).effects).at(-1)).toBe('judgeTwin')
    expect(types(run([...twin, { type: 'twinJudged', ownPage: false }]).effects).slice(-3)).toEqual(['twin', 'send bye', 'ended'])
    expect(byeOf(run([...twin, { type: 'twinJudged', ownPage: true }]).effects)).toBe('self')
    expect(types(run([begin, says({ ...peerHello, nodeId: nodeA }), proved, says(proof), { type: 'checked', holds: false, nowMs: 0 }]).effects)).not.toContain('twin')
  })
})

describe('open session', () => {
  test.each<[string, readonly SessionInput[]]>([
    ['[R11] hello again', [says(peerHello)]],
    ['[R11] proof again', [says(proof)]],
    ['[R11] about again', [says(about)]],
    ['[R12] bytes that are no message', [saysBytes(bytes(9))]],
    ['[R12] an unknown type', [saysBytes(Uint8Array.of(0x82, 16, 1))]],
    ['[R12] a segment above 256 KiB', [saysBytes(Uint8Array.from({ length: 262_145 }, (_, at) => (at === 0 ? 0x87 : 6)))]],
    ['[R13] relay that was not announced', [says(samples['relay'] ?? about)]],
    ['[R13] members that were not announced', [says(samples['members'] ?? about)]],
    ['[R65] standby that was not announced', [says(samples['standby offer'] ?? about)]],
    ['[R14] a thousand pings at once', Array.from({ length: 1_001 }, () => says(samples['ping'] ?? about))],
    ['[R14] a hundred `have` of a thousand entries at once', Array.from({ length: 100 }, () => says(longHave))],
    ['[R15] pong without ping', [says(samples['pong'] ?? about)]],
  ])('%s ends with violation', (_, inputs) => expect(byeOf(run(inputs, opened).effects)).toBe('violation'))

  test('[R11] the first message is about', () => expect(byeOf(run([...handshake, says(samples['have, empty'] ?? about)]).effects)).toBe('violation'))

  test('[R13] [R14] a feature that was announced is let through, twenty a second', () => {
    const { state } = run([...handshake, says(about)], sessionOf({ ...config, features: ['relay'] }, 0))
    const relay = samples['relay'] ?? about
    expect(types(run(Array.from({ length: 40 }, () => says(relay, 0)), state).effects)).toEqual(Array.from({ length: 40 }, () => 'give relay'))
    // What waited through a stall of half a minute comes at once: the rest is lost, and the session lives.
    const { effects } = run(Array.from({ length: 700 }, () => says(relay, 0)), state)
    expect(types(effects)).toEqual(Array.from({ length: 40 }, () => 'give relay'))
    expect(types(run([...Array.from({ length: 700 }, () => says(relay, 0)), says(relay, 50)], state).effects).length).toBe(41)
    expect(byeOf(run(Array.from({ length: 1_001 }, () => says(relay, 0)), state).effects)).toBe('violation')
    expect(byeOf(run(Array.from({ length: 200 }, (_, at) => says(relay, at * 50)), state).effects)).toBeUndefined()
  })

  test('[R65] a step of a standby is given on where it was announced, a hundred a second', () => {
    const { state } = run([...handshake, says(about)], sessionOf({ ...config, features: ['standby'] }, 0))
    const offer = samples['standby offer'] ?? about
    expect(types(run([says(offer)], state).effects)).toEqual(['give standby'])
    expect(byeOf(run(Array.from({ length: 1_001 }, () => says(offer)), state).effects)).toBe('violation')
  })

  test('[R15] ping every 2 s, pong in order, round trip and skew from it', () => {
    const pong: Message = { type: 'pong', timeMicros: 5_020_000 + 700_000, page: 'hidden' }
    const { state, effects } = run([tick(1_000), tick(2_000), tick(3_000), says(pong, 2_040)], opened)
    expect(types(effects)).toEqual(['send ping', 'changed'])
    expect(state).toMatchObject({ phase: 'open', roundTripMs: 40, page: 'hidden', pings: [] })
    expect(state).toMatchObject({ clockSkewMs: (5_720_000 - 2_040_000) / 1_000 + 20 })
    expect(types(run([says(samples['ping'] ?? about)], opened).effects)).toEqual(['send pong'])
  })

  test('[R15] a page that was hidden or is visible again says so at once, and once', () => {
    const looked = (nowMs: number, page: SaidPage): SessionInput => ({ type: 'tick', nowMs, wallMicros: nowMs * 1_000, page })
    const { effects } = run([looked(2_000, 'visible'), looked(2_250, 'hidden'), looked(2_500, 'hidden'), looked(2_750, 'visible'), looked(3_000, 'visible')], opened)
    expect(effects.flatMap((effect) => (effect.type === 'send' && effect.message.type === 'ping' ? [[effect.message.timeMicros, effect.message.page]] : []))).toEqual([
      [2_000_000, 'visible'], [2_250_000, 'hidden'], [2_750_000, 'visible'],
    ])
  })

  test('[R15] with five pings unanswered none follows but for another page state: a page that was frozen gets them all at once', () => {
    const hour = Array.from({ length: 1_800 }, (_, at) => tick(2_000 * (at + 1)))
    const { state, effects } = run(hour, opened)
    expect(types(effects).filter((type) => type === 'send ping').length).toBe(5)
    const hidden: SessionInput = { type: 'tick', nowMs: 3_600_250, wallMicros: 0, page: 'hidden' }
    expect(types(run([hidden], state).effects)).toEqual(['send ping'])
    const pong: Message = { type: 'pong', timeMicros: 1, page: 'visible' }
    expect(types(run([says(pong, 3_600_500), tick(3_602_000)], state).effects)).toEqual(['changed', 'send ping'])
  })

  test('[R14] a thousand messages of no use at once end the session, a hundred a second do not', () => {
    const wasted = (nowMs: number): SessionInput => ({ type: 'wasted', nowMs })
    expect(byeOf(run(Array.from({ length: 1_001 }, () => wasted(0)), opened).effects)).toBe('violation')
    expect(byeOf(run(Array.from({ length: 3_000 }, (_, at) => wasted(at * 10)), opened).effects)).toBeUndefined()
  })

  test('[R15] who is not heard for 10 s is silent until it is heard', () => {
    const silent = run([tick(2_000), tick(9_999), tick(10_000), tick(10_500)], opened)
    expect(silent.effects.filter((effect) => effect.type === 'silent')).toEqual([{ type: 'silent', silent: true }])
    expect(run([{ type: 'heard', nowMs: 11_000 }, { type: 'heard', nowMs: 11_001 }], silent.state).effects).toEqual([{ type: 'silent', silent: false }])
  })

  test('[R16] messages of a layer are given on', () => expect(run([says(samples['layer'] ?? about)], opened).effects).toEqual([{ type: 'give', message: samples['layer'] }]))

  test('[R17] bye ends the session, from either end, and nothing follows', () => {
    const byPeer = run([says({ type: 'bye', reason: 'lowered' }), says(about), tick(99_999)], opened)
    expect(byPeer.effects).toEqual([{ type: 'ended', by: 'peer', reason: 'lowered', detail: '' }])
    const byOwn = run([{ type: 'end', reason: 'closed', detail: 'why' }, says(about)], opened)
    expect(types(byOwn.effects)).toEqual(['send bye', 'ended'])
  })
})
