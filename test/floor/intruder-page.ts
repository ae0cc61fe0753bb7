import { bytesToHex } from '../../src/core/bytes.ts'
import { createPeerjsSignaling } from '../../src/net/peerjs-signaling.ts'
import { createSimplePeerConnector } from '../../src/net/simple-peer-transport.ts'
import type { Transport } from '../../src/net/transport.ts'
import { createBrowserEnvironment } from '../../src/node/browser-environment.ts'
import type { Swarm } from '../../src/node/crypto.ts'
import { joinSwarm } from '../../src/node/membership.ts'
import { createPeers } from '../../src/node/peers.ts'
import { createProofs } from '../../src/node/replication-proof.ts'
import { webCrypto } from '../../src/node/web-crypto.ts'
import { decodeMessage, encodeMessage } from '../../src/protocol/codec.ts'
import type { Message } from '../../src/protocol/message.ts'
import { transcriptBytes } from '../../src/protocol/proof.ts'
import type { Identity } from '../../src/store/event-store.ts'

/** How the intruder tries to get in. It knows how tablets meet, or it would not come this far; what it lacks is a proof. */
export type Trick = 'other key' | 'echo' | 'replay'

/** What one tablet said to the intruder: types of messages in order, `bye` with its reason. */
export interface Heard {
  readonly peer: string
  readonly said: readonly string[]
}

declare global {
  /** Put there by `intruder-page.ts`. Ends when `count` tablets have turned it away. */
  var intrude: (invitation: string, hub: string, trick: Trick, count: number) => Promise<readonly Heard[]>
}

interface Intruder {
  readonly swarm: Swarm
  readonly identity: Identity
  readonly nonce: Uint8Array
  readonly trick: Trick
  /** A true proof of the intruder, made on an earlier connection. */
  readonly earlier: Uint8Array | undefined
}

const helloOf = ({ swarm, identity, nonce }: Intruder): Uint8Array =>
  encodeMessage({ type: 'hello', versions: [1], features: [], swarm: swarm.id, nodeId: identity.nodeId, nonce })

/** The message that is sent where a proof is due. */
const proofOf = async (intruder: Intruder, transport: Transport, theirHello: Uint8Array): Promise<Uint8Array> => {
  if (intruder.earlier !== undefined) return intruder.earlier
  const own = { hello: helloOf(intruder), fingerprint: transport.fingerprints.own }
  const theirs = { hello: theirHello, fingerprint: transport.fingerprints.peer }
  const [d, a] = transport.dialled ? [own, theirs] : [theirs, own]
  const transcript = transcriptBytes({ hello: { d: d.hello, a: a.hello }, fingerprint: { d: d.fingerprint, a: a.fingerprint } })
  const key = intruder.trick === 'other key' ? crypto.getRandomValues(new Uint8Array(32)) : intruder.swarm.key
  return encodeMessage({ type: 'proof', ...(await createProofs(webCrypto, { ...intruder.swarm, key }, intruder.identity).prove(transport.dialled ? 'd' : 'a', transcript)) })
}

/** Runs one connection until it is closed. `heard` is called with each message. */
const converse = async (intruder: Intruder, transport: Transport, heard: (message: Message) => void): Promise<void> => {
  let closed: () => void = () => undefined
  const end = new Promise<void>((resolve) => {
    closed = resolve
  })
  const answer = async (bytes: Uint8Array, message: Message): Promise<void> => {
    if (intruder.trick === 'echo' && message.type === 'proof') transport.send(bytes)
    if (intruder.trick !== 'echo' && message.type === 'hello') transport.send(await proofOf(intruder, transport, bytes))
  }
  transport.start({
    message: (bytes) => {
      const decoded = decodeMessage(bytes)
      if (!decoded.ok) throw new Error(decoded.error.text)
      heard(decoded.value)
      answer(bytes, decoded.value).catch(reportError)
    },
    heard: () => undefined,
    drained: () => undefined,
    closed: () => closed(),
  })
  transport.send(helloOf(intruder))
  await end
}

/** Meets the tablets of the swarm at the hub as any of them would; what happens on each connection is up to `opened`. */
const meet = async (swarm: Swarm, identity: Identity, introductionId: Uint8Array, hub: string, opened: (transport: Transport) => void): Promise<() => Promise<void>> => {
  const environment = createBrowserEnvironment()
  const key = await webCrypto.derive(swarm.key, swarm.id, 'intro')
  const stunUrls = (): readonly string[] => []
  const signaling = createPeerjsSignaling({ url: hub, swarm: swarm.id, introductionId, tagOf: (id) => webCrypto.hmac(key, id), stunUrls, timers: environment })
  const devices = { connector: createSimplePeerConnector({ stunUrls, timers: environment }), signalings: [[hub, signaling] as const], crypto: webCrypto, environment }
  const ignore = (): void => undefined
  const events = { opened, end: (transport: Transport, reason: string) => transport.close(reason), peerState: ignore, hubState: ignore, unreached: () => undefined, notice: ignore }
  const peers = createPeers(devices, { swarm, nodeId: identity.nodeId, signer: webCrypto.signer(identity), introductionId }, events)
  return () => peers.close()
}

/** A true proof of this intruder, as it was sent on a connection that is over. */
const recordProof = async (intruder: Intruder, introductionId: Uint8Array, hub: string): Promise<Uint8Array> => {
  let leave: () => Promise<void> = () => Promise.resolve()
  const proof = await new Promise<Uint8Array>((resolve, reject) => {
    meet(intruder.swarm, intruder.identity, introductionId, hub, (transport) => {
      transport.start({
        message: (bytes) => {
          proofOf(intruder, transport, bytes).then((made) => {
            transport.close('closed')
            resolve(made)
          }, reject)
        },
        heard: () => undefined,
        drained: () => undefined,
        closed: () => undefined,
      })
      transport.send(helloOf(intruder))
    }).then((stop) => {
      leave = stop
    }, reject)
  })
  await leave()
  return proof
}

globalThis.intrude = async (invitation, hub, trick, count) => {
  const { swarm } = await joinSwarm(webCrypto, invitation)
  const introductionId = crypto.getRandomValues(new Uint8Array(16))
  const nonce = new Uint8Array(32)
  nonce.set(introductionId)
  crypto.getRandomValues(nonce.subarray(16))
  const stranger: Intruder = { swarm, identity: await webCrypto.generateIdentity(), nonce, trick, earlier: undefined }
  const intruder = trick === 'replay' ? { ...stranger, earlier: await recordProof(stranger, crypto.getRandomValues(new Uint8Array(16)), hub) } : stranger
  const ended: Heard[] = []
  let leave: () => Promise<void> = () => Promise.resolve()
  await new Promise<void>((resolve, reject) => {
    meet(swarm, intruder.identity, introductionId, hub, (transport) => {
      const said: string[] = []
      const heard = (message: Message): void => void said.push(message.type === 'bye' ? `bye ${message.reason}` : message.type)
      converse(intruder, transport, heard).then(() => {
        ended.push({ peer: bytesToHex(transport.fingerprints.peer), said })
        if (ended.length >= count) resolve()
      }, reject)
    }).then((stop) => {
      leave = stop
    }, reject)
  })
  await leave()
  return ended
}
