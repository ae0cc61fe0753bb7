import { nodeIdToPublicKey, type NodeId } from '../core/ids.ts'
import { assert } from '../core/assert.ts'
import { fail, type Result } from '../core/result.ts'
import { swarmIdToBytes } from '../stream/header.ts'
import {
  decodeCbor, encodeCbor, readArray, readBoolean, readBranch, readBytes, readExactBytes, readInteger, readMap, readNodeId, readOneOf, readStreamId, readSwarmId,
  readText, readTuple, readWhen,
} from './cbor.ts'
import {
  BODY_BYTES_MAX, BRANCHES_MAX, CHANNEL_BYTES_MAX, FEATURES_MAX, FEATURE_BYTES_MAX, FORMERS_MAX, FORK_BYTES_MAX, HAVE_ENTRIES_MAX, HEADER_BYTES_MAX, HUBS_MAX, HUB_BYTES_MAX,
  LAYER_BYTES_MAX, LINKS_MAX, MEMBERS_MAX, MESSAGE_BYTES_MAX, NAME_BYTES_MAX, RELAY_BYTES_MAX, RELAY_HOPS_MAX, SOFTWARE_BYTES_MAX, VERSIONS_MAX,
  WANT_BUDGET_BYTES_MAX,
} from './limits.ts'
import { byeReasons, type Envelope, type Former, type Hello, type Message, type SaidFork, type SaidHead, type SaidPage, type SaidStart, type WholeSegment } from './message.ts'
import { SIGNAL_BYTES_MAX } from './signal.ts'

/** Type numbers on the wire, in the order of the table of PROTOCOL.md. */
const numbers = { hello: 1, proof: 2, about: 3, have: 4, want: 5, segment: 6, end: 7, fork: 8, relay: 9, members: 10, layer: 11, ping: 12, pong: 13, bye: 14, standby: 15 } as const

const endReasons = ['all', 'budget', 'start', 'unknown', 'busy', 'conflict'] as const
const standbySteps = ['offer', 'answer', 'end'] as const
const pages: readonly SaidPage[] = ['visible', 'hidden']

/** Why bytes are no message. `unknown` is a type number that version 1 does not have. */
export interface CodecError {
  readonly code: 'too-large' | 'unknown' | 'malformed'
  readonly text: string
}

/** @see PROTOCOL.md [R3] */
export const encodeMessage = (message: Message): Uint8Array => {
  const fields = messageToFields(message)
  const bytes = encodeCbor(fields)
  assert(bytes.length <= boundOf(fields[0]), `a ${message.type} of ${bytes.length} bytes is too large`)
  return bytes
}

/** Never throws. @see PROTOCOL.md [R3] [R4] [R5] */
export const decodeMessage = (bytes: Uint8Array): Result<Message, CodecError> => {
  if (bytes.length > FORK_BYTES_MAX) return fail({ code: 'too-large', text: `${bytes.length} bytes` })
  const number = typeNumber(bytes)
  const read = number === undefined ? undefined : readers.get(number)
  if (read === undefined) return fail({ code: number === undefined ? 'malformed' : 'unknown', text: `type ${number ?? 'missing'}` })
  if (bytes.length > boundOf(number ?? 0)) return fail({ code: 'too-large', text: `type ${number}: ${bytes.length} bytes` })
  const decoded = decodeCbor(bytes, (value) => read(Array.isArray(value) ? value.slice(1) : []))
  return decoded.ok ? decoded : fail({ code: 'malformed', text: `type ${number}: ${decoded.error}` })
}

/** The type number, read without decoding the rest: an array of up to 23 items whose first is an integer below 24. */
const typeNumber = (bytes: Uint8Array): number | undefined => {
  const [array, number] = bytes
  return array !== undefined && array >> 5 === 4 && (array & 31) < 24 && number !== undefined && number < 24 ? number : undefined
}

const boundOf = (number: number): number =>
  number === numbers.fork ? FORK_BYTES_MAX : number === numbers.relay ? RELAY_BYTES_MAX : MESSAGE_BYTES_MAX

const pageToNumber = (page: SaidPage): number => pages.indexOf(page)
const startToFields = (start: SaidStart): unknown[] => [start.stream, start.offset, start.previous, start.lamportBefore, start.chain, start.signature]
const forkToFields = (fork: SaidFork): unknown[] => [fork.stream, fork.first, fork.end, fork.branches]
const segmentToFields = (segment: WholeSegment): unknown[] => [segment.header, segment.seal, segment.deflated]
const nodeIds = (ids: readonly NodeId[]): Uint8Array[] => ids.map(nodeIdToPublicKey)

const helloToMap = (hello: Hello): Map<number, unknown> =>
  new Map<number, unknown>([
    [1, hello.versions],
    [2, hello.features],
    [3, swarmIdToBytes(hello.swarm)],
    [4, nodeIdToPublicKey(hello.nodeId)],
    [5, hello.nonce],
    ...(hello.formers === undefined ? [] : [[6, hello.formers.map(({ nodeId, next, signature }) => [...nodeIds([nodeId, next]), signature])] as const]),
  ])

const messageToFields = (message: Message): readonly [number, ...unknown[]] => {
  switch (message.type) {
    case 'hello': return [numbers.hello, helloToMap(message)]
    case 'proof': return [numbers.proof, message.signature, message.mac]
    case 'about': return [numbers.about, message.name, message.software, message.hubs]
    case 'have': return [numbers.have, message.heads.map(([stream, head]) => [stream, head.next, head.id]), message.starts.map(startToFields), message.forks.map(forkToFields), message.more]
    case 'want': return [numbers.want, message.id, message.stream, message.place.first, message.place.previous, message.place.next, message.budgetBytes]
    case 'wantFork': return [numbers.want, message.id, message.stream, message.first, message.end]
    case 'segment': return [numbers.segment, message.want, message.stream, message.header, message.seal, message.from, message.body]
    case 'end': return [numbers.end, message.want, message.reason, ...(message.start === undefined ? [] : [startToFields(message.start)])]
    case 'fork': return [numbers.fork, ...segmentToFields(message.one), ...segmentToFields(message.other)]
    case 'relay': return [numbers.relay, ...envelopeToFields(message.envelope, message.hops)]
    case 'members': return [numbers.members, message.members.map(({ member, heardSecondsAgo }) => [nodeIdToPublicKey(member.nodeId), member.name, nodeIds(member.links), member.counter, member.signature, heardSecondsAgo])]
    case 'layer': return [numbers.layer, message.channel, message.bytes]
    case 'ping': return [numbers.ping, message.timeMicros, pageToNumber(message.page)]
    case 'pong': return [numbers.pong, message.timeMicros, pageToNumber(message.page)]
    case 'bye': return [numbers.bye, message.reason]
    case 'standby': return [numbers.standby, message.id, message.step, message.signal]
  }
}

/** The fields of an envelope in order; in a `relay` the hops stand between nonce and content. */
const envelopeToFields = (envelope: Envelope, hops: number): unknown[] =>
  [nodeIdToPublicKey(envelope.from), nodeIdToPublicKey(envelope.to), envelope.nonce, hops, envelope.content, envelope.signature]

type Fields = readonly unknown[]

const readHead = (value: unknown): readonly [SaidStart['stream'], SaidHead] => {
  const [stream, next, id] = readTuple(value, 3)
  return [readStreamId(stream), { next: readInteger(next, Number.MAX_SAFE_INTEGER, 1), id: readExactBytes(id, 16) }]
}

const readStart = (value: unknown): SaidStart => {
  const [stream, offset, previous, lamportBefore, chain, signature] = readTuple(value, 6)
  return {
    stream: readStreamId(stream), offset: readInteger(offset), previous: readExactBytes(previous, 32),
    lamportBefore: readInteger(lamportBefore), chain: readExactBytes(chain, 32), signature: readExactBytes(signature, 64),
  }
}

const readFork = (value: unknown): SaidFork => {
  const [stream, first, end, branches] = readTuple(value, 4)
  return { stream: readStreamId(stream), ...readForkOffsets(first, end), branches: readArray(branches, BRANCHES_MAX, readBranch) }
}

const readForkOffsets = (first: unknown, end: unknown): { readonly first: number; readonly end: number } => {
  const offsets = { first: readInteger(first), end: readInteger(end) }
  readWhen(offsets.end >= offsets.first, 'a fork ends before it begins')
  return offsets
}

const readHello = ([fields]: Fields): Message => {
  const map = readMap(fields)
  for (const key of map.keys()) if (typeof key === 'string') readText(key, FEATURE_BYTES_MAX); else readInteger(key)
  return {
    type: 'hello',
    versions: readArray(map.get(1), VERSIONS_MAX, (version) => readInteger(version)),
    features: readArray(map.get(2), FEATURES_MAX, (feature) => readText(feature, FEATURE_BYTES_MAX)),
    swarm: readSwarmId(map.get(3)), nodeId: readNodeId(map.get(4)), nonce: readExactBytes(map.get(5), 32),
    ...(map.has(6) && { formers: readArray(map.get(6), FORMERS_MAX, readFormer) }),
  }
}

const readFormer = (value: unknown): Former => {
  const [nodeId, next, signature] = readTuple(value, 3)
  return { nodeId: readNodeId(nodeId), next: readNodeId(next), signature: readExactBytes(signature, 64) }
}

const readHave = ([heads, starts, forks, more]: Fields): Message => {
  const have = {
    type: 'have', heads: readArray(heads, HAVE_ENTRIES_MAX, readHead), starts: readArray(starts, HAVE_ENTRIES_MAX, readStart),
    forks: readArray(forks, HAVE_ENTRIES_MAX, readFork), more: readBoolean(more),
  } as const
  readWhen(new Set(have.heads.map(([stream]) => stream)).size === have.heads.length, 'a stream twice')
  return have
}

const readWant = (fields: Fields): Message => {
  const id = readInteger(fields[0], Number.MAX_SAFE_INTEGER, 1)
  const stream = readStreamId(fields[1])
  if (fields.length === 4) return { type: 'wantFork', id, stream, ...readForkOffsets(fields[2], fields[3]) }
  const [, , first, previous, next, budget] = readTuple(fields, 6)
  const place = { first: readInteger(first), previous: readExactBytes(previous, 32), next: readInteger(next) }
  readWhen(place.next >= place.first, 'next before first')
  return { type: 'want', id, stream, place, budgetBytes: readInteger(budget, WANT_BUDGET_BYTES_MAX) }
}

const readSegmentMessage = (fields: Fields): Message => {
  const [want, stream, header, seal, from, body] = readTuple(fields, 6)
  return {
    type: 'segment', want: readInteger(want), stream: readStreamId(stream), header: readBytes(header, HEADER_BYTES_MAX, 1), seal: readExactBytes(seal, 64),
    from: readInteger(from), body: readBytes(body, BODY_BYTES_MAX, 1),
  }
}

const readEnd = (fields: Fields): Message => {
  const reason = readOneOf(fields[1], endReasons)
  const [want, , start] = readTuple(fields, reason === 'start' ? 3 : 2)
  return { type: 'end', want: readInteger(want, Number.MAX_SAFE_INTEGER, 1), reason, start: reason === 'start' ? readStart(start) : undefined }
}

const readWhole = (header: unknown, seal: unknown, deflated: unknown): WholeSegment =>
  ({ header: readBytes(header, HEADER_BYTES_MAX, 1), seal: readExactBytes(seal, 64), deflated: readBytes(deflated, BODY_BYTES_MAX, 1) })

const readForkMessage = (fields: Fields): Message => {
  const [a, b, c, d, e, f] = readTuple(fields, 6)
  return { type: 'fork', one: readWhole(a, b, c), other: readWhole(d, e, f) }
}

const readRelay = (fields: Fields): Message => {
  const { envelope, hops } = readEnvelopeFields(fields)
  return { type: 'relay', envelope, hops }
}

const readEnvelopeFields = (fields: Fields): { readonly envelope: Envelope; readonly hops: number } => {
  const [from, to, nonce, hops, content, signature] = readTuple(fields, 6)
  return {
    envelope: {
      from: readNodeId(from), to: readNodeId(to), nonce: readExactBytes(nonce, 16), content: readBytes(content, RELAY_BYTES_MAX, 28), signature: readExactBytes(signature, 64),
    },
    hops: readInteger(hops, RELAY_HOPS_MAX),
  }
}

const readMembers = ([members]: Fields): Message => ({ type: 'members', members: readArray(members, MEMBERS_MAX, readMember) })

const readMember = (value: unknown): { readonly member: MemberOf; readonly heardSecondsAgo: number } => {
  const [nodeId, name, links, counter, signature, ago] = readTuple(value, 6)
  return {
    member: {
      nodeId: readNodeId(nodeId), name: readText(name, NAME_BYTES_MAX), links: readArray(links, LINKS_MAX, readNodeId), counter: readInteger(counter),
      signature: readExactBytes(signature, 64),
    },
    heardSecondsAgo: readInteger(ago, 0xffff_ffff),
  }
}
type MemberOf = Extract<Message, { type: 'members' }>['members'][number]['member']

const readPing = (type: 'ping' | 'pong') => (fields: Fields): Message => {
  const [time, page] = readTuple(fields, 2)
  return { type, timeMicros: readInteger(time), page: readInteger(page, 1) === 0 ? 'visible' : 'hidden' }
}

const readStandby = (fields: Fields): Message => {
  const [id, name, signal] = readTuple(fields, 3)
  const step = readOneOf(name, standbySteps)
  return { type: 'standby', id: readExactBytes(id, 16), step, signal: step === 'end' ? readExactBytes(signal, 0) : readBytes(signal, SIGNAL_BYTES_MAX, 1) }
}

const readers: ReadonlyMap<number, (fields: Fields) => Message> = new Map<number, (fields: Fields) => Message>([
  [numbers.hello, (fields) => readHello(readTuple(fields, 1))],
  [numbers.proof, (fields) => {
    const [signature, mac] = readTuple(fields, 2)
    return { type: 'proof', signature: readExactBytes(signature, 64), mac: readExactBytes(mac, 32) }
  }],
  [numbers.about, (fields) => {
    const [name, software, hubs] = readTuple(fields, 3)
    return { type: 'about', name: readText(name, NAME_BYTES_MAX), software: readText(software, SOFTWARE_BYTES_MAX), hubs: readArray(hubs, HUBS_MAX, (hub) => readText(hub, HUB_BYTES_MAX)) }
  }],
  [numbers.have, (fields) => readHave(readTuple(fields, 4))],
  [numbers.want, readWant],
  [numbers.segment, readSegmentMessage],
  [numbers.end, readEnd],
  [numbers.fork, readForkMessage],
  [numbers.relay, readRelay],
  [numbers.members, (fields) => readMembers(readTuple(fields, 1))],
  [numbers.layer, (fields) => {
    const [channel, bytes] = readTuple(fields, 2)
    return { type: 'layer', channel: readText(channel, CHANNEL_BYTES_MAX), bytes: readBytes(bytes, LAYER_BYTES_MAX) }
  }],
  [numbers.ping, readPing('ping')],
  [numbers.pong, readPing('pong')],
  [numbers.bye, (fields) => ({ type: 'bye', reason: readOneOf(readTuple(fields, 1)[0], byeReasons) })],
  [numbers.standby, readStandby],
])
