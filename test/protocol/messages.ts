import { streamIdOf, type NodeId, type StreamId, type SwarmId } from '../../src/core/ids.ts'
import { publicKeyToNodeId } from '../../src/core/ids.ts'
import { byeReasons, type Message } from '../../src/protocol/message.ts'

/** `length` bytes that count up from `from`. */
export const bytes = (length: number, from = 0): Uint8Array<ArrayBuffer> => Uint8Array.from({ length }, (_, at) => (from + at) & 255)

export const nodeA: NodeId = publicKeyToNodeId(bytes(32, 1))
export const nodeB: NodeId = publicKeyToNodeId(bytes(32, 101))
export const streamA: StreamId = streamIdOf(nodeA, 0)
export const branch = `${streamIdOf(nodeB, 7)}~abcdefghijklmnopqrstuv` as StreamId
export const swarm = '000102030405060708090a0b0c0d0e0f' as SwarmId

const start = { stream: streamA, offset: 500, previous: bytes(32, 3), lamportBefore: 4_294_967_296, chain: bytes(32, 26), signature: bytes(64, 4) }

/** One message or more of every form, by name: what `test/fixtures/protocol-1.json` has the bytes of. */
export const samples: Readonly<Record<string, Message>> = {
  hello: { type: 'hello', versions: [1], features: ['relay'], swarm, nodeId: nodeA, nonce: bytes(32, 200) },
  'hello with former ids': { type: 'hello', versions: [1], features: [], swarm, nodeId: nodeA, nonce: bytes(32, 200), formers: [{ nodeId: nodeB, next: nodeA, signature: bytes(64, 201) }] },
  proof: { type: 'proof', signature: bytes(64, 5), mac: bytes(32, 6) },
  about: { type: 'about', name: 'Säge 3 🪚', software: 'millpond 0.1.0', hubs: ['https://10.77.0.254:8443'] },
  have: {
    type: 'have', heads: [[streamA, { next: 23, id: bytes(16, 7) }], [branch, { next: 2 ** 53 - 1, id: bytes(16, 8) }]],
    starts: [start], forks: [{ stream: streamA, first: 0, end: 24, branches: [] }, { stream: branch, first: 65_536, end: 65_537, branches: ['abcdefghijklmnopqrstuv'] }], more: true,
  },
  'have, empty': { type: 'have', heads: [], starts: [], forks: [], more: false },
  want: { type: 'want', id: 1, stream: streamA, place: { first: 256, previous: bytes(32, 9), next: 300 }, budgetBytes: 524_288 },
  'want of a fork': { type: 'wantFork', id: 2, stream: streamA, first: 256, end: 260 },
  segment: { type: 'segment', want: 0, stream: streamA, header: bytes(167, 10), seal: bytes(64, 11), from: 280, body: bytes(30, 32) },
  'end all': { type: 'end', want: 1, reason: 'all', start: undefined },
  'end budget': { type: 'end', want: 1, reason: 'budget', start: undefined },
  'end start': { type: 'end', want: 24, reason: 'start', start },
  'end unknown': { type: 'end', want: 1, reason: 'unknown', start: undefined },
  'end busy': { type: 'end', want: 1, reason: 'busy', start: undefined },
  'end conflict': { type: 'end', want: 1, reason: 'conflict', start: undefined },
  fork: {
    type: 'fork', one: { header: bytes(167, 12), seal: bytes(64, 13), deflated: bytes(20, 14) }, other: { header: bytes(167, 15), seal: bytes(64, 16), deflated: bytes(21, 17) },
  },
  relay: { type: 'relay', envelope: { from: nodeA, to: nodeB, nonce: bytes(16, 18), content: bytes(60, 19), signature: bytes(64, 20) }, hops: 4 },
  members: { type: 'members', members: [{ member: { nodeId: nodeA, name: 'Säge 3', links: [nodeB], counter: 12, signature: bytes(64, 21) }, heardSecondsAgo: 70_000 }] },
  layer: { type: 'layer', channel: 'blob', bytes: bytes(3, 22) },
  ping: { type: 'ping', timeMicros: 1_800_000_000_000_000, page: 'visible' },
  pong: { type: 'pong', timeMicros: 1_800_000_000_000_001, page: 'hidden' },
  'standby offer': { type: 'standby', id: bytes(16, 23), step: 'offer', signal: bytes(5, 24) },
  'standby answer': { type: 'standby', id: bytes(16, 23), step: 'answer', signal: bytes(6, 25) },
  'standby end': { type: 'standby', id: bytes(16, 23), step: 'end', signal: bytes(0) },
  ...Object.fromEntries(byeReasons.map((reason) => [`bye ${reason}`, { type: 'bye', reason } as const])),
}

/** The value with everything in it frozen: what a pure function may not change. Bytes cannot be frozen. */
export const deepFreeze = <T>(value: T): T => {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || Object.isFrozen(value)) return value
  Object.freeze(value)
  if (value instanceof Map || value instanceof Set) for (const item of value) deepFreeze(item)
  else for (const item of Object.values(value)) deepFreeze(item)
  return value
}
