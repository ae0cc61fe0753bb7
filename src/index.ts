/** A node in this browser profile, and all that is known of its swarm. @module millpond */
import { parseSwarmId, type SwarmId } from './core/ids.ts'
import type { Where } from './core/where.ts'
import { createBrowserEnvironment } from './node/browser-environment.ts'
import { browserMarks } from './node/browser-marks.ts'
import { browserStorage } from './node/browser-storage.ts'
import type { Network } from './node/connections.ts'
import { createNode } from './node/create-node.ts'
import type { Swarm } from './node/crypto.ts'
import type { Environment } from './node/environment.ts'
import type { Mark } from './node/marks.ts'
import { foundSwarm, type Membership } from './node/membership.ts'
import { NodeError, type Node } from './node/node.ts'
import { openReopeningStore } from './node/reopening-store.ts'
import { changesIn, scopeOf } from './node/scope.ts'
import { openStunUrls } from './node/stun-urls.ts'
import { loadSettings, loadSwarm } from './node/settings.ts'
import { webCrypto } from './node/web-crypto.ts'
import type { InvitationError } from './protocol/invitation.ts'
import { deleteSwarmDatabase, listDatabases, openIdbStore } from './store/idb-event-store.ts'
import { StoreError } from './store/errors.ts'
import type { EventStore } from './store/event-store.ts'
import type { Change } from './tab/changes.ts'

export type { Event, Meta, TaggedEvent } from './core/event.ts'
export { compareEventKeys, type EventKey } from './core/event-key.ts'
export { parseNodeId, parseStreamId, parseSwarmId, streamIdToNodeId, type EventId, type Lamport, type NodeId, type Offset, type StreamId, type SwarmId } from './core/ids.ts'
export type { JsonValue } from './core/json.ts'
export { isArchive } from './node/archive-start.ts'
export type { Mark } from './node/marks.ts'
export { copiesOfOwn, eventsOnlyHere, isNearlyFull, NodeError } from './node/node.ts'
export { includesAll, includesEvent, lastOf, merge, missingRanges, offsetsOf, type OffsetMap, type OffsetRange } from './core/offset-map.ts'
export { allEvents, type Conjunction, type Where } from './core/where.ts'
export type { AqlOptions, AqlSubscriber, ArchiveFault, ArchiveReport, Channel, ForkStatus, HubStatus, LateEvents, Local, Node, NodeErrorCode, NodeStatus, Notice, Order, Pairing, PairingCode, PairingState, PeerStatus, Query, StorageStatus, Subscriber, TravelReason, Unreached } from './node/node.ts'
export type { Connectivity } from './pond/connectivity.ts'
export type { Enqueue, StateEffect } from './pond/effects.ts'
export { Fish, FishId } from './pond/fish.ts'
export { FishError, type FishErrorCode } from './pond/fish-error.ts'
export type { ObserveAllOptions } from './pond/observe-all.ts'
export { createPond, type Cancel, type Pond, type PondOptions } from './pond/pond.ts'
export type { SplashState, StreamProgress, SwarmSync, SwarmSyncOptions, SwarmSyncResult } from './pond/swarm-sync.ts'
export type { PairingFailure } from './net/pairing.ts'
export type { PairingTextError } from './protocol/pairing.ts'
export type { Obstacle } from './protocol/reach.ts'
export type { Answer, Explanation } from './query/answer.ts'
export { QueryError, type Place, type QueryErrorCode } from './query/errors.ts'
export type { EventPlace, Origin } from './query/origin.ts'
export type { InvitationError } from './protocol/invitation.ts'
export { StoreError, type StoreErrorCode } from './store/errors.ts'

/**
 * Events that carry all of these tags. Several joined, `[...tags('a'), ...tags('b')]`, are those that carry either.
 *
 * @example
 * ```ts
 * import { tags } from 'millpond'
 * import { testNode } from 'millpond/testing'
 *
 * const node = await testNode()
 * await node.publish([{ tags: ['order:4711', 'station:press-1'], event: 'started' }, { tags: ['order:4712'], event: 'started' }])
 * const found: string[] = []
 * for await (const { meta } of node.query({ where: tags('order:4711', 'station:press-1') })) found.push(meta.tags.join())
 * console.log(found.length, found[0]) // 1 order:4711,station:press-1
 * await node.close()
 * ```
 */
export const tags = (...names: readonly string[]): Where => [{ tags: names }]

/** Why a text is not what `invite()` of a member gave; `undefined`: it is. */
export const invitationFault = async (text: string): Promise<InvitationError | undefined> => {
  const { decodeInvitation } = await import('./protocol/invitation.ts')
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

/** The swarm that this browser profile opened last, as `localStorage` says; `undefined` in a new profile. `findStored` looks whether it is still there. */
export const storedSwarm = (): SwarmId | undefined => parseSwarmId(localStorage.getItem(storedSwarmKey) ?? '')

/** What a browser profile holds. */
export type Stored =
  | { readonly type: 'new' }
  | { readonly type: 'here'; readonly swarm: SwarmId }
  /** Its database is gone, and what was noted elsewhere is not: the browser has cleared it. `mark`: what is known of it. */
  | { readonly type: 'cleared'; readonly swarm: SwarmId; readonly mark: Mark | undefined }

/**
 * Compares the marks in `localStorage` and the Cache Storage with the databases, because browsers do not clear all of them together.
 * Where nothing is left of any it is a new profile.
 */
export const findStored = async (): Promise<Stored> => {
  const databases = await listDatabases()
  const swarm = storedSwarm() ?? (await browserMarks.newest())?.swarm ?? (await firstKept(databases))
  if (swarm === undefined) return { type: 'new' }
  if ((await keptSwarm(swarm, databases)) !== undefined) return { type: 'here', swarm }
  return { type: 'cleared', swarm, mark: await browserMarks.read(swarm) }
}

/** With neither mark left, a database that can be opened is still better than an empty tablet. */
const firstKept = async (databases: readonly SwarmId[] | undefined): Promise<SwarmId | undefined> => {
  for (const swarm of databases ?? []) {
    const kept = await keptSwarm(swarm, databases).catch((error: unknown) => console.info(`the database of ${swarm} is passed over`, error))
    if (kept !== undefined) return swarm
  }
  return undefined
}

/** @param databases of this origin; `undefined` where the browser does not list them */
const keptSwarm = async (swarm: SwarmId, databases: readonly SwarmId[] | undefined): Promise<Swarm | undefined> => {
  if (databases?.includes(swarm) === false) return undefined
  const store = await openIdbStore(swarm)
  try {
    return await loadSwarm(store)
  } finally {
    await store.close()
  }
}

/**
 * Opens this browser profile's node in a swarm; every tab of the profile may do so, together they are one node.
 * @throws NodeError `NODE-UNSUPPORTED` where the browser lacks what a node needs, `INVITATION-INVALID`, `SWARM-UNKNOWN`, `SWARM-CLEARED`; StoreError when the disk cannot be used
 */
export const openNode = async (options: OpenOptions = {}): Promise<Node> => {
  refuseUnsupported()
  const environment = createBrowserEnvironment()
  // Now, while a person's touch counts: a browser may ask. The answer is not waited for.
  const asked = options.found === true || options.invitation !== undefined ? browserStorage.persist() : undefined
  const storage = asked === undefined ? browserStorage : { ...browserStorage, persisted: () => asked }
  const { swarm, ...first } = await membershipOf(options, environment)
  const store = await openReopeningStore(openingOf(swarm.id), environment)
  const hubs = [...(options.hubs ?? []), ...(first.hubs ?? []).filter((hub) => !isLoopback(hub) || isLoopback(location.origin))]
  try {
    const devices = { store, crypto: webCrypto, environment, network: networkOf(await openStunUrls(store, options.stunUrls), environment), storage, marks: browserMarks }
    // Remembered as soon as it can be opened again: a reload from then on finds it.
    const node = await createNode(devices, { ...options, ...first, swarm, hubs, stored: () => localStorage.setItem(storedSwarmKey, swarm.id) })
    await forgetCleared(swarm.id)
    return node
  } catch (error) {
    await store.close()
    throw error
  }
}

/** What was cleared is no longer missed once a person has gone on elsewhere. */
const forgetCleared = async (opened: SwarmId): Promise<void> => {
  const databases = await listDatabases()
  const gone = browserMarks.swarms().filter((swarm) => swarm !== opened && databases?.includes(swarm) === false)
  for (const swarm of gone) await browserMarks.remove(swarm)
}

/** A database that was deleted because a person has left the swarm is not made again. */
const openingOf = (swarm: SwarmId): (() => Promise<EventStore>) => {
  let wasOpen = false
  return async () => {
    if (wasOpen && !browserMarks.has(swarm)) throw new StoreError('STORE-LEFT', 'this tablet has left the swarm, in another window')
    const store = await openIdbStore(swarm)
    wasOpen = true
    return store
  }
}

const membershipOf = async (options: OpenOptions, environment: Environment): Promise<Membership> => {
  if (options.invitation !== undefined) return (await import('./node/join-swarm.ts')).joinSwarm(webCrypto, options.invitation)
  if (options.found === true) return foundSwarm(webCrypto, environment.randomBytes)
  if (options.swarm !== undefined) return keptMembership(options.swarm, 'SWARM-UNKNOWN', 'it was never here, or the browser has deleted it')
  const stored = await findStored()
  if (stored.type === 'new') return foundSwarm(webCrypto, environment.randomBytes)
  return keptMembership(stored.swarm, 'SWARM-CLEARED', 'the browser has deleted it')
}

const keptMembership = async (swarmId: SwarmId, code: 'SWARM-UNKNOWN' | 'SWARM-CLEARED', why: string): Promise<Membership> => {
  const swarm = await keptSwarm(swarmId, await listDatabases())
  if (swarm === undefined) throw new NodeError(code, `this browser has no data of swarm ${swarmId}: ${why}. Join it by an invitation.`)
  return { swarm }
}

/**
 * What can be read of a swarm on this disk, without a node: for when none can be opened. Lines of an archive, see `Node.archive`.
 * @throws StoreError when the disk cannot be opened at all
 */
export async function* archiveOf(swarm: SwarmId): AsyncGenerator<string> {
  const store = await openIdbStore(swarm)
  try {
    const { name } = await loadSettings(store)
    const { writeArchive } = await import('./node/archive.ts')
    yield* writeArchive(store, webCrypto, { name, atMicros: Date.now() * 1000 })
  } finally {
    await store.close()
  }
}

/**
 * Deletes everything that this browser profile holds of a swarm: nodes open in it end in all tabs (`STORE-LEFT`). What only this profile held is lost.
 * @returns whether the database is gone already; else it is empty, and goes when a window that sleeps wakes or is closed
 * @throws StoreError `STORE-FAILED`
 */
export const leaveSwarm = async (swarm: SwarmId): Promise<boolean> => {
  if (storedSwarm() === swarm) localStorage.removeItem(storedSwarmKey)
  await browserMarks.remove(swarm)
  const channel = new BroadcastChannel(changesIn(scopeOf(swarm)))
  channel.postMessage({ type: 'left' } satisfies Change)
  channel.close()
  return deleteSwarmDatabase(swarm)
}

/** Leaves all swarms, and removes what else of this library and its application lies in `localStorage` and `sessionStorage` under `millpond`. */
export const wipeProfile = async (): Promise<void> => {
  const named = storedSwarm()
  for (const swarm of new Set([...(await listDatabases() ?? []), ...browserMarks.swarms(), ...(named === undefined ? [] : [named])])) await leaveSwarm(swarm)
  for (const kept of [localStorage, sessionStorage]) for (const key of Object.keys(kept)) if (/^millpond[./]/.test(key)) kept.removeItem(key)
}

/** Who invites from the hub's own computer names the hub as it is reached there; elsewhere that name leads to another machine. */
const isLoopback = (origin: string): boolean => /^https?:\/\/(localhost|127\.0\.0\.1|\[::1\])(:|\/|$)/.test(origin)

/** Loaded beside the opening, which does not wait for it: a node reads and publishes alone. */
const networkOf = (stunUrls: () => readonly string[], environment: Environment): (() => Promise<Network>) => {
  const load = () => import('./network.ts').then(({ createNetwork }) => createNetwork(stunUrls, environment))
  let loaded: Promise<Network> | undefined
  return () => (loaded ??= load().catch((error: unknown) => {
    loaded = undefined
    throw error
  }))
}

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
