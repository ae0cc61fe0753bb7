import { describe, expect, test } from 'vitest'
import { publicKeyToNodeId, streamIdOf, type StreamId } from '../../src/core/ids.ts'
import { REPORTED_MAX, STREAMS_MAX, UNHELD_PUSHED_MAX, WANTS_OPEN_MAX, WANTS_WAITING_MAX } from '../../src/protocol/limits.ts'
import type { End, ForkMessage, SaidFork } from '../../src/protocol/message.ts'
import { stepPlan } from '../../src/protocol/plan.ts'
import type { PlanEffect } from '../../src/protocol/plan-state.ts'
import { bytes, nodeA, nodeB } from './messages.ts'
import { Bench, have, header, kinds, other, own, piece, said, sent, take, view } from './plan-bench.ts'

/** A member that breaks no rule of form, and means harm. */
const mallory = publicKeyToNodeId(bytes(32, 55))
const ofNobody = (at: number): StreamId => streamIdOf(publicKeyToNodeId(Uint8Array.from({ length: 32 }, (_, place) => (at >> (8 * place)) & 255)), 0)
const madeUp = (at: number): StreamId => `${streamIdOf(mallory, 1)}~${String(at).padStart(22, '0')}` as StreamId
const end = (bench: Bench, session: number, want: number, reason: Exclude<End['reason'], 'start'>): readonly PlanEffect[] =>
  bench.step({ type: 'ended', session, end: { type: 'end', want, reason, start: undefined } })
const push = (bench: Bench, stream: StreamId, from = 0, size = 100): readonly PlanEffect[] =>
  bench.step({ type: 'came', session: 1, segment: piece(0, stream, from, from + 1, size) })
const violation = expect.objectContaining({ type: 'end', session: 1, reason: 'violation' })

describe('word of forks', () => {
  const forks = (count: number): readonly SaidFork[] => Array.from({ length: count }, (_, at) => ({ stream: madeUp(at), first: 0, end: 1, branches: [] }))
  const word = (bench: Bench, list: readonly SaidFork[]) => bench.step({ type: 'said', session: 1, have: { ...have([]), forks: list } })

  test('[R28] [R45] however many are said, four are asked for at a time, and none is forgotten when the peer is busy', () => {
    const bench = new Bench([], 1, [mallory])
    expect(sent(word(bench, forks(1_000)), 'wantFork').map(({ id }) => id)).toEqual([1, 2, 3, 4])
    expect(sent(end(bench, 1, 1, 'all'), 'wantFork')).toMatchObject([{ stream: madeUp(4) }])
    expect(sent(end(bench, 1, 2, 'busy'), 'wantFork')).toEqual([])
    const later = [...bench.pass(1_000), ...Array.from({ length: 995 }, (_, at) => end(bench, 1, 3 + at, 'all')).flat()]
    expect(sent(later, 'wantFork').map(({ stream }) => stream)).toContain(madeUp(1))
    expect(bench.state.peers.get(1)?.open.size).toBeLessThanOrEqual(WANTS_OPEN_MAX)
  })

  test('[G7] [R45] more than 20,000 to be asked for break a rule', () => {
    const bench = new Bench([], 1, [mallory])
    word(bench, forks(2 * STREAMS_MAX - 1))
    expect(word(bench, [{ stream: other, first: 0, end: 1, branches: [] }, ...forks(2 * WANTS_OPEN_MAX)])).toContainEqual(violation)
  })

  test('[R30] [R45] those that a peer was asked for when it fell silent are asked for again', () => {
    const bench = new Bench([], 1, [mallory])
    word(bench, forks(1))
    bench.step({ type: 'silent', session: 1, silent: true })
    expect(sent(bench.step({ type: 'silent', session: 1, silent: false }), 'wantFork')).toMatchObject([{ id: 2, stream: madeUp(0) }])
  })
})

describe('proofs that were not asked for', () => {
  const proof = (stream = other): ForkMessage => {
    const whole = { header: header(stream, 0, 1), seal: bytes(64), deflated: bytes(3) }
    return { type: 'fork', one: whole, other: whole }
  }

  test('[G7] [R47] one at a time is judged, sixteen may wait, one more breaks a rule', () => {
    const bench = new Bench([], 1, [mallory])
    const came = () => bench.step({ type: 'forkCame', session: 1, fork: proof() })
    expect(kinds(Array.from({ length: WANTS_WAITING_MAX }, came).flat(), 'takeFork')).toHaveLength(1)
    expect(kinds(bench.step({ type: 'forkTaken', session: 1, stream: other, outcome: { type: 'known' } }), 'takeFork')).toHaveLength(1)
    came()
    expect(came()).toContainEqual(violation)
  })

  test('[R37] beyond 10,000 streams none is taken of a new one', () => {
    const full = Array.from({ length: STREAMS_MAX }, (_, at) => [madeUp(at), view(3)] as const)
    const bench = new Bench(full, 1, [mallory])
    const effects = bench.step({ type: 'forkCame', session: 1, fork: proof(streamIdOf(nodeA, 9)) })
    expect([kinds(effects, 'takeFork'), kinds(effects, 'notice')]).toMatchObject([[], [{ code: 'STREAMS-FULL' }]])
  })
})

describe('floods of pushes', () => {
  test('[G7] [R35] what waits of one peer is bounded over all streams, small pieces too; the rest is asked for', () => {
    const bench = new Bench(Array.from({ length: 3_000 }, (_, at) => [madeUp(at), view(0)] as const), 1, [mallory])
    bench.says(1, [])
    let state = bench.state
    let takes = 0
    for (let at = 0; at < 3_000; at++) {
      const [next, effects] = stepPlan(state, { type: 'came', session: 1, segment: piece(0, madeUp(at), 0, 1, 1), nowMs: 0 })
      state = next
      takes += kinds(effects, 'take').length
    }
    expect(takes).toBeGreaterThan(1_000)
    expect(takes).toBeLessThan(1_100)
    expect(state.intake.size).toBe(takes)
  })

  test('[G7] [R37] pushes of more than 200 streams of which nothing could be stored break a rule; of others none do', () => {
    const bench = new Bench([[own, view(5)]], 1, [mallory])
    const peer = bench.state.peers.get(1)
    if (peer === undefined) throw new Error('no peer')
    push(bench, ofNobody(7))
    expect(bench.state.peers.get(1)?.unheld).toBe(1)
    take(bench, { type: 'stored', view: view(1) })
    expect(bench.state.peers.get(1)?.unheld).toBe(0)
    bench.state = { ...bench.state, peers: new Map([[1, { ...peer, unheld: UNHELD_PUSHED_MAX }]]) }
    expect(kinds(push(bench, own), 'end')).toEqual([])
    expect(push(bench, other)).toEqual([violation])
  })

  test('[G7] [R35] pushes by another than its owner do not keep a stream from being asked for', () => {
    const bench = new Bench([], 2, [mallory, nodeB])
    bench.says(1, [])
    push(bench, other, 7)
    bench.says(2, [said(other, 5)])
    for (let at = 0; at < 10; at++) push(bench, other, 8 + at)
    bench.nowMs = 2_000
    // Who says most is asked first, for two seconds.
    expect(sent(take(bench, { type: 'beyond' }), 'want')).toMatchObject([{ stream: other }])
    push(bench, other, 20)
    bench.nowMs = 4_000
    push(bench, other, 21)
    expect(sent(take(bench, { type: 'beyond' }), 'want', 2)).toMatchObject([{ stream: other }])
  })
})

describe('a member that does not give what it promised', () => {
  test('[G7] [R28] pieces of which nothing is stored are no progress: after two seconds another peer is asked', () => {
    const bench = new Bench([], 2, [mallory, nodeB])
    bench.says(1, [said(other, 900)])
    bench.says(2, [said(other, 5)])
    const asked: number[] = []
    for (let second = 0; second < 3; second++) {
      bench.step({ type: 'came', session: 1, segment: piece(1, other, 700, 701, 1) })
      take(bench, { type: 'beyond' })
      asked.push(sent(bench.pass(1_000), 'want', 2).length)
    }
    expect(asked).toEqual([0, 1, 0])
  })

  test('[G7] [R29] a stream that nobody can be asked for is not looked at again before somebody says more', () => {
    const bench = new Bench([], 1, [mallory])
    bench.says(1, [said(other, 5)])
    end(bench, 1, 1, 'unknown')
    expect(bench.state.lacking.size).toBe(0)
    expect(sent(bench.says(1, [said(other, 6)]), 'want')).toHaveLength(1)
  })

  test('[G7] [R28] 20,000 heads that do not exist are looked through at most every 50 ms', () => {
    const bench = new Bench([], 2, [mallory, nodeB])
    for (let part = 0; part < 20; part++) bench.says(1, Array.from({ length: 1_000 }, (_, at) => said(ofNobody(part * 1_000 + at), 9)))
    bench.pass(1_000)
    bench.says(2, [said(other, 5)])
    expect(sent(bench.effects, 'want', 2)).toEqual([])
    expect(sent(bench.pass(50), 'want', 2)).toMatchObject([{ stream: other }])
    expect(bench.state.peers.get(1)?.open.size).toBe(WANTS_OPEN_MAX)
  })

  test('[R14] [R27] a want that is one too many, and an end of a want that was given up, are of no use', () => {
    const bench = new Bench([[own, view(5)]], 1, [mallory])
    const asks = (id: number) => bench.step({ type: 'asked', session: 1, want: { type: 'wantFork', id, stream: own, first: 0, end: 1 } })
    const wasted = Array.from({ length: WANTS_WAITING_MAX + 3 }, (_, at) => kinds(asks(at + 1), 'wasted').length)
    expect(wasted).toEqual([...Array.from({ length: WANTS_WAITING_MAX }, () => 0), 1, 1, 1])
    bench.says(1, [said(other, 5)])
    expect(kinds(end(bench, 1, 1, 'unknown'), 'wasted')).toEqual([])
    expect(kinds(end(bench, 1, 1, 'unknown'), 'wasted')).toEqual([{ type: 'wasted', session: 1 }])
  })

  test('[R21] a peer that is silent is told what is held once it is heard again', () => {
    const bench = new Bench([[own, view(5)]], 2)
    bench.pass(1_000)
    bench.step({ type: 'silent', session: 1, silent: true })
    bench.effects = []
    for (let next = 6; next < 30; next++) {
      bench.step({ type: 'grown', views: new Map([[own, view(next)]]) })
      bench.pass(1_000)
      bench.step({ type: 'flushed', done: true })
    }
    bench.pass(1_000)
    expect([sent(bench.effects, 'have', 1).length, sent(bench.effects, 'have', 2).length > 10]).toEqual([0, true])
    expect(sent(bench.step({ type: 'silent', session: 1, silent: false }), 'have', 1)).toMatchObject([{ heads: [[own, { next: 29 }]] }])
  })

  test('[G7] [R32] of so many streams a refused header is remembered up to a bound', () => {
    const bench = new Bench([], 1, [mallory])
    bench.state = { ...bench.state, refused: new Map(Array.from({ length: REPORTED_MAX }, (_, at) => [madeUp(at), 'a header'] as const)) }
    push(bench, other)
    take(bench, { type: 'refused', text: 'a bad line' })
    expect([bench.state.refused.size, bench.state.refused.has(other), bench.state.refused.has(madeUp(0))]).toEqual([REPORTED_MAX, true, false])
  })

  test('[G7] [R32] what was reported is remembered up to a bound', () => {
    const bench = new Bench([], 1, [nodeB])
    for (let at = 0; at < REPORTED_MAX + 50; at++) {
      push(bench, other, at)
      take(bench, { type: 'refused', text: 'a bad line' })
    }
    expect(bench.state.reported.size).toBe(REPORTED_MAX)
  })
})
