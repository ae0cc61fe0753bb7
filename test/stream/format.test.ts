import { expect, test } from 'vitest'
import { bytesToHex, concatBytes } from '../../src/core/bytes.ts'
import { webCrypto } from '../../src/node/web-crypto.ts'
import { parseLine } from '../../src/stream/batch.ts'
import { eventsOfLine } from '../../src/stream/body.ts'
import { decodeHeader, encodeHeader, headerId } from '../../src/stream/header.ts'
import { emptyBase } from '../../src/stream/segment.ts'
import { verifyPiece } from '../../src/stream/verify.ts'
import type { StreamId, SwarmId } from '../../src/core/ids.ts'
import golden from '../fixtures/format-1.json' with { type: 'json' }
import { makeGolden } from './golden.ts'
import { hex } from './keys.ts'

const stream = golden.stream as StreamId
const swarm = golden.swarm.id as SwarmId

test('[F1] [F17] [F20] [F21] [F31] [F34] [F35] [F36] [F37] the golden bytes of version 1 are made again, byte for byte', async () => {
  expect({ ...(await makeGolden(webCrypto) as object), deflatedAfterLine1: golden.deflatedAfterLine1 }).toEqual(golden)
})

test('[F24] the golden deflated body inflates to the lines', async () => {
  const body = concatBytes(golden.lines.slice(0, 2).map((line) => hex(line.hex)))
  expect(await webCrypto.inflate(hex(golden.deflatedAfterLine1), body.length)).toEqual(body)
})

test('[F22] the golden segments are verified as a chain', async () => {
  const closed = golden.closedAfterLine1
  const sealed = { header: hex(closed.header), seal: hex(closed.seal) }
  const first = await verifyPiece(webCrypto, swarm, emptyBase(stream), { stream, sealed, firstLine: 0, body: hex(golden.deflatedAfterLine1) })
  expect(first).toMatchObject({ type: 'append', headerId: hex(closed.headerId), lamports: [1, 8] })

  const next = golden.nextOpenWithLine2
  const base = emptyBase(stream, { offset: 3, previous: hex(closed.headerId), lamportBefore: 8 })
  const line = hex(golden.lines[2]?.hex ?? '')
  const piece = { stream, sealed: { header: hex(next.header), seal: hex(next.seal) }, firstLine: 3, body: line }
  expect(await verifyPiece(webCrypto, swarm, base, piece)).toMatchObject({ type: 'append', lamports: [4_503_599_627_370_495] })
  expect(await verifyPiece(webCrypto, swarm, emptyBase(stream, { offset: 3, previous: hex(golden.openAfterLine0.headerId), lamportBefore: 8 }), piece)).toMatchObject({ type: 'misfit', why: 'previous' })
})

test('[F2] [F15] the golden lines say the events that were published', () => {
  const parsed = golden.lines.map((line) => parseLine(hex(line.hex)))
  let offset = 0
  const events = parsed.flatMap((line) => {
    if (!line.ok) throw new Error(line.error)
    const found = eventsOfLine(line.value, stream, offset, new Set())
    offset += found.length
    return found
  })
  expect(events.map(({ meta }) => meta.eventId)).toEqual(golden.eventIds)
  expect(events.map(({ meta }) => meta.offset)).toEqual([0, 1, 2, 3])
  expect(events[2]).toMatchObject({
    meta: { lamport: 8, tags: ['Stückzahl:\u{1f4e6}', '\u00e9'], appId: '', timestampMicros: 1_328_000_060_000_000, isLocalEvent: false, basis: { [stream]: 0 } },
    payload: [1.5, -3, 1e21, 'ä "\\" \u0001 \ud800', { nested: {} }],
  })
  expect(events[2]?.meta.timestampAsDate().toISOString()).toBe('2012-01-31T08:54:20.000Z')
  expect(events[1]?.meta).not.toHaveProperty('basis')
  expect(events[3]?.meta.basis).toBe(null)
})

test('[F20] closing changes the flags and the seal, not the header id', async () => {
  const [open, closed] = [golden.openAfterLine1, golden.closedAfterLine1]
  expect(open.headerId).toBe(closed.headerId)
  expect(open.header.slice(0, -2)).toBe(closed.header.slice(0, -2))
  expect(open.seal).not.toBe(closed.seal)
  expect(bytesToHex(await headerId(webCrypto, hex(closed.header)))).toBe(closed.headerId)
})

test('[F26] who holds more computes the earlier header of an open segment', async () => {
  const later = decodeHeader(hex(golden.openAfterLine1.header))
  if (!later.ok) throw new Error(later.error)
  const line = hex(golden.lines[0]?.hex ?? '')
  const earlier = encodeHeader({ ...later.value, events: 1, lastLamport: 1, bodyBytes: line.length, bodyHash: await webCrypto.sha256(line) })
  expect(bytesToHex(earlier)).toBe(golden.openAfterLine0.header)
})
