import { describe, expect, test } from 'vitest'
import { publicKeyToNodeId, streamIdOf, type Offset, type StreamId } from '../../src/core/ids.ts'
import { HAVE_ENTRIES_MAX, STREAMS_MAX } from '../../src/protocol/limits.ts'
import type { SaidFork } from '../../src/protocol/message.ts'
import type { PlanEffect } from '../../src/protocol/plan-state.ts'
import { bytes, nodeA, nodeB } from './messages.ts'
import { Bench, have, header, kinds, other, own, piece, said, sent, streams, take, view } from './plan-bench.ts'

describe('have', () => {
  test('[R20] the first says all, also when that is nothing, and a long one is split', () => {
    const empty = new Bench()
    expect(sent(empty.step({ type: 'up', session: 9, nodeId: nodeB }), 'have')).toEqual([have([])])
    const many = new Bench(streams(255).map((stream) => [stream, view(3)]))
    const first = sent(many.step({ type: 'up', session: 9, nodeId: nodeB }), 'have')
    expect(first.map((part) => [part.heads.length, part.more])).toEqual([[255, false]])
    const branches = Array.from({ length: 2 * HAVE_ENTRIES_MAX + 1 }, (_, at) => [`${other}~${String(at).padStart(22, '0')}` as StreamId, view(3)] as const)
    const parts = sent(new Bench(branches).step({ type: 'up', session: 9, nodeId: nodeB }), 'have')
    expect(parts.map((part) => [part.heads.length, part.more])).toEqual([[1_000, true], [1_000, true], [1, false]])
  })

  test('[R21] nothing is said before a flush that began after it was stored', () => {
    const bench = new Bench([], 1)
    bench.nowMs = 5_000
    expect(kinds(bench.step({ type: 'grown', views: new Map([[other, view(4)]]) }), 'flush')).toHaveLength(1)
    bench.step({ type: 'grown', views: new Map([[other, view(6)]]) })
    expect(sent(bench.step({ type: 'flushed', done: true }), 'have')).toEqual([have([said(other, 4)])])
    expect(kinds(bench.pass(999), 'flush')).toEqual([])
    expect(kinds(bench.pass(1), 'flush')).toHaveLength(1)
    expect(sent(bench.step({ type: 'flushed', done: true }), 'have')).toEqual([have([said(other, 6)])])
  })

  test('[R21] a flush that fails is tried again, and nothing is said', () => {
    const bench = new Bench()
    bench.nowMs = 5_000
    bench.step({ type: 'grown', views: new Map([[other, view(4)]]) })
    expect(sent(bench.step({ type: 'flushed', done: false }), 'have')).toEqual([])
    expect(kinds(bench.pass(1_000), 'flush')).toHaveLength(1)
  })

  test('[R24] a head that goes back, or becomes another, is a violation', () => {
    for (const worse of [said(other, 4), said(other, 5, 9)]) {
      const bench = new Bench()
      bench.says(1, [said(other, 5)])
      expect(bench.says(1, [worse])).toContainEqual(expect.objectContaining({ type: 'end', session: 1, reason: 'violation' }))
    }
  })

  test('[R21] [R24] what was lowered is not told any more, also to who comes before the next flush', () => {
    const bench = new Bench([[other, view(8)]])
    bench.step({ type: 'grown', views: new Map([[other, view(5)]]) })
    expect(sent(bench.step({ type: 'up', session: 9, nodeId: nodeB }), 'have', 9)).toEqual([have([said(other, 5)])])
  })

  test('[R21] [R33] a push under way goes before the word of it, for up to two seconds', () => {
    const bench = new Bench([[own, view(3)]])
    bench.nowMs = 5_000
    bench.says(1, [said(own, 3)])
    const effects = bench.step({ type: 'grown', views: new Map([[own, view(4)]]) })
    expect([kinds(effects, 'readPush').length, kinds(effects, 'flush').length]).toEqual([1, 0])
    expect(kinds(bench.step({ type: 'pushRead', stream: own, next: 3, result: { type: 'end', reason: 'all' } }), 'flush')).toHaveLength(1)
    bench.step({ type: 'flushed', done: true })
    const late = new Bench([[own, view(3)]])
    late.nowMs = 5_000
    late.says(1, [said(own, 3)])
    late.step({ type: 'grown', views: new Map([[own, view(4)]]) })
    expect([late.pass(1_999), late.pass(1)].map((passed) => kinds(passed, 'flush').length)).toEqual([0, 1])
  })

  test('[R24] sessions that were told more end with lowered, before anything else', () => {
    const bench = new Bench([[other, view(8)]], 2)
    for (const lower of [view(5), view(8, 0, 99)]) {
      const copy = new Bench([[other, view(8)]], 2)
      const effects = copy.step({ type: 'grown', views: new Map([[other, lower]]) })
      expect(effects.slice(0, 2)).toMatchObject([{ type: 'end', session: 1, reason: 'lowered' }, { type: 'end', session: 2, reason: 'lowered' }])
    }
    expect(kinds(bench.step({ type: 'grown', views: new Map([[other, view(9)]]) }), 'end')).toEqual([])
  })
})

describe('wants', () => {
  test('[R31] more than is held is asked for from the own place; other at the same offset from the segment’s beginning', () => {
    const bench = new Bench([[other, view(8, 5)]])
    expect(sent(bench.says(1, [said(other, 9)]), 'want')).toMatchObject([{ id: 1, stream: other, place: { first: 5, previous: bytes(32, 5), next: 8 } }])
    const same = new Bench([[other, view(8, 5)]])
    expect(sent(same.says(1, [said(other, 8)]), 'want')).toEqual([])
    const differs = new Bench([[other, view(8, 5)]])
    expect(sent(differs.says(1, [said(other, 8, 77)]), 'want')).toMatchObject([{ place: { first: 5, next: 5 } }])
    expect(sent(new Bench([[other, view(8, 5)]]).says(1, [said(other, 7, 77)]), 'want')).toEqual([])
  })

  test('[R31] where the open segment is empty, at the segment before', () => {
    const bench = new Bench([[other, view(8, 8)]])
    expect(kinds(bench.says(1, [said(other, 8, 77)]), 'findPlace')).toEqual([{ type: 'findPlace', session: 1, stream: other, first: 8, head: undefined }])
    const place = { first: 3, previous: bytes(32, 3), next: 3 }
    expect(sent(bench.step({ type: 'placed', session: 1, stream: other, place }), 'want')).toMatchObject([{ place }])
  })

  test('[R28] one peer for each stream, at most four at a peer, the smallest lack first', () => {
    const ids = streams(6)
    const bench = new Bench([], 2)
    const heads = ids.map((stream, at) => said(stream, 60 - at * 10))
    const wants = sent(bench.says(1, heads), 'want')
    expect(wants.map((want) => want.stream)).toEqual([...ids].reverse().slice(0, 4))
    expect(sent(bench.says(2, heads), 'want', 2).map((want) => want.stream)).toEqual([ids[1], ids[0]])
  })

  test('[R28] what one peer cannot be asked for is asked of another', () => {
    const bench = new Bench([], 2)
    bench.says(1, [said(other, 5)])
    expect(sent(bench.says(2, [said(other, 5)]), 'want')).toEqual([])
    expect(sent(bench.step({ type: 'down', session: 1 }), 'want', 2)).toHaveLength(1)
  })

  test('[R28] a peer that does not answer holds a stream up for two seconds, and is not asked first again', () => {
    const bench = new Bench([], 2)
    bench.says(1, [said(other, 9)])
    bench.says(2, [said(other, 9)])
    expect(sent(bench.pass(1_999), 'want')).toEqual([])
    expect(sent(bench.pass(1), 'want', 2)).toHaveLength(1)
    bench.step({ type: 'ended', session: 1, end: { type: 'end', want: 1, reason: 'all', start: undefined } })
    bench.step({ type: 'came', session: 2, segment: piece(1, other, 0, 5) })
    take(bench, { type: 'stored', view: view(5) })
    const next = bench.step({ type: 'ended', session: 2, end: { type: 'end', want: 1, reason: 'budget', start: undefined } })
    expect([sent(next, 'want', 1).length, sent(next, 'want', 2).length]).toEqual([0, 1])
  })

  test('[R29] a want that changed nothing is not repeated before a head changes', () => {
    const bench = new Bench()
    bench.says(1, [said(other, 5)])
    const end = (want: number) => bench.step({ type: 'ended', session: 1, end: { type: 'end', want, reason: 'all', start: undefined } })
    expect(sent(end(1), 'want')).toEqual([])
    expect(sent(bench.pass(60_000), 'want')).toEqual([])
    expect(sent(bench.says(1, [said(other, 6)]), 'want')).toMatchObject([{ id: 2 }])
    end(2)
    expect(sent(bench.step({ type: 'grown', views: new Map([[other, view(2)]]) }), 'want')).toMatchObject([{ id: 3, place: { next: 2 } }])
  })

  test('[R30] a silent peer is not asked, its wants go to another; after a busy one a second passes', () => {
    const bench = new Bench([], 2)
    bench.says(1, [said(other, 5)])
    bench.says(2, [said(other, 5)])
    expect(sent(bench.step({ type: 'silent', session: 1, silent: true }), 'want', 2)).toHaveLength(1)
    bench.step({ type: 'ended', session: 2, end: { type: 'end', want: 1, reason: 'busy', start: undefined } })
    expect(sent(bench.pass(999), 'want')).toEqual([])
    expect(sent(bench.pass(1), 'want', 2)).toMatchObject([{ id: 2 }])
  })

  test('[R30] a want without a piece for 30 s is given up, and what then comes for it is dropped', () => {
    const bench = new Bench([], 2)
    bench.says(1, [said(other, 5)])
    bench.says(2, [said(other, 5)])
    expect(sent(bench.pass(30_000), 'want', 2)).toHaveLength(1)
    expect(kinds(bench.step({ type: 'came', session: 1, segment: piece(1, other, 0, 5) }), 'take')).toEqual([])
    expect(kinds(bench.step({ type: 'ended', session: 1, end: { type: 'end', want: 1, reason: 'all', start: undefined } }), 'end')).toEqual([])
  })

  test.each<[string, (bench: Bench) => readonly PlanEffect[]]>([
    ['a piece of a want never sent', (bench) => bench.step({ type: 'came', session: 1, segment: piece(9, other, 0, 5) })],
    ['an end of a want never sent', (bench) => bench.step({ type: 'ended', session: 1, end: { type: 'end', want: 9, reason: 'all', start: undefined } })],
    ['a piece of another stream', (bench) => bench.step({ type: 'came', session: 1, segment: piece(1, own, 0, 5) })],
    ['far more than the budget', (bench) => Array.from({ length: 10 }, (_, at) => bench.step({ type: 'came', session: 1, segment: piece(1, other, at, at + 1, 190_000) })).flat()],
    ['a want whose id does not rise', (bench) => [1, 1].flatMap((id) => bench.step({ type: 'asked', session: 1, want: { type: 'want', id, stream: other, place: { first: 0, previous: bytes(32), next: 0 }, budgetBytes: 1 } }))],
  ])('[R27] %s is a violation', (_, act) => {
    const bench = new Bench()
    bench.says(1, [said(other, 5)])
    expect(kinds(act(bench), 'end')).toContainEqual(expect.objectContaining({ reason: 'violation' }))
  })

  test('[R37] beyond 10,000 streams a new one is asked for only while its owner is connected', () => {
    const full = Array.from({ length: STREAMS_MAX }, (_, at) => [`${streamIdOf(nodeB, 1)}~${String(at).padStart(22, '0')}` as StreamId, view(3)] as const)
    const bench = new Bench(full)
    expect(sent(bench.says(1, [said(streamIdOf(nodeB, 7), 2)]), 'want')).toHaveLength(1)
    const strange = streamIdOf(nodeA, 9)
    const effects = bench.says(1, [said(strange, 2)])
    expect(sent(effects, 'want')).toEqual([])
    expect(kinds(effects, 'notice')).toMatchObject([{ code: 'STREAMS-FULL', about: strange }])
  })

  test.each(['STORE-QUOTA', 'STORE-NEARLY-FULL'] as const)('[R38] with %s nothing is asked for during a minute, and that is said once', (code) => {
    const bench = new Bench()
    bench.says(1, [said(other, 5)])
    bench.step({ type: 'came', session: 1, segment: piece(1, other, 0, 5) })
    expect(kinds(take(bench, { type: 'full', code, text: 'full' }), 'notice')).toMatchObject([{ code }])
    bench.step({ type: 'ended', session: 1, end: { type: 'end', want: 1, reason: 'all', start: undefined } })
    expect(sent(bench.says(1, [said(other, 6)]), 'want')).toEqual([])
    expect(sent(bench.pass(60_000), 'want')).toHaveLength(1)
    expect(kinds(bench.effects, 'end')).toEqual([])
  })
})

describe('answers', () => {
  const ask = (bench: Bench, id: number, budgetBytes = 1_000) =>
    bench.step({ type: 'asked', session: 1, want: { type: 'want', id, stream: other, place: { first: 0, previous: bytes(32), next: 0 }, budgetBytes } })
  const after = { first: 5, previous: bytes(32, 5), next: 5 }
  const result = (size: number) => ({ type: 'segment', header: header(other, 0, 5), seal: bytes(64), from: 0, body: new Uint8Array(size), after }) as const

  test('[R27] pieces until the budget is reached, at least one, then the end', () => {
    const bench = new Bench([[other, view(9)]])
    expect(kinds(ask(bench, 1), 'readWant')).toMatchObject([{ id: 1, place: { first: 0 } }])
    const more = bench.step({ type: 'wantRead', session: 1, id: 1, result: result(600) })
    expect([sent(more, 'segment').length, kinds(more, 'readWant')]).toMatchObject([1, [{ place: after }]])
    const last = bench.step({ type: 'wantRead', session: 1, id: 1, result: result(600) })
    expect([sent(last, 'segment').length, sent(last, 'end')]).toMatchObject([1, [{ want: 1, reason: 'budget' }]])
    ask(bench, 2, 0)
    expect(sent(bench.step({ type: 'wantRead', session: 1, id: 2, result: result(600) }), 'end')).toMatchObject([{ want: 2, reason: 'budget' }])
  })

  test('[R27] one read at a time, sixteen may wait, one more is busy', () => {
    const bench = new Bench([[other, view(9)]])
    const effects = Array.from({ length: 17 }, (_, at) => ask(bench, at + 1)).flat()
    expect(kinds(effects, 'readWant')).toHaveLength(1)
    expect(sent(effects, 'end')).toEqual([{ type: 'end', want: 17, reason: 'busy', start: undefined }])
    expect(kinds(bench.step({ type: 'wantRead', session: 1, id: 1, result: { type: 'end', reason: 'all' } }), 'readWant')).toMatchObject([{ id: 2 }])
  })
})

describe('pieces', () => {
  test('[R34] one piece of a stream at a time; pushes that follow each other are joined, and parted again if that fails', () => {
    const bench = new Bench()
    const came = (from: Offset, end: Offset) => bench.step({ type: 'came', session: 1, segment: piece(0, other, from, end, 10) })
    expect(kinds(came(0, 1), 'take')).toHaveLength(1)
    expect(kinds([came(1, 2), came(2, 3), came(3, 4)].flat(), 'take')).toEqual([])
    const joined = kinds(take(bench, { type: 'stored', view: view(1) }), 'take')
    expect(joined).toMatchObject([{ piece: { segment: { from: 1 }, parts: [{}, {}, {}] } }])
    expect(joined.flatMap((effect) => (effect.type === 'take' ? [effect.piece.segment.body.length] : []))).toEqual([30])
    expect(kinds(take(bench, { type: 'part' }), 'take')).toMatchObject([{ piece: { segment: { from: 1 }, parts: [] } }])
    expect(kinds(take(bench, { type: 'stored', view: view(2) }), 'take')).toMatchObject([{ piece: { segment: { from: 2 }, parts: [] } }])
  })

  test('[R35] a push beyond what is held is answered by a want, and a part that does not fit by one for the whole', () => {
    const bench = new Bench([[other, view(3)]])
    bench.says(1, [said(other, 3)])
    bench.step({ type: 'came', session: 1, segment: piece(0, other, 7, 8) })
    expect(sent(take(bench, { type: 'beyond' }), 'want')).toMatchObject([{ place: { first: 0, next: 3 } }])
    const part = new Bench([[other, view(3)]])
    part.says(1, [said(other, 3)])
    part.step({ type: 'came', session: 1, segment: piece(0, other, 3, 8) })
    expect(sent(take(part, { type: 'part' }), 'want')).toMatchObject([{ place: { first: 0, next: 0 } }])
  })

  test('[R32] the sender’s fault ends the session; the author’s is reported once, and that piece is not looked at again', () => {
    const bench = new Bench([], 2)
    bench.says(1, [said(other, 5)])
    bench.step({ type: 'came', session: 1, segment: piece(1, other, 0, 5) })
    expect(kinds(take(bench, { type: 'refused', text: 'a bad line' }), 'notice')).toMatchObject([{ code: 'SEGMENT-REFUSED', about: other }])
    bench.step({ type: 'ended', session: 1, end: { type: 'end', want: 1, reason: 'all', start: undefined } })
    bench.says(2, [said(other, 5)])
    expect(kinds(bench.step({ type: 'came', session: 2, segment: piece(1, other, 0, 5) }), 'take')).toEqual([])
    expect(kinds(bench.effects, 'end')).toEqual([])
    const bad = new Bench()
    bad.step({ type: 'came', session: 1, segment: piece(0, other, 0, 5) })
    expect(kinds(take(bad, { type: 'bad', text: 'hash' }), 'end')).toMatchObject([{ session: 1, reason: 'segment' }])
  })

  test('[R42] evidence in the own stream takes the identity', () => {
    const bench = new Bench([[own, view(3)]])
    bench.step({ type: 'came', session: 1, segment: piece(0, own, 3, 5) })
    expect(kinds(take(bench, { type: 'mine' }), 'identityLost')).toHaveLength(1)
  })
})

describe('pushes', () => {
  const grow = (bench: Bench, next: Offset) => bench.step({ type: 'grown', views: new Map([[own, view(next)]]) })
  const read = (bench: Bench, from: Offset, end: Offset, size = 100) =>
    bench.step({ type: 'pushRead', stream: own, next: from, result: { type: 'segment', header: header(own, 0, end), seal: bytes(64), from, body: new Uint8Array(size), after: { first: 0, previous: bytes(32), next: end } } })

  test('[R33] read once for all who have, or were sent, all before', () => {
    const bench = new Bench([[own, view(3)]], 3)
    bench.says(1, [said(own, 3)])
    bench.says(2, [said(own, 3)])
    bench.says(3, [said(own, 1)])
    expect(kinds(grow(bench, 5), 'readPush')).toEqual([{ type: 'readPush', stream: own, next: 3 }])
    const pushed = read(bench, 3, 4)
    expect(pushed.flatMap((effect) => (effect.type === 'send' ? [effect.session] : []))).toEqual([1, 2])
    expect(kinds(pushed, 'readPush')).toEqual([{ type: 'readPush', stream: own, next: 4 }])
    read(bench, 4, 5)
    expect(kinds(grow(bench, 6), 'readPush')).toEqual([{ type: 'readPush', stream: own, next: 5 }])
  })

  test('[R33] nothing is pushed before the first have is whole, and nothing of others’ streams', () => {
    const bench = new Bench([[own, view(3)]])
    expect(kinds(grow(bench, 4), 'readPush')).toEqual([])
    bench.says(1, [said(own, 4)], true)
    expect(kinds(grow(bench, 5), 'readPush')).toEqual([])
    bench.says(1, [said(own, 5)])
    expect(kinds(bench.step({ type: 'grown', views: new Map([[other, view(9)]]) }), 'readPush')).toEqual([])
    expect(kinds(grow(bench, 6), 'readPush')).toHaveLength(1)
  })

  test('[R35] what is passed on goes on being passed on when more is stored while the first is still read', () => {
    const far = publicKeyToNodeId(bytes(32, 77))
    const bench = new Bench([[other, view(3)]], 2, [nodeB, far])
    bench.says(1, [said(other, 3)])
    bench.says(2, [said(other, 3)])
    const passedOn = (from: Offset, end: Offset) =>
      bench.step({ type: 'pushRead', stream: other, next: from, result: { type: 'segment', header: header(other, 0, end), seal: bytes(64), from, body: new Uint8Array(10), after: { first: 0, previous: bytes(32), next: end } } })
    bench.step({ type: 'came', session: 1, segment: piece(0, other, 3, 4) })
    expect(kinds(take(bench, { type: 'stored', view: view(4) }), 'readPush')).toEqual([{ type: 'readPush', stream: other, next: 3 }])
    bench.step({ type: 'came', session: 1, segment: piece(0, other, 4, 5) })
    take(bench, { type: 'stored', view: view(5) })
    const first = passedOn(3, 4)
    expect([sent(first, 'segment', 2).length, kinds(first, 'readPush')]).toEqual([1, [{ type: 'readPush', stream: other, next: 4 }]])
    expect([sent(passedOn(4, 5), 'segment', 2).length, sent(bench.effects, 'segment', 1)]).toEqual([1, []])
  })

  test('[R35] pushing stops with 512 KiB not covered by have, and goes on once the peer has caught up', () => {
    const bench = new Bench([[own, view(0)]])
    bench.says(1, [])
    let next = 0
    while (kinds(grow(bench, next + 1), 'readPush').length > 0) read(bench, next, ++next, 65_536)
    expect(next).toBe(9)
    bench.says(1, [said(own, 9)])
    expect(kinds(grow(bench, 11), 'readPush')).toEqual([])
    bench.says(1, [said(own, 11)])
    expect(kinds(grow(bench, 12), 'readPush')).toEqual([{ type: 'readPush', stream: own, next: 11 }])
  })
})

describe('forks', () => {
  const [a, b, c, d, e] = ['a', 'b', 'c', 'd', 'e'].map((name) => name.repeat(22)) as [string, string, string, string, string]
  const fork: SaidFork = { stream: other, first: 0, end: 4, branches: [a, c] }
  const word = (bench: Bench, said: Partial<SaidFork> = {}) => bench.step({ type: 'said', session: 1, have: { ...have([]), forks: [{ ...fork, ...said }] } })
  const settle = (bench: Bench, known = fork) => {
    bench.step({ type: 'grown', views: new Map([[known.stream, { ...view(known.end), ended: true }]]) })
    return bench.step({ type: 'forkSettled', stream: known.stream, streams: [known.stream], forks: [known] })
  }
  const branchOf = (name: string): StreamId => `${other}~${name}` as StreamId

  test('[R45] word of a fork is answered by a want of it, unless a lower one is known, or this one with its branches', () => {
    const bench = new Bench([[other, view(8)]])
    expect(sent(word(bench), 'wantFork')).toEqual([{ type: 'wantFork', id: 1, stream: other, first: 0, end: 4 }])
    expect(kinds(settle(bench), 'notice')).toMatchObject([{ code: 'STREAM-FORKED', about: other }])
    expect(sent(word(bench), 'wantFork')).toEqual([])
    expect(sent(word(bench, { branches: [a] }), 'wantFork')).toEqual([])
    expect(sent(word(bench, { end: 6, branches: [b, e] }), 'wantFork')).toEqual([])
    expect(sent(word(bench, { end: 3 }), 'wantFork')).toHaveLength(1)
    expect(sent(word(bench, { branches: [a, b] }), 'wantFork')).toHaveLength(1)
  })

  test('[R45] of a fork with four branches a further one is asked for only where its name is smaller', () => {
    const bench = new Bench([[other, view(8)]])
    settle(bench, { ...fork, branches: [a, b, d, e] })
    expect(sent(word(bench, { branches: ['f'.repeat(22)] }), 'wantFork')).toEqual([])
    expect(sent(word(bench, { branches: [c] }), 'wantFork')).toHaveLength(1)
  })

  test('[R45] the proofs are asked for again where the lines before the fork were lost', () => {
    const bench = new Bench([[other, view(8)]])
    settle(bench)
    word(bench)
    bench.effects = []
    bench.step({ type: 'grown', views: new Map([[other, { ...view(0), ended: false }]]) })
    expect(sent(bench.effects, 'wantFork')).toEqual([{ type: 'wantFork', id: 1, stream: other, first: 0, end: 4 }])
  })

  test('[R44] of an ended stream nothing is asked for, and its fork is told, and told again with a further branch', () => {
    const bench = new Bench([[other, view(4)]])
    bench.nowMs = 5_000
    settle(bench)
    expect(sent(bench.says(1, [said(other, 9)]), 'want')).toEqual([])
    bench.step({ type: 'flushed', done: true })
    expect(sent(bench.effects, 'have').flatMap((message) => message.forks)).toEqual([fork])
    bench.effects = []
    bench.pass(1_000)
    settle(bench, { ...fork, branches: [a, b, c] })
    bench.pass(1_000)
    bench.step({ type: 'flushed', done: true })
    expect(sent(bench.effects, 'have').flatMap((message) => message.forks)).toEqual([{ ...fork, branches: [a, b, c] }])
  })

  test('[R44] a fork that lies below another renames it: it is not reported again', () => {
    const bench = new Bench([[other, view(8)]])
    settle(bench)
    const [lower, renamed] = [{ stream: other, first: 0, end: 2, branches: [b, d] }, { ...fork, stream: branchOf(d) }]
    const effects = bench.step({ type: 'forkSettled', stream: other, streams: [other, branchOf(d)], forks: [lower, renamed] })
    expect(kinds(effects, 'notice')).toMatchObject([{ about: other }])
    expect([...bench.state.forks.values()]).toEqual([lower, renamed])
  })

  test('[R28] a branch is asked for once it has begun here', () => {
    const bench = new Bench([[other, view(8)]])
    const branch = branchOf(a)
    expect(sent(bench.says(1, [said(branch, 9)]), 'want')).toEqual([])
    expect(sent(bench.step({ type: 'grown', views: new Map([[branch, { ...view(6), start: 4 }]]) }), 'want')).toMatchObject([{ stream: branch, place: { first: 0, next: 6 } }])
  })

  test('[R20] a branch that holds nothing from its fork on is not said', () => {
    const bench = new Bench([[other, view(4)]])
    bench.nowMs = 5_000
    bench.step({ type: 'grown', views: new Map([[branchOf(a), { ...view(4), start: 4 }], [branchOf(b), { ...view(6), start: 4 }]]) })
    bench.step({ type: 'flushed', done: true })
    expect(sent(bench.effects, 'have').flatMap(({ heads }) => heads.map(([stream]) => stream))).toEqual([branchOf(b)])
  })

  test('[R45] a proof is passed on once, to who has the stream and is not known to have the proof, never to who sent it', () => {
    const bench = new Bench([[other, view(8)]], 4, Array.from({ length: 4 }, (_, at) => publicKeyToNodeId(bytes(32, 60 + at))))
    bench.says(1, [said(other, 8)])
    bench.says(2, [said(other, 6)])
    bench.step({ type: 'said', session: 3, have: { ...have([said(other, 4)]), forks: [fork] } })
    const whole = (fill: number) => ({ header: header(other, 0, fill), seal: bytes(64), deflated: bytes(3) })
    const found = { stream: other, end: 4, type: 'differs', one: whole(5), other: whole(6) } as const
    const message = { type: 'fork', one: found.one, other: found.other } as const
    bench.step({ type: 'forkCame', session: 1, fork: message })
    const taken = () => bench.step({ type: 'forkTaken', session: 1, stream: other, outcome: { type: 'forked', fork: found } })
    const to = (effects: readonly PlanEffect[]) => effects.flatMap((effect) => (effect.type === 'send' && effect.message.type === 'fork' ? [effect.session] : []))
    expect(to(taken())).toEqual([2])
    expect(to(taken())).toEqual([])
  })

  test('[R43] a want for the whole that ends with conflict goes back, and so on to offset 0', () => {
    const bench = new Bench([[other, view(8, 6)]])
    bench.says(1, [said(other, 9)])
    const conflict = (want: number) => bench.step({ type: 'ended', session: 1, end: { type: 'end', want, reason: 'conflict', start: undefined } })
    expect(sent(conflict(1), 'want')).toMatchObject([{ id: 2, place: { first: 6, next: 6 } }])
    expect(kinds(conflict(2), 'findPlace')).toMatchObject([{ first: 6 }])
    const placed = (first: Offset) => bench.step({ type: 'placed', session: 1, stream: other, place: { first, previous: bytes(32, first), next: first } })
    expect(sent(placed(3), 'want')).toMatchObject([{ id: 3, place: { first: 3, next: 3 } }])
    expect(kinds(conflict(3), 'findPlace')).toMatchObject([{ first: 3 }])
    expect(sent(placed(0), 'want')).toMatchObject([{ id: 4, place: { first: 0 } }])
    expect([...conflict(4), ...bench.pass(60_000)].filter((effect) => effect.type === 'findPlace' || effect.type === 'send')).toEqual([])
  })

  test('[R24] [R44] a fork found ends the sessions that were told more, then the stream', () => {
    const bench = new Bench([[other, view(8)]])
    bench.step({ type: 'came', session: 1, segment: piece(0, other, 8, 9) })
    const whole = { header: bytes(167), seal: bytes(64), deflated: bytes(3) }
    const effects = take(bench, { type: 'forked', fork: { stream: other, end: 4, type: 'differs', one: whole, other: whole } })
    expect(effects.slice(0, 3)).toMatchObject([{ type: 'send', session: 1, message: { type: 'fork' } }, { type: 'end', session: 1, reason: 'lowered' }, { type: 'settleFork' }])
  })

  test('[R46] who holds the closed one sends both', () => {
    const bench = new Bench([[other, view(8, 8)]])
    bench.step({ type: 'came', session: 1, segment: piece(0, other, 0, 9) })
    const whole = { header: bytes(167), seal: bytes(64), deflated: bytes(3) }
    const proof = { type: 'fork', one: whole, other: whole } as const
    expect(take(bench, { type: 'shorter', proof })).toContainEqual({ type: 'send', session: 1, message: proof })
  })
})
