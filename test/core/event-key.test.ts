import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compareEventKeys, eventKeyToId, parseEventId, type EventKey } from '../../src/core/event-key.ts'
import { publicKeyToNodeId, streamIdOf } from '../../src/core/ids.ts'
import { LAMPORT_MAX } from '../../src/core/lamport.ts'

const key: fc.Arbitrary<EventKey> = fc.record({
  lamport: fc.oneof(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: LAMPORT_MAX })),
  stream: fc.tuple(fc.nat({ max: 2 }), fc.nat({ max: 12 })).map(([node, number]) => streamIdOf(publicKeyToNodeId(new Uint8Array(32).fill(node * 100)), number)),
})
const sign = (value: number): number => Math.sign(value)

test('[F32] the order is total, and that of event ids as text', () => {
  fc.assert(
    fc.property(key, key, key, (a, b, c) => {
      expect(sign(compareEventKeys(a, b))).toBe(0 - sign(compareEventKeys(b, a)))
      expect([a, b, c].toSorted(compareEventKeys)).toEqual([c, a, b].toSorted(compareEventKeys))
      const [x, y] = [eventKeyToId(a), eventKeyToId(b)]
      expect(sign(compareEventKeys(a, b))).toBe(x < y ? -1 : x > y ? 1 : 0)
    }),
  )
})

test('[F31] an event id comes back, and other texts are none', () => {
  fc.assert(
    fc.property(key, (a) => {
      expect(parseEventId(eventKeyToId(a))).toEqual({ id: eventKeyToId(a), ...a })
    }),
  )
  const stream = streamIdOf(publicKeyToNodeId(new Uint8Array(32)), 0)
  expect(eventKeyToId({ lamport: 42, stream })).toBe(`0000000000000042/${stream}`)
  for (const text of ['', stream, `42/${stream}`, `0000000000000000/${stream}`, `4503599627370496/${stream}`, '0000000000000042/x', `0000000000000042-${stream}`, `00000000000000x2/${stream}`]) {
    expect(parseEventId(text)).toBeUndefined()
  }
})
