import { concatBytes } from '../../src/core/bytes.ts'
import { publicKeyToNodeId, streamIdOf, type StreamId, type SwarmId } from '../../src/core/ids.ts'
import { encodeUtf8 } from '../../src/core/utf8.ts'
import type { NodeCrypto } from '../../src/node/crypto.ts'
import { encodeBatch, parseLine, type LineFault } from '../../src/stream/batch.ts'
import { readBody } from '../../src/stream/body.ts'
import type { StreamCrypto } from '../../src/stream/crypto.ts'
import { encodeHeader, noHeaderId, type Header } from '../../src/stream/header.ts'
import { emptyBase } from '../../src/stream/segment.ts'
import { swarmIdOf } from '../../src/stream/swarm.ts'
import { verifyPiece, type ReceivedPiece } from '../../src/stream/verify.ts'
import { IDENTITY, ORDER, pointOfOrder8, signWith } from './curve.ts'
import { hex, publishedIdentity, publishedKeys } from './keys.ts'

/** One judgement that every platform must make alike. `verdict` has to give `expected`. */
export interface ValidityCase {
  readonly title: string
  readonly expected: string
  readonly verdict: (crypto: NodeCrypto) => string | Promise<string>
}

const stream = streamIdOf(publicKeyToNodeId(hex(publishedKeys[0][1])), 0)

// Lines

const line = (title: string, text: string | Uint8Array, expected: LineFault | 'valid'): ValidityCase => ({
  title,
  expected,
  verdict: () => {
    const parsed = parseLine(typeof text === 'string' ? encodeUtf8(text) : text)
    return parsed.ok ? 'valid' : parsed.error
  },
})

const event = (tags: string, rest = '0'): string => `[1,2,"app",[[${tags},${rest}]]]\n`
const tagged = (tag: string): string => event(JSON.stringify([tag]))
const payload = (text: string): string => event('[]', text)
const basis = (text: string): string => event('[]', `0,${text}`)
const numbered = (lamport: string, micros = '2', events = '[[],0]'): string => `[${lamport},${micros},"app",[${events}]]\n`
const app = (id: string): string => `[1,2,${JSON.stringify(id)},[[[],0]]]\n`
const sized = (bytes: number): string => payload(`"${'x'.repeat(bytes - payload('""').length)}"`)
const nested = (levels: number): string => payload('['.repeat(levels) + ']'.repeat(levels))
const streams = (count: number): string => `{${Array.from({ length: count }, (_, at) => `"${stream.slice(0, 44)}${at}":${at}`).join()}}`
const replaced = (text: string, bytes: readonly number[]): Uint8Array => {
  const at = text.indexOf('§')
  return concatBytes([encodeUtf8(text.slice(0, at)), Uint8Array.from(bytes), encodeUtf8(text.slice(at + 1))])
}

const lineCases: readonly ValidityCase[] = [
  line('[F1] a line with one event', payload('{"a":[1,"x",null,true]}'), 'valid'),
  line('[F1] a line with three events', numbered('1', '2', '[[],0],[["a"],1],[[],null]'), 'valid'),
  line('[F3] later elements of the line', '[1,2,"app",[[[],0]],{"new":1},7]\n', 'valid'),
  line('[F3] later elements of an event', '[1,2,"app",[[[],0,null,"new",[1]]]]\n', 'valid'),
  line('[F3] later elements count for the depth', `[1,2,"app",[[[],0]],${'['.repeat(64)}${']'.repeat(64)}]\n`, 'depth'),
  line('[F4] 131,072 bytes', sized(131_072), 'valid'),
  line('[F4] 131,073 bytes', sized(131_073), 'too-long'),
  line('[F4] no line feed', payload('0').slice(0, -1), 'not-ended'),
  line('[F4] two lines', payload('0') + payload('1'), 'not-ended'),
  line('[F4] a line feed between tokens', '[1,\n2,"app",[[[],0]]]\n', 'not-ended'),
  line('[F4] nothing', '', 'not-ended'),
  line('[F4] an empty line', '\n', 'json'),
  line('[F5] depth 64', nested(61), 'valid'),
  line('[F5] depth 65', nested(62), 'depth'),
  line('[F5] depth 65 of objects', payload(`${'{"a":'.repeat(62)}0${'}'.repeat(62)}`), 'depth'),
  line('[F5] depth 60,000', nested(60_000), 'depth'),
  line('[F5] brackets within strings do not count', payload(`"${'['.repeat(100)}\\"${'{'.repeat(100)}\\\\"`), 'valid'),
  line('[F5] 100 levels side by side', payload(`[${'[],'.repeat(99)}[]]`), 'valid'),
  line('[F5] a lone continuation byte', replaced(payload('"§"'), [0x80]), 'utf-8'),
  line('[F5] an overlong form', replaced(payload('"§"'), [0xc0, 0xaf]), 'utf-8'),
  line('[F5] a surrogate in UTF-8', replaced(payload('"§"'), [0xed, 0xa0, 0x80]), 'utf-8'),
  line('[F5] beyond U+10FFFF', replaced(payload('"§"'), [0xf4, 0x90, 0x80, 0x80]), 'utf-8'),
  line('[F5] a character cut off', replaced(payload('"§"'), [0xe2, 0x82]), 'utf-8'),
  line('[F5] U+10FFFF', replaced(payload('"§"'), [0xf4, 0x8f, 0xbf, 0xbf]), 'valid'),
  line('[F6] a byte-order mark', replaced(`§${payload('0')}`, [0xef, 0xbb, 0xbf]), 'json'),
  line('[F6] a byte-order mark within a string', payload('"\ufeff"'), 'valid'),
  line('[F6] spaces, tabs and a carriage return', ' [1 ,\t2,"app",[[[],0]]] \r\n', 'valid'),
  line('[F6] a no-break space', `\u00a0${payload('0')}`, 'json'),
  line('[F6] a vertical tab', `\v${payload('0')}`, 'json'),
  line('[F6] equal keys', payload('{"a":1,"a":2}'), 'valid'),
  line('[F6] the key __proto__', payload('{"__proto__":{"tags":1},"constructor":0}'), 'valid'),
  line('[F6] a trailing comma', payload('[1,]'), 'json'),
  line('[F6] NaN', payload('NaN'), 'json'),
  line('[F6] a leading zero', numbered('01'), 'json'),
  line('[F6] single quotes', payload("'a'"), 'json'),
  line('[F6] a raw control character', payload('"\u0001"'), 'json'),
  line('[F6] U+2028 within a string', payload('"\u2028"'), 'valid'),
  line('[F6] two texts', '[1,2,"app",[[[],0]]][1]\n', 'json'),
  line('[F6] cut off', '[1,2,"app",[[[],0]]\n', 'json'),
  line('[F6] a comment', payload('0/**/'), 'json'),
  line('[F6] an unpaired bracket too many', '[1,2,"app",[[[],0]]]]\n', 'json'),
  line('[F7] an object', '{"0":1,"1":2,"2":"app","3":[[[],0]],"length":4}\n', 'shape'),
  line('[F7] null', 'null\n', 'shape'),
  line('[F7] three elements', '[1,2,"app"]\n', 'shape'),
  line('[F7] events that are an object', '[1,2,"app",{"length":1}]\n', 'shape'),
  line('[F8] no event', numbered('1', '2', ''), 'event-count'),
  line('[F8] 16,000 events', numbered('1', '2', Array(16_000).fill('[[],0]').join()), 'valid'),
  line('[F8] 65,536 events do not fit in a line', numbered('1', '2', Array(65_536).fill('[[],0]').join()), 'too-long'),
  line('[F9] Lamport time 0', numbered('0'), 'lamport'),
  line('[F9] Lamport time -0', numbered('-0'), 'lamport'),
  line('[F9] Lamport time -1', numbered('-1'), 'lamport'),
  line('[F9] Lamport time 1', numbered('1'), 'valid'),
  line('[F9] Lamport time 2^52 - 1', numbered('4503599627370495'), 'valid'),
  line('[F9] Lamport time 2^52', numbered('4503599627370496'), 'lamport'),
  line('[F9] the second event at 2^52', numbered('4503599627370495', '2', '[[],0],[[],0]'), 'lamport'),
  line('[F9] the second event at 2^52 - 1', numbered('4503599627370494', '2', '[[],0],[[],0]'), 'valid'),
  line('[F9] Lamport time 1.5', numbered('1.5'), 'lamport'),
  line('[F9] Lamport time 1.0', numbered('1.0'), 'valid'),
  line('[F9] Lamport time 1e3', numbered('1e3'), 'valid'),
  line('[F9] Lamport time 1e400', numbered('1e400'), 'lamport'),
  line('[F9] a Lamport time rounded to 2^52 - 1', numbered('4503599627370494.99999999'), 'valid'),
  line('[F9] a Lamport time of text', numbered('"1"'), 'lamport'),
  line('[F9] a Lamport time of 400 digits', numbered('9'.repeat(400)), 'lamport'),
  line('[F10] time 0', numbered('1', '0'), 'valid'),
  line('[F10] time -0', numbered('1', '-0'), 'valid'),
  line('[F10] time -1', numbered('1', '-1'), 'timestamp'),
  line('[F10] time 2^53 - 1', numbered('1', '9007199254740991'), 'valid'),
  line('[F10] time 2^53', numbered('1', '9007199254740992'), 'timestamp'),
  line('[F10] time 2^53 + 1, which no double is', numbered('1', '9007199254740993'), 'timestamp'),
  line('[F10] time 0.1', numbered('1', '0.1'), 'timestamp'),
  line('[F10] time null', numbered('1', 'null'), 'timestamp'),
  line('[F11] an empty app id', app(''), 'valid'),
  line('[F11] an app id of 256 bytes', app('a'.repeat(256)), 'valid'),
  line('[F11] an app id of 257 bytes', app('a'.repeat(257)), 'app-id'),
  line('[F11] an app id of 256 bytes in 128 characters', app('é'.repeat(128)), 'valid'),
  line('[F11] an app id of 258 bytes in 129 characters', app('é'.repeat(129)), 'app-id'),
  line('[F11] a lone surrogate in an app id', '[1,2,"\\ud800",[[[],0]]]\n', 'app-id'),
  line('[F11] an app id that is a number', '[1,2,3,[[[],0]]]\n', 'app-id'),
  line('[F12] an event that is an object', '[1,2,"app",[{"0":[],"1":0,"length":2}]]\n', 'event'),
  line('[F12] an event without payload', '[1,2,"app",[[[]]]]\n', 'event'),
  line('[F12] tags that are text', event('"a"'), 'event'),
  line('[F12] 256 tags', event(JSON.stringify(Array(256).fill('a'))), 'valid'),
  line('[F12] 257 tags', event(JSON.stringify(Array(257).fill('a'))), 'tag-count'),
  line('[F12] an empty tag', tagged(''), 'tag'),
  line('[F12] a tag of 1,024 bytes', tagged('a'.repeat(1024)), 'valid'),
  line('[F12] a tag of 1,025 bytes', tagged('a'.repeat(1025)), 'tag'),
  line('[F12] a tag of 1,024 bytes in 512 code units', tagged('\u{1f44b}'.repeat(256)), 'valid'),
  line('[F12] a tag of 1,025 bytes in 513 code units', tagged(`${'\u{1f44b}'.repeat(256)}a`), 'tag'),
  line('[F12] a tag that is not in normal form C', tagged('e\u0301'), 'valid'),
  line('[F12] a lone surrogate in a tag', event('["\\udc00"]'), 'tag'),
  line('[F12] a surrogate pair written as escapes', event('["\\ud83d\\udc4b"]'), 'valid'),
  line('[F12] a surrogate pair the wrong way round', event('["\\udc4b\\ud83d"]'), 'tag'),
  line('[F12] a tag that is null', event('[null]'), 'tag'),
  line('[F12] U+0000 in a tag', event('["\\u0000"]'), 'valid'),
  line('[F13] a basis', basis(`{"${stream}":7}`), 'valid'),
  line('[F13] null', basis('null'), 'valid'),
  line('[F13] an empty basis', basis('{}'), 'valid'),
  line('[F13] 64 streams', basis(streams(64)), 'valid'),
  line('[F13] 65 streams', basis(streams(65)), 'basis'),
  line('[F13] a basis that is a number', basis('5'), 'basis'),
  line('[F13] a basis that is an array', basis('[]'), 'basis'),
  line('[F13] a key that is no stream id', basis('{"a":1}'), 'basis'),
  line('[F13] the key __proto__', basis('{"__proto__":1}'), 'basis'),
  line('[F13] a stream id that is not canonical', basis(`{"${stream.slice(0, 42)}B-0":1}`), 'basis'),
  line('[F13] a branch', basis(`{"${stream}~${'a'.repeat(22)}":1}`), 'valid'),
  line('[F13] offset -1', basis(`{"${stream}":-1}`), 'basis'),
  line('[F13] offset 2^53', basis(`{"${stream}":9007199254740992}`), 'basis'),
  line('[F14] a lone surrogate in a payload', payload('"\\ud800"'), 'valid'),
  line('[F14] a payload of 1e400', payload('1e400'), 'valid'),
  line('[F14] a payload of -0', payload('-0'), 'valid'),
  line('[F14] a payload of 1,000 digits', payload('7'.repeat(1000)), 'valid'),
]

// Publishing

const publish = (title: string, value: unknown, expected: string, tags: readonly string[] = []): ValidityCase => ({
  title,
  expected,
  verdict: () => {
    const encoded = encodeBatch([{ tags, event: value as never }], 1, { timestampMicros: 2, appId: 'app' })
    if (!encoded.ok) return encoded.error.fault
    const parsed = parseLine(encoded.value.line)
    return parsed.ok ? JSON.stringify(parsed.value[3]) : `not valid: ${parsed.error}`
  },
})

const cyclic: unknown[] = []
cyclic.push(cyclic)
/** Each level holds the next one twice: 2^60 values in all. */
const doubled = Array.from({ length: 60 }).reduce<unknown>((inner) => [inner, inner], 0)
const deep = (levels: number): unknown => Array.from({ length: levels - 1 }).reduce<unknown>((inner) => [inner], [])

const publishCases: readonly ValidityCase[] = [
  publish('[F15] a payload comes back', { a: [1, 'ä', null], b: { c: false } }, '[[[],{"a":[1,"ä",null],"b":{"c":false}}]]'),
  publish('[F15] undefined by itself', undefined, 'payload'),
  publish('[F15] undefined in an array', [undefined], 'payload'),
  publish('[F15] a hole in an array', Array(1), 'payload'),
  publish('[F15] a property that is undefined is absent', { a: undefined, b: 1 }, '[[[],{"b":1}]]'),
  publish('[F15] NaN', NaN, 'payload'),
  publish('[F15] Infinity', { a: [Infinity] }, 'payload'),
  publish('[F15] -0 becomes 0', -0, '[[[],0]]'),
  publish('[F15] BigInt', 1n, 'payload'),
  publish('[F15] a function', { toJSON: () => 1 }, 'payload'),
  publish('[F15] a symbol', Symbol('a'), 'payload'),
  publish('[F15] a date', new Date(0), 'payload'),
  publish('[F15] a map', new Map(), 'payload'),
  publish('[F15] bytes', new Uint8Array(1), 'payload'),
  publish('[F15] an object without prototype', Object.assign(Object.create(null) as object, { a: 1 }), '[[[],{"a":1}]]'),
  publish('[F15] a cycle', cyclic, 'payload'),
  publish('[F15] the same object 2^60 times', doubled, 'payload'),
  publish('[F15] 61 levels', deep(61), `[[[],${'['.repeat(61)}${']'.repeat(61)}]]`),
  publish('[F15] 62 levels', deep(62), 'payload'),
  publish('[F15] a lone surrogate comes back', '\ud800', '[[[],"\\ud800"]]'),
  publish('[F15] a lone surrogate in a tag', 0, 'tag', ['\ud800']),
  publish('[F15] tags are brought to normal form C', 0, '[[["\u00e9"],0]]', ['e\u0301']),
  publish('[F15] a tag that is short enough in normal form C', 0, `[[["${'\u00e9'.repeat(512)}"],0]]`, ['e\u0301'.repeat(512)]),
  publish('[F15] a tag that is too long in normal form C', 0, 'tag', ['\u0958'.repeat(300)]),
  publish('[F15] 257 tags', 0, 'tag-count', Array<string>(257).fill('a')),
  publish('[F15] more than 131,072 bytes', 'x'.repeat(131_072), 'too-long'),
]

// Bodies

const body = (title: string, text: string, lamportBefore: number, expected: string): ValidityCase => ({
  title,
  expected,
  verdict: () => {
    const read = readBody(encodeUtf8(text), lamportBefore)
    return read.ok ? `${read.value.events} events` : read.error.type
  },
})

const two = '[[],0],[[],0]'
const bodyCases: readonly ValidityCase[] = [
  body('[F16] rising Lamport times', numbered('1', '2', two) + numbered('3'), 0, '3 events'),
  body('[F16] a Lamport time again', numbered('1', '2', two) + numbered('2'), 0, 'order'),
  body('[F16] falling Lamport times', numbered('5') + numbered('4'), 0, 'order'),
  body('[F16] not above the segment before', numbered('5'), 5, 'order'),
  body('[F16] just above the segment before', numbered('6'), 5, '1 events'),
  body('[F25] no line', '', 0, 'empty'),
  body('[F25] a line without its line feed', numbered('1') + numbered('2').slice(0, -1), 0, 'line'),
  body('[F25] a line that is not valid', numbered('1') + app('a'.repeat(257)), 0, 'line'),
]

// Segments

const BODY = encodeUtf8(numbered('5', '2', two) + numbered('9'))

interface Forgery {
  readonly body?: Uint8Array
  readonly fields?: Partial<Header>
  /** Changes the header before it is signed. */
  readonly before?: (header: Uint8Array) => void
  /** Changes it afterwards. */
  readonly after?: (header: Uint8Array) => void
  readonly headerBytes?: number
  readonly travelling?: (body: Uint8Array) => Uint8Array | Promise<Uint8Array>
  readonly seal?: (seal: Uint8Array) => Uint8Array
  readonly signedBy?: 0 | 1
  readonly stream?: StreamId
}

const swarmOf = (crypto: Pick<StreamCrypto, 'sha256'>): Promise<SwarmId> => swarmIdOf(crypto, hex(publishedKeys[0][1]), new Uint8Array(16))

const forge = async (crypto: NodeCrypto, forgery: Forgery): Promise<ReceivedPiece> => {
  const bytes = forgery.body ?? BODY
  const fields: Header = {
    swarm: await swarmOf(crypto), stream: forgery.stream ?? stream, first: 0, events: 3, firstLamport: 5, lastLamport: 9,
    bodyBytes: bytes.length, previous: noHeaderId, bodyHash: await crypto.sha256(bytes), closed: false, ...forgery.fields,
  }
  const header = encodeHeader(fields)
  forgery.before?.(header)
  const seal = await crypto.signer(await publishedIdentity(forgery.signedBy ?? 0)).sign(header)
  forgery.after?.(header)
  const plain = fields.closed ? await crypto.deflate(bytes) : bytes
  return {
    stream: forgery.stream ?? stream, sealed: { header: resized(header, forgery.headerBytes ?? header.length), seal: forgery.seal?.(seal) ?? seal },
    firstLine: fields.first, body: (await forgery.travelling?.(plain)) ?? plain,
  }
}

const resized = (bytes: Uint8Array, length: number): Uint8Array => Uint8Array.from({ length }, (_, at) => bytes[at] ?? 0)

const segment = (title: string, expected: string, forgery: Forgery): ValidityCase => ({
  title,
  expected,
  verdict: async (crypto) => {
    const piece = await forge(crypto, forgery)
    const verdict = await verifyPiece(crypto, await swarmOf(crypto), emptyBase(piece.stream), piece)
    if (verdict.type === 'sender') return `sender: ${verdict.reason}`
    if (verdict.type === 'author') return `author: ${verdict.reason.type === 'header' ? verdict.reason.field : verdict.reason.type}`
    return verdict.type
  },
})

const closed = { closed: true } as const
const set = (at: number, value: number) => (header: Uint8Array): void => { header[at] = value }
const longBody = (bytes: number): Uint8Array =>
  concatBytes(Array.from({ length: Math.ceil(bytes / 60_000) }, (_, at) => {
    const rest = Math.min(60_000, bytes - at * 60_000)
    return encodeUtf8(numbered(String(at + 1), '2', `[[],"${'x'.repeat(rest - numbered('1', '2', '[[],""]').length)}"]`))
  }))
const long = (bytes: number, isClosed: boolean): Forgery => {
  const events = Math.ceil(bytes / 60_000)
  return { body: longBody(bytes), fields: { events, firstLamport: 1, lastLamport: events, closed: isClosed } }
}

const segmentCases: readonly ValidityCase[] = [
  segment('[F21] an open segment', 'append', {}),
  segment('[F23] a closed segment of any size', 'append', { fields: closed }),
  segment('[F17] a header of 166 bytes', 'sender: malformed', { headerBytes: 166 }),
  segment('[F17] a header of 168 bytes', 'sender: malformed', { headerBytes: 168 }),
  segment('[F17] a header of 17 bytes', 'sender: malformed', { headerBytes: 17 }),
  segment('[F17] no header', 'sender: malformed', { headerBytes: 0 }),
  segment('[F18] an unknown flag', 'sender: malformed', { before: set(166, 2) }),
  segment('[F18] stream number 255', 'append', { stream: streamIdOf(publicKeyToNodeId(hex(publishedKeys[0][1])), 255) }),
  segment('[F18] stream number 256', 'sender: malformed', { stream: streamIdOf(publicKeyToNodeId(hex(publishedKeys[0][1])), 256) }),
  segment('[F18] no event', 'sender: malformed', { fields: { events: 0 } }),
  segment('[F18] Lamport time 0', 'sender: malformed', { fields: { firstLamport: 0 } }),
  segment('[F18] Lamport time 2^52', 'sender: malformed', { fields: { lastLamport: 2 ** 52 } }),
  segment('[F18] more events than Lamport times', 'sender: malformed', { fields: { events: 6 } }),
  segment('[F18] a first offset of 2^53 - 1', 'sender: malformed', { fields: { first: 2 ** 53 - 1, previous: new Uint8Array(32).fill(1) } }),
  segment('[F18] a first offset of 2^60', 'sender: malformed', { before: set(70, 16) }),
  segment('[F18] a previous segment before offset 0', 'sender: malformed', { fields: { previous: new Uint8Array(32).fill(1) } }),
  segment('[F18] none before offset 7', 'sender: malformed', { fields: { first: 7 } }),
  segment('[F18] an empty body', 'sender: malformed', { fields: { bodyBytes: 0 } }),
  segment('[F18] an open body of 65,535 bytes', 'append', long(65_535, false)),
  segment('[F18] an open body of 65,536 bytes', 'sender: malformed', long(65_536, false)),
  segment('[F18] a closed body of 196,608 bytes', 'append', long(196_608, true)),
  segment('[F18] a closed body of 196,609 bytes', 'sender: malformed', long(196_609, true)),
  segment('[F19] millpond/segment/2', 'newer', { before: set(17, 0x32) }),
  segment('[F19] another label', 'sender: malformed', { before: set(0, 0x4d) }),
  segment('[F21] the flags changed after signing', 'sender: seal', { fields: closed, after: set(166, 0), travelling: () => BODY }),
  segment('[F21] the events changed after signing', 'sender: seal', { after: set(81, 4) }),
  segment('[F21] signed by another', 'sender: seal', { signedBy: 1 }),
  segment('[F21] a seal of zeros', 'sender: seal', { seal: () => new Uint8Array(64) }),
  segment('[F21] a seal of 63 bytes', 'sender: seal', { seal: (seal) => seal.subarray(0, 63) }),
  segment('[F22] another previous segment', 'misfit', { fields: { first: 7, previous: new Uint8Array(32).fill(1) } }),
  segment('[F24] a byte after the end of the deflate stream', 'sender: length', { fields: closed, travelling: (plain) => concatBytes([plain, Uint8Array.of(0)]) }),
  segment('[F24] the last byte of the deflate stream missing', 'sender: length', { fields: closed, travelling: (plain) => plain.subarray(0, -1) }),
  segment('[F24] no byte', 'sender: length', { fields: closed, travelling: () => new Uint8Array(0) }),
  segment('[F24] not deflated', 'sender: length', { fields: closed, travelling: () => BODY }),
  segment('[F24] a deflate stream of one stored block', 'append', { fields: closed, travelling: () => concatBytes([Uint8Array.of(1, BODY.length, 0, BODY.length ^ 255, 255), BODY]) }),
  segment('[F24] inflates to more than the header says', 'sender: length', { fields: { closed: true, bodyBytes: BODY.length - 1 } }),
  segment('[F24] inflates to less than the header says', 'sender: length', { fields: { closed: true, bodyBytes: BODY.length + 1 } }),
  segment('[F27] another body of the same length', 'sender: hash', { travelling: (plain) => plain.map((byte) => byte ^ 1) }),
  segment('[F27] a longer open body', 'sender: length', { travelling: (plain) => concatBytes([plain, plain]) }),
  segment('[F27] another swarm', 'sender: swarm', { fields: { swarm: '00000000000000000000000000000000' as SwarmId } }),
  segment('[F27] another stream', 'sender: stream', { fields: { stream: streamIdOf(publicKeyToNodeId(hex(publishedKeys[1][1])), 0) } }),
  segment('[F25] fewer events than lines say', 'author: events', { fields: { events: 2 } }),
  segment('[F25] another first Lamport time', 'author: firstLamport', { fields: { firstLamport: 4 } }),
  segment('[F25] another last Lamport time', 'author: lastLamport', { fields: { lastLamport: 10 } }),
  segment('[F25] a sealed line that is not valid', 'author: line', { body: encodeUtf8(numbered('5', '2', two) + numbered('9', '-1')) }),
  segment('[F25] sealed lines that do not rise', 'author: order', { body: encodeUtf8(numbered('9') + numbered('5', '2', two)) }),
]

// Keys and signatures

const MESSAGE = encodeUtf8('millpond')
type Signing = Parameters<typeof signWith>[3]

const signature = (title: string, expected: boolean, options: Signing & { readonly r?: bigint; readonly wanted?: bigint }): ValidityCase => ({
  title,
  expected: String(expected),
  verdict: async ({ verify }) => {
    let r = options.r ?? 4711n
    let signed = await signWith(1234567n, r, MESSAGE, options)
    while (options.wanted !== undefined && signed.hash % 8n !== options.wanted) signed = await signWith(1234567n, ++r, MESSAGE, options)
    return String(await verify(signed.publicKey, signed.signature, MESSAGE))
  },
})

/** With a key of small order, R = S·B - h·A: for the neutral key any S goes with R = S·B. */
const keyed = (title: string, key: string): ValidityCase => ({
  title,
  expected: 'false',
  verdict: async ({ verify }) => {
    const { signature: bytes } = await signWith(0n, 4711n, MESSAGE)
    return String(await verify(hex(key), bytes, MESSAGE))
  },
})

const zeros = '00'.repeat(30)
const ones = 'ff'.repeat(30)
export const smallOrder: readonly string[] = [
  `00${zeros}00`, `00${zeros}80`, `01${zeros}00`, `01${zeros}80`, `ec${ones}7f`, `ec${ones}ff`, `ed${ones}7f`, `ed${ones}ff`, `ee${ones}7f`, `ee${ones}ff`,
  ...['26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc', 'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03'].flatMap((y) =>
    (y.startsWith('26') ? ['05', '85'] : ['7a', 'fa']).map((last) => y + last)),
]

const keyCases: readonly ValidityCase[] = [
  ...smallOrder.map((key) => keyed(`[F28] the key ${key.slice(0, 4)}…${key.slice(-2)} of small order`, key)),
  keyed('[F28] a key whose y is p + 3', `f0${ones}7f`),
  keyed('[F28] a key whose y is 2^255 - 1', `ff${ones}7f`),
  keyed('[F28] a key off the curve', `02${zeros}00`),
  { title: '[F28] a key of 31 bytes', expected: 'false', verdict: async ({ verify }) => String(await verify(new Uint8Array(31).fill(7), new Uint8Array(64), MESSAGE)) },
  {
    title: '[F28] a key that this platform has just made',
    expected: 'true',
    verdict: async ({ generateIdentity, signer, verify }) => {
      const identity = await generateIdentity()
      return String(await verify(identity.publicKey, await signer(identity).sign(MESSAGE), MESSAGE))
    },
  },
  signature('[F29] a signature made by hand', true, {}),
  signature('[F29] R is the neutral point', false, { r: 0n }),
  signature('[F29] R is of order 8', false, { r: 0n, moveR: pointOfOrder8() }),
  signature('[F29] S is not below L', false, { addToS: ORDER }),
  signature('[F30] R moved by a point of order 8', false, { moveR: pointOfOrder8() }),
  signature('[F30] a key with a part of order 8, where the equation holds only with a cofactor', false, { torsion: pointOfOrder8(), wanted: 3n }),
  signature('[F30] a key with a part of order 8, where the equation holds without a cofactor', true, { torsion: pointOfOrder8(), wanted: 0n }),
  signature('[F30] the neutral part', true, { torsion: IDENTITY }),
]

export const validityCases: readonly ValidityCase[] = [...lineCases, ...publishCases, ...bodyCases, ...segmentCases, ...keyCases]

/** All verdicts as text, for platforms that run no test runner. */
export const runValidityCases = async (crypto: NodeCrypto): Promise<readonly (readonly [title: string, verdict: string])[]> => {
  const verdicts: (readonly [string, string])[] = []
  for (const { title, verdict } of validityCases) verdicts.push([title, await verdict(crypto)])
  return verdicts
}
