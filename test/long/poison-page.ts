import { createPeerjsSignaling } from '../../src/net/peerjs-signaling.ts'
import { createSimplePeerConnector } from '../../src/net/simple-peer-transport.ts'
import type { Connector, Transport } from '../../src/net/transport.ts'
import { createBrowserEnvironment } from '../../src/node/browser-environment.ts'
import { connectParts } from '../../src/node/connect.ts'
import { createNode } from '../../src/node/create-node.ts'
import { joinSwarm } from '../../src/node/join-swarm.ts'
import { webCrypto } from '../../src/node/web-crypto.ts'
import { decodeMessage, encodeMessage } from '../../src/protocol/codec.ts'
import { createMemoryDisk, openMemoryStore } from '../../src/store/memory-event-store.ts'
import { encodeUtf8 } from '../../src/core/utf8.ts'
import { streamIdOf, type NodeId } from '../../src/core/ids.ts'
import { sealBatches } from '../../src/stream/seal.ts'

/** A member that writes what no program of this version writes: all its pieces are truly signed. */
export interface PoisonAuthor {
  readonly nodeId: NodeId
  readonly publish: (text: string) => Promise<void>
  /** Adds one line with one event to the own stream, past all checks. @param rest what follows the Lamport time */
  readonly write: (rest: string) => Promise<void>
  /** Whether its headers are those of a later version. */
  readonly setLater: (isLater: boolean) => void
}

declare global {
  /** Put there by `poison-page.ts`. */
  var openAuthor: (invitation: string, hub: string, name: string) => Promise<void>
  var author: PoisonAuthor
}

/** The label of a header says its version in the last of its 18 bytes. */
const LABEL_END = 17

const saying = (transport: Transport, change: (message: Uint8Array) => Uint8Array): Transport => {
  const send = transport.send.bind(transport)
  return Object.assign(transport, { send: (message: Uint8Array) => send(change(message)) })
}

const asLater = (bytes: Uint8Array): Uint8Array => {
  const decoded = decodeMessage(bytes)
  if (!decoded.ok || decoded.value.type !== 'segment') return bytes
  const header = decoded.value.header.slice()
  header[LABEL_END] = '2'.charCodeAt(0)
  return encodeMessage({ ...decoded.value, header })
}

globalThis.openAuthor = async (invitation, hub, name) => {
  const { swarm } = await joinSwarm(webCrypto, invitation)
  const environment = createBrowserEnvironment()
  const stunUrls = (): readonly string[] => []
  const { begin } = createSimplePeerConnector({ stunUrls, timers: environment })
  let isLater = false
  const connector: Connector = {
    begin: (dialled, handlers) => begin(dialled, { ...handlers, opened: (transport) => handlers.opened(saying(transport, (message) => (isLater ? asLater(message) : message))) }),
  }
  const disk = createMemoryDisk()
  const network = {
    parts: connectParts,
    connector,
    signalings: ({ introductionId, key }: { readonly introductionId: Uint8Array; readonly key: Uint8Array }) =>
      [[hub, createPeerjsSignaling({ url: hub, swarm: swarm.id, introductionId, tagOf: (id) => webCrypto.hmac(key, id), stunUrls, timers: environment })] as const],
  }
  const node = await createNode({ store: openMemoryStore(disk, swarm.id), crypto: webCrypto, environment, network }, { swarm, name, scope: crypto.randomUUID() })
  const store = openMemoryStore(disk, swarm.id)
  globalThis.author = {
    nodeId: node.nodeId,
    publish: async (text) => void (await node.publish([{ tags: ['numbered'], event: { text } }])),
    write: async (rest) => {
      const [stored, state] = [await store.identity(), await store.state(streamIdOf(node.nodeId, 0))]
      if (stored === undefined || state === undefined) throw new Error('the author has published nothing yet')
      const lamport = Math.max(state.head.lamport, await store.clock()) + 1
      const batch = { timestampMicros: 1, appId: '', labels: [], line: encodeUtf8(`[${lamport},${rest}\n`), events: 1, firstLamport: lamport, lastLamport: lamport }
      const append = await sealBatches({ crypto: webCrypto, signer: webCrypto.signer(stored.identity), swarm: swarm.id }, state, [batch])
      const { type } = await store.appendOwn(append, lamport, false)
      if (type !== 'stored') throw new Error(type)
    },
    setLater: (later) => {
      isLater = later
    },
  }
}
