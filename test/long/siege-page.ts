import { bytesToHex } from '../../src/core/bytes.ts'
import { publicKeyToNodeId, streamIdOf, type NodeId } from '../../src/core/ids.ts'
import type { Transport } from '../../src/net/transport.ts'
import { joinSwarm } from '../../src/node/join-swarm.ts'
import { webCrypto } from '../../src/node/web-crypto.ts'
import { decodeMessage, encodeMessage } from '../../src/protocol/codec.ts'
import type { Message } from '../../src/protocol/message.ts'
import { envelopeSignedBytes } from '../../src/protocol/relay.ts'
import { encodeHeader } from '../../src/stream/header.ts'
import { helloOf, meet, proveHere, type Stranger } from '../floor/intruder-connection.ts'

/** What a member does that means harm. */
export type Assault = 'noise' | 'oversized' | 'want' | 'layer' | 'relay' | 'heads' | 'pushes' | 'bomb' | 'members'

declare global {
  /** Put there by `siege-page.ts`. Meets `count` tablets as a member, and ends when each has ended the session. @returns with which reason each did */
  var besiege: (invitation: string, hub: string, assault: Assault, count: number) => Promise<readonly string[]>
}

const bytes = (length: number, seed = 0): Uint8Array => Uint8Array.from({ length }, (_, at) => (seed >> (8 * (at % 4))) & 255)
const nodeOf = (at: number): NodeId => publicKeyToNodeId(bytes(32, at + 2))
const zeros = new Uint8Array(32)
const say = (message: Message): Uint8Array => encodeMessage(message)

function* times(count: number, make: (at: number) => Message): Generator<Uint8Array> {
  for (let at = 0; at < count; at++) yield say(make(at))
}

/** A header that nobody has sealed, of a segment that lies beyond what is held. */
const beyond = (stranger: Stranger, at: number): Message => {
  const stream = streamIdOf(nodeOf(at), 0)
  const header = encodeHeader({ swarm: stranger.swarm.id, stream, first: 900, events: 1, firstLamport: 1, lastLamport: 1, bodyBytes: 1, previous: bytes(32, 9), bodyHash: zeros, closed: false })
  return { type: 'segment', want: 0, stream, header, seal: new Uint8Array(64), from: 900, body: bytes(1) }
}

/** A closed segment with a seal that holds, whose body inflates to a thousand times what its header says. */
const bomb = async ({ swarm, identity }: Stranger): Promise<Message> => {
  const stream = streamIdOf(identity.nodeId, 0)
  const header = encodeHeader({ swarm: swarm.id, stream, first: 0, events: 1, firstLamport: 1, lastLamport: 1, bodyBytes: 65_536, previous: zeros, bodyHash: zeros, closed: true })
  const body = await webCrypto.deflate(new Uint8Array(180 * 1024 * 1024))
  return { type: 'segment', want: 0, stream, header, seal: await webCrypto.signer(identity).sign(header), from: 0, body }
}

const relays = async ({ swarm, identity }: Stranger): Promise<readonly Message[]> =>
  Promise.all(Array.from({ length: 1_500 }, async (_, at): Promise<Message> => {
    const unsigned = { from: identity.nodeId, to: nodeOf(at), nonce: bytes(16, at), content: bytes(3_000, at) }
    return { type: 'relay', envelope: { ...unsigned, signature: await webCrypto.signer(identity).sign(envelopeSignedBytes(swarm.id, unsigned)) }, hops: 4 }
  }))

const messagesOf = async (assault: Assault, stranger: Stranger, tablet: NodeId, signed: readonly Uint8Array[]): Promise<Iterable<Uint8Array>> => {
  switch (assault) {
    case 'noise': return [crypto.getRandomValues(new Uint8Array(60_000))]
    case 'oversized': return [new Uint8Array(300_000).fill(0x86)]
    case 'want': return times(50_000, (at) => ({ type: 'want', id: at + 1, stream: streamIdOf(tablet, 0), place: { first: 0, previous: zeros, next: 0 }, budgetBytes: 16 * 1024 * 1024 }))
    case 'layer': return times(50_000, (at) => ({ type: 'layer', channel: `x${at % 9}`, bytes: bytes(1_000) }))
    case 'relay': return signed
    case 'heads': return times(1_000, (part) => ({ type: 'have', heads: Array.from({ length: 1_000 }, (_, at) => [streamIdOf(nodeOf(part * 1_000 + at), 0), { next: 1_000, id: bytes(16) }] as const), starts: [], forks: [], more: true }))
    case 'pushes': return times(50_000, (at) => beyond(stranger, at))
    case 'bomb': return [say(await bomb(stranger))]
    case 'members': return times(50, (part) => ({ type: 'members', members: Array.from({ length: 1_000 }, (_, at) => ({ member: { nodeId: nodeOf(part * 1_000 + at), name: 'x', links: [], counter: 1, signature: new Uint8Array(64) }, heardSecondsAgo: 0 })) }))
  }
}

/** As a member up to its `about`, then the assault. @param signed what took long to make @returns the reason of the tablet's `bye`, or `lost` */
const assail = (assault: Assault, stranger: Stranger, transport: Transport, signed: readonly Uint8Array[]): Promise<string> =>
  new Promise((resolve, reject) => {
    const own = helloOf(stranger, ['relay', 'members'])
    let reason = 'lost'
    let closed = false
    let room: () => void = () => undefined
    const go = async (theirs: Uint8Array, tablet: NodeId): Promise<void> => {
      transport.send(await proveHere(stranger, transport, { own, theirs }, stranger.swarm.key))
      transport.send(say({ type: 'about', name: 'besieger', software: 'test', hubs: [] }))
      for (const message of await messagesOf(assault, stranger, tablet, signed)) {
        if (transport.bufferedBytes > 2_000_000) await new Promise<void>((resume) => { room = resume })
        if (closed) return
        transport.send(message)
      }
    }
    transport.start({
      message: (given) => {
        const decoded = decodeMessage(given)
        if (!decoded.ok) return reject(new Error(decoded.error.text))
        if (decoded.value.type === 'bye') reason = decoded.value.reason
        if (decoded.value.type === 'hello') go(given, decoded.value.nodeId).catch((error: unknown) => closed || reject(error instanceof Error ? error : new Error(String(error))))
      },
      heard: () => undefined,
      drained: () => room(),
      closed: () => {
        closed = true
        room()
        resolve(reason)
      },
    })
    transport.send(own)
  })

globalThis.besiege = async (invitation, hub, assault, count) => {
  const { swarm } = await joinSwarm(webCrypto, invitation)
  const introductionId = crypto.getRandomValues(new Uint8Array(16))
  const nonce = new Uint8Array(32)
  nonce.set(introductionId)
  const stranger: Stranger = { swarm, identity: await webCrypto.generateIdentity(), nonce }
  const signed = assault === 'relay' ? (await relays(stranger)).map(say) : []
  const reasons = new Map<string, string>()
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const leave = await meet(swarm, stranger.identity, introductionId, hub, (transport) => {
    assail(assault, stranger, transport, signed).then((reason) => {
      reasons.set(bytesToHex(transport.fingerprints.peer), reason)
      if (reasons.size >= count) resolve()
    }, reject)
  })
  await promise
  await leave()
  return [...reasons.values()]
}
