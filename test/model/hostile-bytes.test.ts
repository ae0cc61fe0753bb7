import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { bytesToBase64Url, concatBytes, equalBytes, hexToBytes } from '../../src/core/bytes.ts'
import { parseNodeId, parseStreamId } from '../../src/core/ids.ts'
import { encodeUtf8 } from '../../src/core/utf8.ts'
import { answerBinding } from '../../src/hub/stun.ts'
import { decodeSignal as decodeConnectorSignal } from '../../src/net/simple-peer-signal.ts'
import { isArchive } from '../../src/node/archive-start.ts'
import { readArchive } from '../../src/node/archive.ts'
import { parseMark } from '../../src/node/marks.ts'
import { decodeMessage, encodeMessage } from '../../src/protocol/codec.ts'
import { addFrame, cutFrames, noPartial } from '../../src/protocol/frame.ts'
import { decodeInvitation, encodeInvitation } from '../../src/protocol/invitation.ts'
import { FORK_BYTES_MAX, FRAME_BYTES_MAX, MESSAGE_BYTES_MAX } from '../../src/protocol/limits.ts'
import { decodePairing } from '../../src/protocol/pairing.ts'
import { extractSignal } from '../../src/protocol/pairing-sdp.ts'
import { decodeEnvelope, encodeEnvelope } from '../../src/protocol/relay.ts'
import { decodeSignal, encodeSignal } from '../../src/protocol/signal.ts'
import { parseProgram, parseTags } from '../../src/query/parse.ts'
import { QueryError } from '../../src/query/errors.ts'
import { readBody } from '../../src/stream/body.ts'
import { parseLine } from '../../src/stream/batch.ts'
import { decodeHeader, encodeHeader } from '../../src/stream/header.ts'
import { bytesTaken, hostileBytes } from '../hostile-bytes.ts'
import { bytes, nodeA, nodeB, samples, streamA, swarm } from '../protocol/messages.ts'
import { createRandom } from '../random.ts'

const line = (lamport: number, payload: unknown): string => `${JSON.stringify([lamport, 1_800_000_000_000_000, 'com.example.press', [[['order:4711', 'ä'], payload, { [streamA]: 12 }], [[], null]]])}\n`
const lines = [line(1, { type: 'started', __proto__: { x: 1 }, deep: [[[[{ a: [1.5, -0, 1e300, '\ud83e\ude9a'] }]]]] }), line(3, 'x'), line(5, [])]
const header = encodeHeader({ swarm, stream: streamA, first: 256, events: 6, firstLamport: 1, lastLamport: 6, bodyBytes: 500, previous: bytes(32, 9), bodyHash: bytes(32, 70), closed: true })
const text = (value: string): Uint8Array => encodeUtf8(value)
const textOf = (value: Uint8Array): string => new TextDecoder('utf-8', { ignoreBOM: true }).decode(value)
const sdps = Object.values(JSON.parse(readFileSync('test/fixtures/sdp-samples.json', 'utf8')) as Readonly<Record<string, { readonly offer: string }>>).map(({ offer }) => offer)
const archive = [{ millpond: 'archive/1', swarm, name: 'Säge' }, { stream: streamA, first: 256, header: bytesToBase64Url(header), seal: bytesToBase64Url(bytes(64)), from: 256, bytes: lines.join('').length }]
  .map((each) => `${JSON.stringify(each)}\n`).join('') + lines.join('')
const invitation = encodeInvitation({ founder: bytes(32), random: bytes(16, 40), swarmKey: bytes(32, 60), lamport: 3_000_000, hubs: ['https://10.77.0.254:8443'] })
const mark = { swarm, nodeId: nodeA, next: 4, name: 'Säge', others: ['x'], own: 1, onlyHere: 1, atMicros: 12 }
const result = (value: { readonly ok: boolean }): boolean => typeof value.ok === 'boolean'
/** What is no value is `undefined`. */
const orNothing = (value: unknown): boolean => value === undefined || typeof value === 'object' || typeof value === 'boolean'
const orText = (value: unknown): boolean => value === undefined || typeof value === 'string'
const coded = (parse: () => unknown): boolean => {
  try {
    parse()
    return true
  } catch (error) {
    return error instanceof QueryError && error.code.startsWith('AQL-')
  }
}

interface Decoder {
  readonly rule: string
  readonly name: string
  readonly valid: readonly Uint8Array[]
  /** Whether what came of the bytes is an answer. What it throws is thrown on. */
  readonly answers: (bytes: Uint8Array) => boolean
}

const message = (name: string, sample: (typeof samples)[string]): Decoder => ({
  rule: 'R5', name: `message ${name}`, valid: [encodeMessage(sample)],
  answers: (given) => {
    const decoded = decodeMessage(given)
    return !decoded.ok || decoded.value.type === 'hello' || equalBytes(encodeMessage(decoded.value), given)
  },
})

const decoders: readonly Decoder[] = [
  ...Object.entries(samples).filter(([name]) => !name.startsWith('bye ')).map(([name, sample]) => message(name, sample)),
  { rule: 'R2', name: 'frames', valid: [...cutFrames(bytes(10)), ...cutFrames(bytes(70_000))], answers: (given) => result(addFrame(noPartial, given)) && result(addFrame({ parts: [bytes(3)], bytes: 3 }, given)) },
  { rule: 'F4', name: 'a line', valid: lines.map(text), answers: (given) => result(parseLine(given)) },
  { rule: 'F25', name: 'a body', valid: [text(lines.join(''))], answers: (given) => result(readBody(given, 0)) },
  { rule: 'F18', name: 'a header', valid: [header], answers: (given) => { const decoded = decodeHeader(given); return !decoded.ok || equalBytes(encodeHeader(decoded.value), given) } },
  { rule: 'F31', name: 'ids', valid: [text(streamA), text(`${streamA}~abcdefghijklmnopqrstuv`), text(nodeA)], answers: (given) => orNothing(parseStreamId(textOf(given))) && orText(parseNodeId(textOf(given))) },
  { rule: 'R50', name: 'an envelope', valid: [encodeEnvelope({ from: nodeA, to: nodeB, nonce: bytes(16), content: bytes(60), signature: bytes(64) })], answers: (given) => result(decodeEnvelope(given)) },
  {
    rule: 'R52', name: 'a signal', answers: (given) => result(decodeSignal(given)),
    valid: [encodeSignal({ type: 'greet', own: bytes(16), peer: bytes(16) }), encodeSignal({ type: 'signal', attempt: bytes(16), index: 1, data: bytes(40) }), encodeSignal({ type: 'refuse', attempt: bytes(16), reason: 'busy' })],
  },
  { rule: 'R60', name: 'an invitation', valid: [text(invitation)], answers: (given) => result(decodeInvitation(textOf(given))) },
  { rule: 'R81', name: 'a pairing code', valid: (JSON.parse(readFileSync('test/fixtures/pairing-1.json', 'utf8')) as { readonly text: string }[]).map((each) => text(each.text)), answers: (given) => result(decodePairing(textOf(given), { swarm, role: 'offer' })) },
  { rule: 'R82', name: 'a session description', valid: sdps.map(text), answers: (given) => orNothing(extractSignal(textOf(given))) },
  {
    rule: 'G7', name: 'a signal of a connector', answers: (given) => orNothing(decodeConnectorSignal(given)),
    valid: [...sdps.map((sdp) => text(JSON.stringify({ type: 'offer', sdp }))), text(JSON.stringify({ type: 'candidate', candidate: { candidate: 'candidate:1 1 udp 1 10.0.0.1 5 typ host', sdpMLineIndex: 0, sdpMid: '0' } }))],
  },
  { rule: 'G7', name: 'a request for the own address', valid: [concatBytes([Uint8Array.of(0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42), bytes(12)])], answers: (given) => orNothing(answerBinding(given, { address: bytes(4), port: 9 })) },
  { rule: 'G7', name: 'an archive', valid: [text(archive)], answers: (given) => { const pieces = readArchive(given, swarm); while (pieces.next().done !== true); return orNothing(isArchive(given)) } },
  { rule: 'G7', name: 'a note outside of the database', valid: [text(JSON.stringify(mark))], answers: (given) => { try { return orNothing(parseMark(JSON.parse(textOf(given)))) } catch (error) { return error instanceof SyntaxError } } },
  { rule: 'G7', name: 'a query', valid: ["FROM 'a' & 'b:1' FILTER _.x > 5 SELECT { y: _.x[0] ?? 'z' } END", 'PRAGMA features := x\nFROM allEvents'].map(text), answers: (given) => coded(() => parseProgram(textOf(given))) && coded(() => parseTags(textOf(given))) },
]

describe('bytes of somebody who knows the form', () => {
  test.each(decoders.map((decoder) => [decoder.rule, decoder.name, decoder] as const))('[%s] %s: every one of 3,000 is decoded or refused', (_rule, _name, { valid, answers }) => {
    const random = createRandom(20_261_125)
    for (const sample of valid) expect(answers(sample)).toBe(true)
    for (let run = 0; run < 3_000; run++) {
      const given = hostileBytes(random, valid)
      const why = () => `run ${run}: ${bytesToBase64Url(given)}`
      try {
        if (!answers(given)) expect.fail(why())
      } catch (error) {
        throw new Error(why(), { cause: error })
      }
    }
  })
})

const filled = (count: number, item: number): Uint8Array => concatBytes([Uint8Array.of(0x84, 4, 0x9a, 0, count >> 16, (count >> 8) & 255, count & 255), new Uint8Array(count).fill(item), hexToBytes('8080f4') ?? bytes(0)])

describe('what decoding takes', () => {
  const whole = MESSAGE_BYTES_MAX - 10
  const large: readonly (readonly [string, Uint8Array])[] = [
    ...[['empty arrays', 0x80], ['numbers', 0], ['empty bytes', 0x40], ['empty texts', 0x60], ['empty maps', 0xa0]].map(([name, item]) => [String(name), filled(whole, Number(item))] as const),
    ['arrays in arrays', concatBytes([Uint8Array.of(0x84, 4), new Uint8Array(whole).fill(0x81)])],
    ...['5affffffff', '7affffffff', '9affffffff', 'baffffffff', '5b001fffffffffffff', '9b001fffffffffffff'].map((claim) => [`a length that is claimed, ${claim}`, hexToBytes(`840b${claim}`) ?? bytes(0)] as const),
  ]
  test.each(large)('[R5] %s: at most 64 MiB for a message of 256 KiB, 1 MiB for a short one', (_, given) => {
    const taken = bytesTaken(() => expect(decodeMessage(given).ok).toBe(false))
    expect(taken).toBeLessThan((given.length > 1_000 ? 64 : 1) * 1024 * 1024)
  })

  test('[R2] frames without end: never more than 512 KiB are held', () => {
    const more = new Uint8Array(FRAME_BYTES_MAX).fill(1)
    let [partial, count] = [noPartial, 0]
    for (let added = addFrame(partial, more); added.ok; added = addFrame(partial, more)) {
      partial = added.value.partial
      count++
      expect(partial.parts.reduce((sum, part) => sum + part.length, 0)).toBeLessThanOrEqual(FORK_BYTES_MAX)
    }
    expect(count).toBe(8)
  })
})
