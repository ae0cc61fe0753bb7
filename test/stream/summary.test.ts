import fc from 'fast-check'
import { expect, test } from 'vitest'
import { publicKeyToNodeId, streamIdOf, type StreamId } from '../../src/core/ids.ts'
import { allEvents, matches, type Conjunction, type Where } from '../../src/core/where.ts'
import type { BodySummary } from '../../src/stream/body.ts'
import { appendToPage, entriesOf, mayMatch, PAGE_BYTES_MAX, PAGE_COUNT_MAX, probeOf, summarise, SummaryEntry } from '../../src/stream/summary.ts'
import { createRandom } from '../random.ts'
import { given } from './given.ts'

const stream = streamIdOf(publicKeyToNodeId(new Uint8Array(32).fill(200)), 3)
const body = (tags: readonly string[], appIds: readonly string[] = ['app']): BodySummary => ({
  events: 500, firstLamport: 7, lastLamport: 2 ** 52 - 1, lamports: [], minMicros: 11, maxMicros: 2 ** 53 - 1, tags: new Set(tags), appIds: new Set(appIds),
})
const numbered = (prefix: string, count: number): string[] => Array.from({ length: count }, (_, at) => `${prefix}:${at}`)

test('[F38] a summary never says no to an event that is there', () => {
  const label = fc.oneof(fc.constantFrom('a', 'b', 'c', 'order:1', 'order:2'), fc.string({ maxLength: 5 }))
  const conjunction = fc.record({ tags: fc.array(label, { maxLength: 3 }), appId: fc.constantFrom('a', 'b'), local: fc.constant(true as const) }, { requiredKeys: ['tags'] })
  const event = fc.record({ tags: fc.array(label, { maxLength: 4 }), appId: fc.constantFrom('a', 'b', 'c') })
  fc.assert(
    fc.property(fc.array(event, { minLength: 1 }), fc.array(conjunction, { maxLength: 3 }), fc.boolean(), (events, where: Where, isLocal) => {
      const entry = new SummaryEntry(summarise(stream, 0, body(events.flatMap(({ tags }) => tags), events.map(({ appId }) => appId))))
      const isThere = events.some((labels) => matches(where, { ...labels, isLocal, lamport: 7, timestampMicros: 11 }))
      expect(!isThere || mayMatch(entry, probeOf(where), isLocal)).toBe(true)
    }),
    { numRuns: 1000 },
  )
})

test('[F38] it says no to nearly all that is not there', () => {
  const entry = new SummaryEntry(summarise(stream, 0, body(numbered('there', 600))))
  const wrong = numbered('absent', 20_000).filter((tag) => mayMatch(entry, probeOf([{ tags: [tag] }]), false)).length
  expect(wrong / 20_000).toBeLessThan(0.006)
  expect(mayMatch(entry, probeOf([{ tags: [], appId: 'other' }]), false)).toBe(false)
  expect(mayMatch(entry, probeOf([{ tags: ['app'] }]), false)).toBe(false)
  expect(mayMatch(entry, probeOf([]), false)).toBe(false)
  expect(mayMatch(entry, probeOf([{ tags: [], local: true }]), false)).toBe(false)
  expect(mayMatch(entry, probeOf(allEvents), false)).toBe(true)
})

test('[F38] a segment outside of the times or Lamport times that are asked for is ruled out', () => {
  const entry = new SummaryEntry(summarise(stream, 0, { ...body(['a']), firstLamport: 10, lastLamport: 20, minMicros: 100, maxMicros: 200 }))
  const check = (bounds: Omit<Conjunction, 'tags'>, expected: boolean) => expect(mayMatch(entry, probeOf([{ tags: ['a'], ...bounds }]), false)).toBe(expected)
  check({ minLamport: 20 }, true)
  check({ minLamport: 21 }, false)
  check({ maxLamport: 10 }, true)
  check({ maxLamport: 9 }, false)
  check({ minMicros: 200 }, true)
  check({ minMicros: 201 }, false)
  check({ maxMicros: 100 }, true)
  check({ maxMicros: 99 }, false)
})

test('[F38] the numbers of a segment come back', () => {
  const entry = new SummaryEntry(summarise(stream, 2 ** 53 - 1001, body(['a'])))
  expect([entry.stream, entry.first, entry.events, entry.firstLamport, entry.lastLamport, entry.minMicros, entry.maxMicros]).toEqual([stream, 2 ** 53 - 1001, 500, 7, 2 ** 52 - 1, 11, 2 ** 53 - 1])
  const branch = `${stream}~${'b'.repeat(22)}` as StreamId
  expect(new SummaryEntry(summarise(branch, 0, body([]))).stream).toBe(branch)
})

test('[F38] pages hold up to 64 entries below 60 KiB, in order', () => {
  const random = createRandom(4)
  const entries = Array.from({ length: 300 }, (_, at) => summarise(stream, at, body(numbered(`e${at}`, random.below(1500)))))
  const pages: Uint8Array[] = []
  for (const entry of entries) {
    const longer = appendToPage(pages.at(-1), entry)
    if (longer === undefined) pages.push(given(appendToPage(undefined, entry)))
    else pages.splice(Math.max(0, pages.length - 1), 1, longer)
  }
  const counts = pages.map((page) => [...entriesOf(page)].length)
  expect(pages.flatMap((page) => [...entriesOf(page)].map(({ first }) => first))).toEqual(entries.map((_, at) => at))
  for (const page of pages) expect(page.length).toBeLessThan(PAGE_BYTES_MAX)
  expect(Math.max(...counts)).toBeLessThanOrEqual(PAGE_COUNT_MAX)
  expect(Math.min(...counts.slice(0, -1))).toBeGreaterThan(15)
})

test('[F38] 64 small entries fill a page', () => {
  const entry = summarise(stream, 0, body(['a']))
  let page = appendToPage(undefined, entry)
  for (let count = 1; count < 64; count++) page = appendToPage(page, entry)
  expect(page?.[0]).toBe(64)
  expect(appendToPage(page, entry)).toBeUndefined()
})

test('[F38] a segment of very many tags still fits in a page', () => {
  const tags = numbered('t', 40_000)
  const entry = summarise(stream, 0, body(tags))
  expect(appendToPage(undefined, entry)).toBeDefined()
  for (const tag of tags.slice(0, 500)) expect(mayMatch(new SummaryEntry(entry), probeOf([{ tags: [tag] }]), false)).toBe(true)
})
