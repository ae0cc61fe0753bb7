import { expect, test } from 'vitest'
import { publicKeyToNodeId, streamIdOf } from '../../src/core/ids.ts'
import { allEvents, type Where } from '../../src/core/where.ts'
import { readSummaries, spansOf, type Range } from '../../src/node/spans.ts'
import { appendToPage, summarise } from '../../src/stream/summary.ts'

const stream = streamIdOf(publicKeyToNodeId(new Uint8Array(32).fill(1)), 0)

/** Labels that every segment has: a filter of a few bits says yes wrongly too often for a test. */
const common = Array.from({ length: 30 }, (_, at) => `common:${at}`)

/** A page with one entry for each: first offset, events, first Lamport time, tag. */
const pageOf = (...segments: readonly (readonly [first: number, events: number, lamport: number, tag: string])[]) =>
  segments.reduce<Uint8Array | undefined>((page, [first, events, firstLamport, tag]) => {
    const body = { events, firstLamport, lastLamport: firstLamport + events - 1, lamports: [], minMicros: 0, maxMicros: 0, tags: new Set([...common, tag]), appIds: new Set(['']) }
    return appendToPage(page, summarise(stream, first, body))
  }, undefined) ?? new Uint8Array(1)

const spans = (page: Uint8Array, range: Partial<Range>, where: Where = allEvents) => {
  const full: Range = { stream, first: 0, end: 30, openFirst: 30, lastLamport: 900, ...range }
  return spansOf(full, readSummaries([page], new Set([stream])).get(stream) ?? [], where, new Set()).map(
    ({ first, end, firstLamport, lastLamport, segmentFirst }) => [first, end, firstLamport, lastLamport, segmentFirst],
  )
}

const three = pageOf([0, 10, 100, 'a'], [10, 10, 200, 'b'], [20, 10, 300, 'a'])

test('[S13] a span for each closed segment, cut to what is asked, and one for the open part', () => {
  expect(spans(three, { end: 35, openFirst: 30 })).toEqual([[0, 10, 100, 109, 0], [10, 20, 200, 209, 10], [20, 30, 300, 309, 20], [30, 35, 310, 900, 30]])
  expect(spans(three, { first: 15, end: 25 })).toEqual([[15, 20, 200, 209, 10], [20, 25, 300, 309, 20]])
  expect(spans(three, { first: 20, end: 20 })).toEqual([])
  expect(spans(three, { first: 31, end: 35 })).toEqual([[31, 35, 310, 900, 30]])
})

test('[S13] what cannot match is left out', () => {
  expect(spans(three, {}, [{ tags: ['b'] }])).toEqual([[10, 20, 200, 209, 10]])
  expect(spans(three, {}, [{ tags: ['b'] }, { tags: ['a'] }])).toHaveLength(3)
  expect(spans(three, {}, [{ tags: [], local: true }])).toEqual([])
  expect(spans(three, { end: 31 }, [{ tags: ['c'] }])).toEqual([[30, 31, 310, 900, 30]])
})

test('[S13] a closed segment without a summary is read all the same', () => {
  expect(spans(pageOf([10, 10, 200, 'b']), {}, [{ tags: ['c'] }])).toEqual([[0, 10, 1, 199, 0], [20, 30, 210, 900, 20]])
  expect(spans(pageOf(), {})).toEqual([[0, 30, 1, 900, 0]])
})

test('[S14] of a stream that was lowered and filled again the later summaries count', () => {
  const page = pageOf([0, 10, 100, 'a'], [10, 10, 200, 'b'], [20, 10, 300, 'c'], [10, 5, 200, 'x'], [15, 5, 205, 'y'])
  expect(spans(page, {}).map(([first]) => first)).toEqual([0, 10, 15, 20])
  expect(spans(page, {}, [{ tags: ['b'] }])).toEqual([])
  // Not reached again: what was closed beyond is not delivered.
  expect(spans(pageOf([0, 10, 100, 'a'], [10, 10, 200, 'b']), { end: 14, openFirst: 10 })).toEqual([[0, 10, 100, 109, 0], [10, 14, 110, 900, 10]])
})
