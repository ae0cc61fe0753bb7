import fc from 'fast-check'
import { expect, test } from 'vitest'
import { publicKeyToNodeId, streamIdOf, type SwarmId } from '../../src/core/ids.ts'
import { LAMPORT_MAX } from '../../src/core/lamport.ts'
import { webCrypto } from '../../src/node/web-crypto.ts'
import { decodeHeader, encodeHeader, getU64, HEADER_BYTES, headerId, noHeaderId, setU64, streamIdToBytes, swarmIdToBytes, type Header } from '../../src/stream/header.ts'

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
const header: fc.Arbitrary<Header> = fc
  .record({
    swarm: bytes(16).map((id) => Buffer.from(id).toString('hex') as SwarmId),
    stream: fc.tuple(bytes(32), fc.nat({ max: 255 })).map(([key, number]) => streamIdOf(publicKeyToNodeId(key), number)),
    first: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 2 ** 53 - 1 - 2 ** 32 })),
    events: fc.integer({ min: 1, max: 2 ** 32 - 1 }),
    firstLamport: fc.integer({ min: 1, max: 2 ** 51 }),
    gap: fc.nat(),
    bodyBytes: fc.integer({ min: 1, max: 65_535 }),
    previous: bytes(32).filter((id) => id.some((byte) => byte !== 0)),
    bodyHash: bytes(32),
    closed: fc.boolean(),
  })
  .map(({ gap, previous, ...rest }) => ({ ...rest, lastLamport: rest.firstLamport + rest.events - 1 + gap, previous: rest.first === 0 ? noHeaderId : previous }))

test('[F17] [F18] a header comes back from its 167 bytes, and has one form only', () => {
  fc.assert(
    fc.property(header, (fields) => {
      const encoded = encodeHeader(Object.freeze(fields))
      expect(encoded.length).toBe(HEADER_BYTES)
      expect(decodeHeader(encoded)).toEqual({ ok: true, value: fields })
    }),
  )
})

test('[F18] a changed header is malformed or another header, which has those bytes', () => {
  fc.assert(
    fc.property(header, fc.nat({ max: HEADER_BYTES - 1 }), fc.integer({ min: 1, max: 255 }), (fields, at, flip) => {
      const changed = encodeHeader(fields).map((byte, index) => (index === at ? byte ^ flip : byte))
      const decoded = decodeHeader(changed)
      expect(decoded.ok ? encodeHeader(decoded.value) : decoded.error).toEqual(decoded.ok ? changed : at === 17 ? 'newer' : 'malformed')
    }),
    { numRuns: 1000 },
  )
})

test('[G7] decoding noise gives an error, never an exception', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => {
      expect(decodeHeader(noise)).toEqual({ ok: false, error: 'malformed' })
    }),
  )
})

test('[F18] a header within a larger buffer is read at its place', () => {
  const fields: Header = { swarm: '00'.repeat(16) as SwarmId, stream: streamIdOf(publicKeyToNodeId(new Uint8Array(32).fill(3)), 0), first: 0, events: 1, firstLamport: 1, lastLamport: LAMPORT_MAX, bodyBytes: 20, previous: noHeaderId, bodyHash: new Uint8Array(32), closed: false }
  const larger = new Uint8Array(HEADER_BYTES + 10).fill(255)
  larger.set(encodeHeader(fields), 5)
  expect(decodeHeader(larger.subarray(5, 5 + HEADER_BYTES))).toEqual({ ok: true, value: fields })
})

test('[F20] the header id leaves out the flags', async () => {
  await fc.assert(
    fc.asyncProperty(header, async (fields) => {
      const [open, closed] = [encodeHeader({ ...fields, closed: false }), encodeHeader({ ...fields, closed: true })]
      expect(await headerId(webCrypto, open)).toEqual(await headerId(webCrypto, closed))
      expect(await headerId(webCrypto, open)).toEqual(await webCrypto.sha256(open.subarray(0, 166)))
    }),
    { numRuns: 20 },
  )
})

test('[F34] numbers are big-endian, ids raw', () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), (value) => {
      const view = new DataView(new ArrayBuffer(10))
      setU64(view, 1, value)
      expect(view.getBigUint64(1)).toBe(BigInt(value))
      expect(getU64(view, 1)).toBe(value)
    }),
  )
  expect(swarmIdToBytes('000102030405060708090a0b0c0d0e0f' as SwarmId)).toEqual(Uint8Array.from({ length: 16 }, (_, at) => at))
  const key = Uint8Array.from({ length: 32 }, (_, at) => at)
  expect(streamIdToBytes(streamIdOf(publicKeyToNodeId(key), 258))).toEqual(Uint8Array.from([...key, 0, 0, 1, 2]))
})
