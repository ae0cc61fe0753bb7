import { parseSwarmId, type SwarmId } from './core/ids.ts'
import type { Where } from './core/where.ts'
import { createPeerjsSignaling } from './net/peerjs-signaling.ts'
import { createSimplePeerPairing } from './net/simple-peer-pairing.ts'
import { createRelaySignaling } from './net/relay-signaling.ts'
import { createSimplePeerConnector } from './net/simple-peer-transport.ts'
import { createBrowserEnvironment } from './node/browser-environment.ts'
import { browserStorage } from './node/browser-storage.ts'
import type { Network } from './node/connections.ts'
import { createNode } from './node/create-node.ts'
import type { Environment } from './node/environment.ts'
import { foundSwarm, joinSwarm, type Membership } from './node/membership.ts'
import { NodeError, type Node } from './node/node.ts'
import { openReopeningStore } from './node/reopening-store.ts'
import { openStunUrls } from './node/stun-urls.ts'
import { loadSwarm } from './node/settings.ts'
import { webCrypto } from './node/web-crypto.ts'
import { decodeInvitation, type InvitationError } from './protocol/invitation.ts'
import { openIdbStore } from './store/idb-event-store.ts'

export type { Event, Meta, TaggedEvent } from './core/event.ts'
export { compareEventKeys, type EventKey } from './core/event-key.ts'
export { parseNodeId, parseStreamId, parseSwarmId, streamIdToNodeId, type EventId, type Lamport, type NodeId, type Offset, type StreamId, type SwarmId } from './core/ids.ts'
export type { JsonValue } from './core/json.ts'
export { copiesOfOwn, isNearlyFull, NodeError } from './node/node.ts'
export { includesAll, includesEvent, lastOf, merge, missingRanges, offsetsOf, type OffsetMap, type OffsetRange } from './core/offset-map.ts'
export { allEvents, type Conjunction, type Where } from './core/where.ts'
export type { AqlOptions, AqlSubscriber, Channel, ForkStatus, HubStatus, LateEvents, Local, Node, NodeErrorCode, NodeStatus, Notice, Order, Pairing, PairingCode, PairingState, PeerStatus, Query, StorageStatus, Subscriber, TravelReason, Unreached } from './node/node.ts'
export type { Obstacle } from './protocol/reach.ts'
export type { Answer, Explanation } from './query/answer.ts'
export { QueryError, type Place, type QueryErrorCode } from './query/errors.ts'
export type { EventPlace, Origin } from './query/origin.ts'
export type { InvitationError } from './protocol/invitation.ts'
export { StoreError, type StoreErrorCode } from './store/errors.ts'

/** Events that carry all of these tags. Several joined, `[...tags('a'), ...tags('b')]`, are those that carry either. */
export const tags = (...names: readonly string[]): Where => [{ tags: names }]

/** Why a text is not what `invite()` of a member gave; `undefined`: it is. */
export const invitationFault = (text: string): InvitationError | undefined => {
  const decoded = decodeInvitation(text)
  return decoded.ok ? undefined : decoded.error
}

/** Which swarm to open. None of the three: the one that this browser profile opened last; in a new profile a new one is founded. */
export type SwarmChoice =
  | { readonly swarm: SwarmId; readonly found?: never; readonly invitation?: never }
  /** Begin a new swarm with this node as its first. */
  | { readonly found: true; readonly swarm?: never; readonly invitation?: never }
  /** What `invite()` of a member gave, alone or at the end of a link behind `#`. */
  | { readonly invitation: string; readonly swarm?: never; readonly found?: never }
  | { readonly swarm?: never; readonly found?: never; readonly invitation?: never }

export interface OpenSettings {
  /** Display name, told to others; at most 256 bytes. Default: the one it had. */
  readonly name?: string
  /** Of events that are published without one. Default: `''`. */
  readonly appId?: string
  /** Hubs of the LAN through which other nodes are met, by origin (`https://192.168.1.10:8443`). Nothing else is ever contacted. */
  readonly hubs?: readonly string[]
  /** Asks for the STUN servers of these hubs, `stun:<literal address>:<port>`; not waited for. What was answered last is kept for when no hub is in reach. */
  readonly stunUrls?: () => Promise<readonly string[]>
  /** Name and version of the application, told to others. */
  readonly software?: string
}

export type OpenOptions = OpenSettings & SwarmChoice

/** Where the swarm that a profile opened last stands. */
const storedSwarmKey = 'millpond/swarm'

/** The swarm that this browser profile opened last; `undefined` in a new profile. */
export const storedSwarm = (): SwarmId | undefined => parseSwarmId(localStorage.getItem(storedSwarmKey) ?? '')

/**
 * Opens this browser profile's node in a swarm; every tab of the profile may do so, together they are one node.
 * @throws NodeError `NODE-UNSUPPORTED` where the browser lacks what a node needs, `INVITATION-INVALID`, `SWARM-UNKNOWN`; StoreError when the disk cannot be used
 */
export const openNode = async (options: OpenOptions = {}): Promise<Node> => {
  refuseUnsupported()
  const environment = createBrowserEnvironment()
  const { swarm, ...first } = await membershipOf(options, environment)
  const store = await openReopeningStore(() => openIdbStore(swarm.id), environment)
  const hubs = [...(options.hubs ?? []), ...(first.hubs ?? []).filter((hub) => !isLoopback(hub) || isLoopback(location.origin))]
  try {
    const devices = { store, crypto: webCrypto, environment, network: createNetwork(await openStunUrls(store, options.stunUrls), environment), storage: browserStorage }
    // Remembered as soon as it can be opened again: a reload from then on finds it.
    return await createNode(devices, { ...options, ...first, swarm, hubs, stored: () => localStorage.setItem(storedSwarmKey, swarm.id) })
  } catch (error) {
    await store.close()
    throw error
  }
}

const membershipOf = async (options: OpenOptions, environment: Environment): Promise<Membership> => {
  if (options.invitation !== undefined) return joinSwarm(webCrypto, options.invitation)
  const swarmId = options.swarm ?? (options.found === true ? undefined : storedSwarm())
  if (swarmId === undefined) return foundSwarm(webCrypto, environment.randomBytes)
  const store = await openIdbStore(swarmId)
  try {
    const swarm = await loadSwarm(store)
    if (swarm === undefined) throw new NodeError('SWARM-UNKNOWN', `this browser has no data of swarm ${swarmId}: it was never here, or the browser has deleted it. Join it by an invitation.`)
    return { swarm }
  } finally {
    await store.close()
  }
}

/** Who invites from the hub's own computer names the hub as it is reached there; elsewhere that name leads to another machine. */
const isLoopback = (origin: string): boolean => /^https?:\/\/(localhost|127\.0\.0\.1|\[::1\])(:|\/|$)/.test(origin)

const createNetwork = (stunUrls: () => readonly string[], timers: Environment): Network => ({
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

const refuseUnsupported = (): void => {
  if (!isSecureContext) {
    throw new NodeError('NODE-UNSUPPORTED', 'this page was opened over an address that browsers do not trust: open it over https:// or on http://localhost')
  }
  const needed = ['indexedDB', 'RTCPeerConnection', 'BroadcastChannel', 'CompressionStream', 'DecompressionStream']
  const missing = needed.filter((name) => !(name in globalThis))
  if (missing.length > 0 || !('locks' in navigator)) {
    throw new NodeError('NODE-UNSUPPORTED', `this browser lacks ${[...missing, ...('locks' in navigator ? [] : ['Web Locks'])].join(', ')}: update it`)
  }
}
