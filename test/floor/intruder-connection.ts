import { createPeerjsSignaling } from '../../src/net/peerjs-signaling.ts'
import { createSimplePeerConnector } from '../../src/net/simple-peer-transport.ts'
import type { Transport } from '../../src/net/transport.ts'
import { createBrowserEnvironment } from '../../src/node/browser-environment.ts'
import type { Swarm } from '../../src/node/crypto.ts'
import { createPeers } from '../../src/node/peers.ts'
import { createProofs } from '../../src/node/replication-proof.ts'
import { webCrypto } from '../../src/node/web-crypto.ts'
import { encodeMessage } from '../../src/protocol/codec.ts'
import { transcriptBytes } from '../../src/protocol/proof.ts'
import type { Identity } from '../../src/store/event-store.ts'

/** Who connects without being a node. */
export interface Stranger {
  readonly swarm: Swarm
  readonly identity: Identity
  readonly nonce: Uint8Array
}

export const helloOf = ({ swarm, identity, nonce }: Stranger, features: readonly string[] = []): Uint8Array =>
  encodeMessage({ type: 'hello', versions: [1], features, swarm: swarm.id, nodeId: identity.nodeId, nonce })

/** A proof for this very connection. @param key of the swarm, or another one */
export const proveHere = async ({ swarm, identity }: Stranger, transport: Transport, hello: { readonly own: Uint8Array; readonly theirs: Uint8Array }, key: Uint8Array): Promise<Uint8Array> => {
  const own = { hello: hello.own, fingerprint: transport.fingerprints.own }
  const theirs = { hello: hello.theirs, fingerprint: transport.fingerprints.peer }
  const [d, a] = transport.dialled ? [own, theirs] : [theirs, own]
  const transcript = transcriptBytes({ hello: { d: d.hello, a: a.hello }, fingerprint: { d: d.fingerprint, a: a.fingerprint } })
  return encodeMessage({ type: 'proof', ...(await createProofs(webCrypto, { ...swarm, key }, identity).prove(transport.dialled ? 'd' : 'a', transcript)) })
}

/** Meets the tablets of the swarm at the hub as any of them would; what happens on each connection is up to `opened`. */
export const meet = async (swarm: Swarm, identity: Identity, introductionId: Uint8Array, hub: string, opened: (transport: Transport) => void): Promise<() => Promise<void>> => {
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
