import { createPeerjsSignaling } from './net/peerjs-signaling.ts'
import { createRelaySignaling } from './net/relay-signaling.ts'
import { createSimplePeerPairing } from './net/simple-peer-pairing.ts'
import { createSimplePeerConnector } from './net/simple-peer-transport.ts'
import { connectParts } from './node/connect.ts'
import type { Network } from './node/connections.ts'
import type { Environment } from './node/environment.ts'
import { webCrypto } from './node/web-crypto.ts'

/** How a browser reaches other nodes, and what runs then. */
export const createNetwork = (stunUrls: () => readonly string[], timers: Environment): Network => ({
  parts: connectParts,
  connector: createSimplePeerConnector({ stunUrls, timers }),
  pairing: createSimplePeerPairing({ stunUrls, timers }),
  signalings: ({ swarm, introductionId, hubs, key, nodeId, road }) => {
    const tagOf = (id: Uint8Array) => webCrypto.hmac(key, id)
    return [
      ...hubs.map((url) => [url, createPeerjsSignaling({ url, swarm: swarm.id, introductionId, tagOf, stunUrls, timers })] as const),
      [undefined, createRelaySignaling({ nodeId, road, timers })],
    ]
  },
})
