import { encode } from 'cborg'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bytesToHex, concatBytes, equalBytes, hexToBytes } from '../../src/core/bytes.ts'
import { encodeCbor, fitText } from '../../src/protocol/cbor.ts'
import { decodeMessage, encodeMessage } from '../../src/protocol/codec.ts'
import { byeReasons, type Message } from '../../src/protocol/message.ts'
import golden from '../fixtures/protocol-1.json' with { type: 'json' }
import { bytes, deepFreeze, nodeA, nodeB, samples, streamA, swarm } from './messages.ts'

const hex = (text: string): Uint8Array => hexToBytes(text) ?? new Uint8Array(0)

describe('golden bytes of version 1', () => {
  test('[R3] every form has its bytes', () => expect(Object.keys(golden)).toEqual(Object.keys(samples)))
  test.each(Object.entries(golden))('[R3] %s', (name, text) => {
    const message = deepFreeze(samples[name])
    if (message === undefined) throw new Error(name)
    expect(bytesToHex(encodeMessage(message))).toBe(text)
    expect(decodeMessage(hex(text))).toEqual({ ok: true, value: message })
  })
})

// any message within its bounds

const byte = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
const offset = fc.maxSafeNat()
const streams = fc.constantFrom(...['', '~abcdefghijklmnopqrstuv', '~abcdefghijklmnopqrstuv~vutsrqponmlkjihgfedcba'].map((end) => `${streamA}${end}` as typeof streamA))
const text = (max: number) => fc.string({ unit: 'binary', maxLength: max }).map((value) => fitText(value, max))
const starts = fc.record({ stream: streams, offset, previous: byte(32), lamportBefore: offset, chain: byte(32), signature: byte(64) })
const forkOffsets = fc.tuple(offset, offset).map(([a, b]) => ({ first: Math.min(a, b), end: Math.max(a, b) }))
const whole = fc.record({ header: fc.uint8Array({ minLength: 1, maxLength: 512 }), seal: byte(64), deflated: fc.uint8Array({ minLength: 1, maxLength: 300 }) })
const pages = fc.constantFrom('visible' as const, 'hidden' as const)

const messages: fc.Arbitrary<Message> = fc.oneof(
  fc.record({ type: fc.constant('hello' as const), versions: fc.array(offset, { maxLength: 16 }), features: fc.array(text(32), { maxLength: 5 }), swarm: fc.constant(swarm), nodeId: fc.constantFrom(nodeA, nodeB), nonce: byte(32) }),
  fc.record({ type: fc.constant('proof' as const), signature: byte(64), mac: byte(32) }),
  fc.record({ type: fc.constant('about' as const), name: text(256), software: text(64), hubs: fc.array(text(512), { maxLength: 3 }) }),
  fc.record({
    type: fc.constant('have' as const), heads: fc.uniqueArray(fc.tuple(streams, fc.record({ next: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), id: byte(16) })), { selector: ([stream]) => stream, maxLength: 3 }),
    starts: fc.array(starts, { maxLength: 2 }), forks: fc.array(fc.tuple(streams, forkOffsets).map(([stream, offsets]) => ({ stream, ...offsets, branches: [] })), { maxLength: 2 }), more: fc.boolean(),
  }),
  fc.record({ id: fc.integer({ min: 1, max: 2 ** 40 }), stream: streams, offsets: forkOffsets, previous: byte(32), budgetBytes: fc.nat(16 * 1024 * 1024) })
    .map(({ id, stream, offsets, previous, budgetBytes }) => ({ type: 'want' as const, id, stream, place: { first: offsets.first, previous, next: offsets.end }, budgetBytes })),
  fc.record({ id: fc.integer({ min: 1, max: 2 ** 40 }), stream: streams, offsets: forkOffsets }).map(({ id, stream, offsets }) => ({ type: 'wantFork' as const, id, stream, ...offsets })),
  fc.record({ type: fc.constant('segment' as const), want: offset, stream: streams, header: fc.uint8Array({ minLength: 1, maxLength: 512 }), seal: byte(64), from: offset, body: fc.uint8Array({ minLength: 1, maxLength: 3_000 }) }),
  fc.record({ type: fc.constant('end' as const), want: fc.integer({ min: 1, max: 9 }), reason: fc.constant('start' as const), start: starts }),
  fc.record({ type: fc.constant('end' as const), want: fc.integer({ min: 1, max: 9 }), reason: fc.constantFrom('all' as const, 'budget' as const, 'busy' as const), start: fc.constant(undefined) }),
  fc.record({ type: fc.constant('fork' as const), one: whole, other: whole }),
  fc.record({
    type: fc.constant('relay' as const), hops: fc.nat(4),
    envelope: fc.record({ from: fc.constant(nodeA), to: fc.constant(nodeB), nonce: byte(16), content: fc.uint8Array({ minLength: 28, maxLength: 3_500 }), signature: byte(64) }),
  }),
  fc.record({
    type: fc.constant('members' as const),
    members: fc.array(fc.record({ member: fc.record({ nodeId: fc.constant(nodeA), name: text(256), links: fc.array(fc.constant(nodeB), { maxLength: 3 }), counter: offset, signature: byte(64) }), heardSecondsAgo: fc.nat() }), { maxLength: 3 }),
  }),
  fc.record({ type: fc.constant('layer' as const), channel: text(64), bytes: fc.uint8Array({ maxLength: 500 }) }),
  fc.record({ type: fc.constantFrom('ping' as const, 'pong' as const), timeMicros: offset, page: pages }),
  fc.record({ type: fc.constant('standby' as const), id: byte(16), step: fc.constantFrom('offer' as const, 'answer' as const), signal: fc.uint8Array({ minLength: 1, maxLength: 3_072 }) }),
  fc.record({ type: fc.constant('standby' as const), id: byte(16), step: fc.constant('end' as const), signal: byte(0) }),
  fc.record({ type: fc.constant('bye' as const), reason: fc.constantFrom(...byeReasons) }),
)

describe('codec laws', () => {
  test('[R3] what is encoded is decoded again', () => {
    fc.assert(fc.property(messages, (message) => {
      expect(decodeMessage(encodeMessage(deepFreeze(message)))).toEqual({ ok: true, value: message })
    }), { numRuns: 500 })
  })

  test('[R5] noise never throws', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), (noise) => {
      expect(typeof decodeMessage(noise).ok).toBe('boolean')
    }), { numRuns: 5_000 })
  })

  test('[R4] a message that was changed anywhere is refused, or is another message with other bytes', () => {
    fc.assert(fc.property(messages, fc.nat(), fc.integer({ min: 1, max: 255 }), (message, place, change) => {
      const changed = encodeMessage(message).slice()
      const at = place % changed.length
      changed[at] = (changed[at] ?? 0) ^ change
      const decoded = decodeMessage(changed)
      // Unknown keys of hello are not kept.
      expect(!decoded.ok || decoded.value.type === 'hello' || equalBytes(encodeMessage(decoded.value), changed)).toBe(true)
    }), { numRuns: 1_000 })
  })

  test('[R5] cut off or followed by more, no message is one', () => {
    for (const message of Object.values(samples)) {
      const whole = encodeMessage(message)
      for (let length = 0; length < whole.length; length += 7) expect(decodeMessage(whole.subarray(0, length)).ok).toBe(false)
      expect(decodeMessage(concatBytes([whole, Uint8Array.of(0)])).ok).toBe(false)
    }
  })
})

const raw = (fields: readonly unknown[]): Uint8Array => encodeCbor(fields)
const hello = (more: readonly (readonly [unknown, unknown])[] = [], versions: unknown = [1]): Uint8Array =>
  raw([1, new Map<unknown, unknown>([[1, versions], [2, []], [3, bytes(16)], [4, bytes(32)], [5, bytes(32)], ...more])])

const refused: readonly (readonly [string, Uint8Array])[] = [
  ['nothing', new Uint8Array(0)],
  ['no array', encode(12)],
  ['an array of indefinite length', hex('9f0c0100ff')],
  ['a length that is not the shortest', hex('980e0c0100')],
  ['an integer that is not the shortest', hex('830c180100')],
  ['a float for an integer', hex('830cf93c0000')],
  ['a negative integer', hex('830c2000')],
  ['an integer above 2^53 - 1', hex('830c1b002000000000000000')],
  ['a tag', hex('830cc10100')],
  ['null', hex('830cf600')],
  ['undefined', hex('830cf700')],
  ['broken UTF-8', hex('820e62c328')],
  ['a field less', raw([12, 1])],
  ['a field more', raw([12, 1, 0, 0])],
  ['a text for bytes', raw([2, 'x'.repeat(64), bytes(32)])],
  ['bytes for a text', raw([14, bytes(3)])],
  ['keys of hello out of order', concatBytes([hex('8201a2'), encode(2), encode([]), encode(1), encode([1])])],
  ['a key of hello twice', concatBytes([hex('8201a2'), encode(1), encode([1]), encode(1), encode([1])])],
  ['hello without nonce', raw([1, new Map<unknown, unknown>([[1, [1]], [2, []], [3, bytes(16)], [4, bytes(32)]])])],
  ['hello with a key of 33 bytes', hello([['k'.repeat(33), 1]])],
  ['hello with 17 versions', hello([], Array.from({ length: 17 }, () => 1))],
  ['a mac of 31 bytes', raw([2, bytes(64), bytes(31)])],
  ['a name of 257 bytes', raw([3, 'ä'.repeat(128) + 'x', '', []])],
  ['17 hubs', raw([3, '', '', Array.from({ length: 17 }, () => '')])],
  ['a head at offset 0', raw([4, [[streamA, 0, bytes(16)]], [], [], false])],
  ['a stream twice', raw([4, [[streamA, 1, bytes(16)], [streamA, 2, bytes(16)]], [], [], false])],
  ['a stream id that is none', raw([4, [['x', 1, bytes(16)]], [], [], false])],
  ['1,001 forks', raw([4, [], [], Array.from({ length: 1_001 }, () => [streamA, 0, 0, []]), false])],
  ['a fork that ends before it begins', raw([4, [], [], [[streamA, 5, 4, []]], false])],
  ['five branches', raw([4, [], [], [[streamA, 5, 6, Array.from({ length: 5 }, () => 'abcdefghijklmnopqrstuv')]], false])],
  ['a want with id 0', raw([5, 0, streamA, 0, bytes(32), 0, 1])],
  ['a want with next before first', raw([5, 1, streamA, 2, bytes(32), 1, 1])],
  ['a want with a budget above 16 MiB', raw([5, 1, streamA, 0, bytes(32), 0, 16 * 1024 * 1024 + 1])],
  ['a want with six fields', raw([5, 1, streamA, 0, bytes(32), 0])],
  ['a header of 513 bytes', raw([6, 1, streamA, bytes(513), bytes(64), 0, bytes(1)])],
  ['an empty body', raw([6, 1, streamA, bytes(167), bytes(64), 0, bytes(0)])],
  ['a body above 193 KiB', raw([6, 1, streamA, bytes(167), bytes(64), 0, bytes(193 * 1024 + 1)])],
  ['an end of another reason', raw([7, 1, 'never'])],
  ['an end with a start for another reason', raw([7, 1, 'all', [streamA, 0, bytes(32), 0, bytes(64)]])],
  ['an end without the start', raw([7, 1, 'start'])],
  ['a relay with 5 hops', raw([9, bytes(32), bytes(32), bytes(16), 5, bytes(28), bytes(64)])],
  ['a relay above 4 KiB', raw([9, bytes(32), bytes(32), bytes(16), 1, bytes(4_000), bytes(64)])],
  ['33 links', raw([10, [[bytes(32), '', Array.from({ length: 33 }, () => bytes(32)), 0, bytes(64), 0]]])],
  ['a layer message above 255 KiB', raw([11, 'x', bytes(255 * 1024 + 1)])],
  ['a page state of 2', raw([12, 1, 2])],
  ['another reason of bye', raw([14, 'tired'])],
  ['an offer of a standby without a signal', raw([15, bytes(16), 'offer', bytes(0)])],
  ['an end of a standby with a signal', raw([15, bytes(16), 'end', bytes(1)])],
  ['a signal of a standby above 3 KiB', raw([15, bytes(16), 'answer', bytes(3_073)])],
  ['another step of a standby', raw([15, bytes(16), 'again', bytes(1)])],
  ['a standby with an id of 15 bytes', raw([15, bytes(15), 'offer', bytes(1)])],
  ['arrays within arrays', new Uint8Array(200_000).fill(0x81)],
]

describe('what is refused', () => {
  test.each(refused)('[R5] %s', (_, bytes) => expect(decodeMessage(bytes).ok).toBe(false))

  test.each([[0, 'unknown'], [16, 'unknown'], [23, 'unknown']] as const)('[R5] type %i is %s', (type, code) =>
    expect(decodeMessage(raw([type, 1]))).toMatchObject({ ok: false, error: { code } }))

  test('[R5] above 256 KiB only a fork is taken, and none above 512 KiB', () => {
    const fork: Message = { type: 'fork', one: { header: bytes(167), seal: bytes(64), deflated: bytes(193 * 1024) }, other: { header: bytes(167), seal: bytes(64), deflated: bytes(193 * 1024) } }
    expect(decodeMessage(encodeMessage(fork)).ok).toBe(true)
    expect(decodeMessage(raw([6, 1, streamA, bytes(167), bytes(64), 0, bytes(256 * 1024)]))).toMatchObject({ ok: false, error: { code: 'too-large' } })
    expect(decodeMessage(new Uint8Array(512 * 1024 + 1).fill(0x88))).toMatchObject({ ok: false, error: { code: 'too-large' } })
  })

  test('[R6] unknown keys of hello are ignored, whatever they hold', () => {
    const decoded = decodeMessage(hello([[99, ['new', new Map([['x', 1]])]], ['later', true]]))
    expect(decoded).toMatchObject({ ok: true, value: { type: 'hello', versions: [1] } })
  })

  test('[R5] what this program would not decode it does not encode', () =>
    expect(() => encodeMessage({ type: 'relay', envelope: { from: nodeA, to: nodeB, nonce: bytes(16), content: bytes(4_000), signature: bytes(64) }, hops: 1 })).toThrow('too large'))
})
