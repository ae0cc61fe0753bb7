import fc from 'fast-check'
import { expect, test } from 'vitest'
import { concatBytes } from '../../src/core/bytes.ts'
import { publicKeyToNodeId, streamIdOf } from '../../src/core/ids.ts'
import { decodeUtf8, encodeUtf8 } from '../../src/core/utf8.ts'
import { parseLine, type EncodedBatch } from '../../src/stream/batch.ts'
import { byteOfEvent, eventsOfLine, firstDifference, linesOf, readBody } from '../../src/stream/body.ts'
import { batchOf, taggedEvent } from './arbitraries.ts'
import { given } from './given.ts'

const nodeId = publicKeyToNodeId(new Uint8Array(32).fill(9))
const stream = streamIdOf(nodeId, 0)

const batches: fc.Arbitrary<EncodedBatch[]> = fc.array(fc.tuple(fc.array(taggedEvent, { minLength: 1, maxLength: 3 }), fc.nat({ max: 9 })), { minLength: 1, maxLength: 8 }).map((parts) => {
  let lamport = 0
  return parts.map(([events, gap]) => {
    const batch = batchOf(lamport + 1 + gap, events, gap)
    lamport = batch.lastLamport
    return batch
  })
})
const bodyOf = (parts: readonly EncodedBatch[]): Uint8Array => concatBytes(parts.map(({ line }) => line))

test('[F1] a body is taken apart into the lines it was joined of, without a copy', () => {
  fc.assert(
    fc.property(batches, (parts) => {
      const body = bodyOf(parts)
      const lines = [...linesOf(body)]
      expect(lines).toEqual(parts.map(({ line }) => line))
      for (const line of lines) expect(line.buffer).toBe(body.buffer)
      expect([...linesOf(body, parts[0]?.line.length)]).toEqual(lines.slice(1))
    }),
  )
  expect([...linesOf(encodeUtf8('a\n\nb'))].map(decodeUtf8)).toEqual(['a\n', '\n', 'b'])
  expect([...linesOf(new Uint8Array(0))]).toEqual([])
})

test('[F16] [F25] a body adds up to what its batches say', () => {
  fc.assert(
    fc.property(batches, (parts) => {
      const read = readBody(bodyOf(parts), 0)
      if (!read.ok) throw new Error(read.error.type)
      const lines = parts.flatMap(({ line }) => {
        const parsed = parseLine(line)
        return parsed.ok ? [parsed.value] : []
      })
      expect(read.value).toEqual({
        events: parts.reduce((sum, { events }) => sum + events, 0),
        firstLamport: parts[0]?.firstLamport,
        lastLamport: parts.at(-1)?.lastLamport,
        lamports: parts.map(({ lastLamport }) => lastLamport),
        minMicros: Math.min(...lines.map((line) => line[1])),
        maxMicros: Math.max(...lines.map((line) => line[1])),
        tags: new Set(lines.flatMap((line) => line[3].flatMap(([tags]) => tags))),
        appIds: new Set(['test']),
      })
    }),
  )
})

test('[F2] only offsets at which a batch begins have a byte', () => {
  fc.assert(
    fc.property(batches, (parts) => {
      const body = bodyOf(parts)
      const byteByCount = new Map<number, number>([[0, 0]])
      let [count, bytes] = [0, 0]
      for (const { events, line } of parts) byteByCount.set((count += events), (bytes += line.length))
      for (let at = 0; at <= count + 1; at++) expect(byteOfEvent(body, at)).toBe(byteByCount.get(at))
    }),
  )
})

test('[F2] bodies differ from the first batch on that is another, or that only one has', () => {
  fc.assert(
    fc.property(batches, batches, batches, (common, a, b) => {
      const events = common.reduce((sum, batch) => sum + batch.events, 0)
      fc.pre(decodeUtf8(a[0]?.line ?? new Uint8Array(0)) !== decodeUtf8(b[0]?.line ?? new Uint8Array(0)))
      expect(firstDifference(bodyOf([...common, ...a]), bodyOf([...common, ...b]))).toBe(events)
      expect(firstDifference(bodyOf([...common, ...a]), bodyOf(common))).toBe(events)
      expect(firstDifference(bodyOf(common), bodyOf([...common, ...a]))).toBe(events)
    }),
  )
})

test('[F2] the events of a line have rising offsets and Lamport times, and share the rest', () => {
  const parsed = parseLine(batchOf(41, [{ tags: ['a'], event: 1 }, { tags: [], event: { b: [] }, basis: null }], 1_500_000).line)
  if (!parsed.ok) throw new Error(parsed.error)
  const events = eventsOfLine(parsed.value, stream, 7, new Set([nodeId]))
  expect(events.map(({ payload }) => payload)).toEqual([1, { b: [] }])
  const [{ timestampAsDate, ...meta }, second] = [given(events[0]).meta, given(events[1]).meta]
  expect(meta).toEqual({ eventId: `0000000000000041/${stream}`, lamport: 41, stream, offset: 7, timestampMicros: 1_500_000, appId: 'test', tags: ['a'], isLocalEvent: true })
  expect(timestampAsDate()).toEqual(new Date(1500))
  expect(second).toMatchObject({ eventId: `0000000000000042/${stream}`, lamport: 42, offset: 8, timestampMicros: 1_500_000, basis: null })
  expect(eventsOfLine(parsed.value, stream, 7, new Set())[0]?.meta.isLocalEvent).toBe(false)
})

test('[G7] a body of noise is judged without an exception', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat({ max: 5 }), (body, count) => {
      expect(readBody(body, 0).ok).toBe(false)
      expect([0, undefined]).toContain(byteOfEvent(body, count))
    }),
  )
})
