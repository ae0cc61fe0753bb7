import fc from 'fast-check'
import { expect, test } from 'vitest'
import { LAMPORT_MAX } from '../../src/core/lamport.ts'
import { encodeUtf8 } from '../../src/core/utf8.ts'
import { encodeBatch, EVENT_COUNT_MAX, lastLamportOf, parseLine } from '../../src/stream/batch.ts'
import { taggedEvent } from './arbitraries.ts'

const options = fc.record({ timestampMicros: fc.maxSafeNat(), appId: fc.string({ maxLength: 20 }) })
const lamport = fc.integer({ min: 1, max: LAMPORT_MAX - EVENT_COUNT_MAX })

test('[F1] [F2] [F15] what was published is parsed again', () => {
  fc.assert(
    fc.property(fc.array(taggedEvent, { minLength: 1, maxLength: 6 }), lamport, options, (events, first, { timestampMicros, appId }) => {
      const encoded = encodeBatch(events, first, { timestampMicros, appId })
      if (!encoded.ok) throw new Error(encoded.error.text)
      const parsed = parseLine(encoded.value.line)
      if (!parsed.ok) throw new Error(parsed.error)
      expect(parsed.value.slice(0, 3)).toEqual([first, timestampMicros, appId])
      expect(JSON.stringify(parsed.value[3])).toBe(
        JSON.stringify(events.map(({ tags, event, basis }) => [tags.map((tag) => tag.normalize('NFC')), event, ...(basis === undefined ? [] : [basis])])),
      )
      expect(encoded.value).toMatchObject({ events: events.length, firstLamport: first, lastLamport: first + events.length - 1 })
      expect(lastLamportOf(parsed.value)).toBe(encoded.value.lastLamport)
    }),
  )
})

test('[G7] parsing never throws, whatever the bytes', () => {
  const noise = fc.oneof(fc.uint8Array({ maxLength: 60 }), fc.json().map((text) => encodeUtf8(`${text}\n`)), fc.string().map((text) => encodeUtf8(`[1,2,"a",[[[],${text}]]]\n`)))
  fc.assert(
    fc.property(noise, (bytes) => {
      expect(typeof parseLine(bytes).ok).toBe('boolean')
    }),
    { numRuns: 2000 },
  )
})

test('[G7] a valid line with any byte changed is judged without an exception', () => {
  const line = encodeUtf8('[12,34,"app",[[["tag","é"],{"a":[1,"\\u00e4",null]},{}]]]\n')
  fc.assert(
    fc.property(fc.nat({ max: line.length - 1 }), fc.nat({ max: 255 }), (at, byte) => {
      expect(typeof parseLine(line.map((old, index) => (index === at ? byte : old))).ok).toBe('boolean')
    }),
    { numRuns: 2000 },
  )
})

test('[F15] a refusal says which event, and why', () => {
  const refused = (events: Parameters<typeof encodeBatch>[0], lamportOf = 1, appId = 'app', timestampMicros = 0): string => {
    const encoded = encodeBatch(events, lamportOf, { timestampMicros, appId })
    return encoded.ok ? 'published' : encoded.error.text
  }
  const good = { tags: [], event: 0 }
  expect(refused([good, { tags: [], event: { a: [NaN] } }])).toBe('event 1: payload.a[0] is NaN')
  expect(refused([{ tags: [''], event: 0 }])).toBe('event 0: a tag is not 1 to 1024 bytes of text: ')
  expect(refused([{ tags: [], event: 0, basis: { a: 1 } as never }])).toBe('event 0: the basis is not an offset map of at most 64 streams')
  expect(refused([])).toBe('1 to 65536 events in one publish')
  expect(refused([good], LAMPORT_MAX + 1)).toBe('the Lamport time is used up')
  expect(refused([good], 1, 'a'.repeat(257))).toBe('the app id is not text of at most 256 bytes')
  expect(refused([good], 1, 'app', 0.5)).toBe('the time is not a whole number of microseconds since 1970')
  expect(refused([{ tags: [], event: 'x'.repeat(200_000) }])).toBe('200022 bytes in one publish, at most 131072: publish in several parts')
})
