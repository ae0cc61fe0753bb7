import type { Event, Meta, TaggedEvent } from '../core/event.ts'
import type { EventKey } from '../core/event-key.ts'
import type { NodeId, Offset, StreamId, SwarmId } from '../core/ids.ts'
import { includesAll, lastOf, offsetsOf, type OffsetMap } from '../core/offset-map.ts'
import type { Where } from '../core/where.ts'
import type { PairingFailure } from '../net/pairing.ts'
import type { PairingTextError } from '../protocol/pairing.ts'
import type { Obstacle } from '../protocol/reach.ts'
import type { Answer } from '../query/answer.ts'

/** Which events, and in which order. */
export interface Query {
  /** Default: all events. */
  readonly where?: Where
  /** Only events above these offsets (exclusive); a stream not listed from its beginning. */
  readonly lowerBound?: OffsetMap
  /** Only events up to these offsets (inclusive); a stream not listed: none of it. Default: all that is present. */
  readonly upperBound?: OffsetMap
  /** Only events that sort after this key. */
  readonly horizon?: EventKey
}

export type Order = 'ascending' | 'descending'

/**
 * What happens when an event comes that sorts before one already given. `timeTravel`: the subscriber is told, and everything is given again in order.
 * `deliver`: it is given when it comes, each chunk in order for itself; for whoever folds events in any order, or looks at their keys.
 */
export type LateEvents = 'timeTravel' | 'deliver'

/** Bounds and defaults of a query in AQL. */
export interface AqlOptions {
  /** Only events above these offsets (exclusive); a stream not listed from its beginning. */
  readonly lowerBound?: OffsetMap
  /** Only events up to these offsets (inclusive); a stream not listed: none of it. Default: all that is present. */
  readonly upperBound?: OffsetMap
  /** Of a query that has no `ORDER` and whose steps prefer none. Default: ascending. */
  readonly order?: Order
  /** What `appId(me)` means. Default: the app id that this node publishes under. */
  readonly appId?: string
}

export interface AqlSubscriber {
  /**
   * Answers in the order in which they came about; `caughtUp`: they tell of all that is present, and the last of them has its offsets.
   * Called when there are answers, and once when first caught up.
   * The next come after the returned promise has settled; one that rejects stops the subscription and is given to `failed`.
   */
  readonly answers: (answers: readonly Answer[], caughtUp: boolean) => void | Promise<void>
  /** The subscription has ended by an error: a QueryError where the text or the query is at fault. Never called within the call that subscribes. */
  readonly failed: (error: Error) => void
}

export interface Subscriber {
  /**
   * Events in ascending order, each chunk sorting after the one before. `caughtUp`: all that is present has been given.
   * The next chunk comes after the returned promise has settled; one that rejects stops the subscription and is given to `failed`.
   * `covered`: of what matches, everything up to these offsets has been given by now, or lies at or below the query's lower bound; a later subscription may begin above them.
   */
  readonly events: (chunk: readonly Event[], caughtUp: boolean, covered: OffsetMap) => void | Promise<void>
  /**
   * An event came that sorts before one already given (`earlier`; not where late events are delivered as they come), or events already given are no longer held:
   * their stream has ended at a fork, from which on they have other event ids (`forked`; `earliest` sorts before all of them), or the disk has lost them (`lost`).
   * Everything is given again from the beginning of the query.
   * It waits until nothing came for 0.1 s (1 s while a connected node holds more), at most 1 s (10 s): after a long absence it comes once.
   * @param earliest the first event by order that was not given yet
   */
  readonly timeTravel: (earliest: EventKey, reason: TravelReason) => void
  /** Whether it is cheap to begin again because of a late event like this: then `timeTravel` comes at once, with this event, and does not wait for more of them. Absent: it is not. */
  readonly isNear?: (late: EventKey) => boolean
  /** The subscription has ended by an error. */
  readonly failed: (error: Error) => void
}

export type TravelReason = 'earlier' | 'forked' | 'lost'

/** A running instance in one swarm: one for all tabs of a browser profile. */
export interface Node {
  /** Present identity; another one after `identityChanged` is reported. */
  readonly nodeId: NodeId
  readonly swarm: SwarmId
  /**
   * Adds one batch to the own stream. Resolves when it is durable here (G2), with the meta of each event in order; never waits for another node.
   * @throws NodeError `PUBLISH-INVALID` with the reason; StoreError when it could not be stored: then nothing was
   */
  readonly publish: (events: readonly TaggedEvent[], options?: { readonly appId?: string }) => Promise<readonly Meta[]>
  /** Events in order, read lazily from disk, as present when called. */
  readonly query: (query: Query, order?: Order) => AsyncIterable<Event>
  /**
   * Answers of a query in AQL over what is present when called, lazily; the last one has the offsets that they cover. Bounds hold for sub-queries too.
   * @throws QueryError, on iterating: the text is no query, or the query cannot go on. A step that has no value for an input is no error but an answer.
   *
   * @example
   * ```ts
   * import { testNode } from 'millpond/testing'
   *
   * const node = await testNode()
   * for (const weight of [2, 3, 5]) await node.publish([{ tags: ['piece'], event: { press: weight % 2, weight } }])
   * for await (const answer of node.aql("FROM 'piece' GROUP BY _.press AGGREGATE [_, SUM(_.weight)]")) {
   *   if (answer.type === 'event') console.log(JSON.stringify(answer.payload)) // [0,2] · [1,8]
   * }
   * await node.close()
   * ```
   */
  readonly aql: (text: string, options?: AqlOptions) => AsyncIterable<Answer>
  /**
   * Follows a query in AQL: its results are kept up to date. A result that no longer holds is taken back by an `antiEvent`; late events change results like any others,
   * aggregates without reading history again. What cannot be kept up to date is refused with `AQL-LIVE`: sub-queries, arrays, the newest ones by LIMIT.
   * @returns a function that stops it at once
   *
   * @example
   * ```ts
   * import { testNode } from 'millpond/testing'
   *
   * const node = await testNode()
   * await node.publish([{ tags: ['piece'], event: { weight: 2 } }])
   * const told: string[] = []
   * await new Promise<void>((done, failed) => {
   *   node.subscribeAql("FROM 'piece' AGGREGATE SUM(_.weight)", {
   *     answers: (answers) => {
   *       for (const answer of answers) if (answer.type === 'event' || answer.type === 'antiEvent') told.push(`${answer.type} ${answer.payload}`)
   *       if (told.length === 1) node.publish([{ tags: ['piece'], event: { weight: 3 } }]).catch(failed)
   *       if (told.length === 3) done()
   *     },
   *     failed,
   *   })
   * })
   * console.log(told.join(', ')) // event 2, antiEvent 2, event 5
   * await node.close()
   * ```
   */
  readonly subscribeAql: (text: string, subscriber: AqlSubscriber, options?: Omit<AqlOptions, 'order'>) => () => void
  /**
   * Follows a query, beginning with what is present; a slow subscriber is read for at its own pace.
   * @param late default: `timeTravel` @returns a function that stops it at once
   */
  readonly subscribe: (query: Query, subscriber: Subscriber, late?: LateEvents) => () => void
  /** Highest offset held of each stream. */
  readonly present: () => Promise<OffsetMap>
  readonly status: () => NodeStatus
  /** Calls with every change of `status`, at most every 100 ms. @returns a function that stops it */
  readonly observe: (changed: (status: NodeStatus) => void) => () => void
  /** Text that lets another node into this swarm; secret. Without scheme and origin: put it behind `#`. */
  readonly invite: () => Promise<string>
  /** Connects with another node of this swarm by two codes that people carry, without any server. In the tab that leads; elsewhere it fails with `PAIR-TAB`. */
  readonly pair: () => Pairing
  /** This node's display name, told to others; at most 256 bytes. @throws NodeError `NAME-INVALID` */
  readonly rename: (name: string) => Promise<void>
  /** Bytes that a layer above keeps on this node; not replicated. */
  /**
   * Asks the browser never to delete what is stored here, and shows the answer in `status().storage.persistent`. Some browsers ask the person: call it when one has
   * touched a key, or has installed the app. @returns whether it is granted
   */
  readonly persist: () => Promise<boolean>
  /**
   * Lines of an archive: a text file that a person can keep and read, and that any node of the swarm takes in. `only here`: pieces with an event that no other node
   * is known to hold. What cannot be read is named in it.
   */
  readonly archive: (which: 'all' | 'only here') => AsyncIterable<string>
  /** Takes in an archive of this swarm: events come into the streams in which they were written. */
  readonly takeArchive: (file: Uint8Array) => Promise<ArchiveReport>
  readonly local: (layer: string) => Local
  /** Messages to and from peers for a layer above. */
  readonly channel: (name: string) => Channel
  readonly close: () => Promise<void>
}

/**
 * Two nodes, two codes: one node shows an offer, the other takes it and shows an answer, the first takes that. Each code as text, to copy or to show as QR code.
 * One attempt at a time: `offer` and `answer` begin a new one and give up the one before.
 */
export interface Pairing {
  /** The code to show first. @throws NodeError with a `PairingCode` */
  readonly offer: () => Promise<string>
  /** The code to show for that of the other node. @throws NodeError with a `PairingCode` */
  readonly answer: (offer: string) => Promise<string>
  /** Takes the answer to the own offer. @throws NodeError with the fault of the text: the offer still waits for the right one */
  readonly accept: (answer: string) => void
  readonly state: () => PairingState
  /** @returns a function that stops it */
  readonly observe: (changed: (state: PairingState) => void) => () => void
  /** Gives it up; a connection that is open stays. */
  readonly close: () => void
}

export type PairingState =
  | { readonly type: 'idle' }
  /** The browser is asked how this node can be reached. */
  | { readonly type: 'making'; readonly role: 'offer' | 'answer' }
  /** `text` waits to be taken by the other node until `untilMicros` of the own clock. */
  | { readonly type: 'showing'; readonly role: 'offer' | 'answer'; readonly text: string; readonly untilMicros: number }
  /** Both codes were exchanged. */
  | { readonly type: 'connecting' }
  | { readonly type: 'connected'; readonly peer: NodeId }
  /** `detail` is for a log. */
  | { readonly type: 'failed'; readonly code: PairingCode; readonly detail: string }

/**
 * Why a pairing does not go on. Those of a text are listed at `PairingTextError`, those of the network at `PairingFailure`.
 * `PAIR-TAB` another tab of this profile has the connections · `PAIR-REFUSED` connected, and one of the two did not prove to belong here.
 */
export type PairingCode = PairingTextError | PairingFailure | 'PAIR-TAB' | 'PAIR-REFUSED'

export interface NodeStatus {
  readonly nodeId: NodeId
  readonly name: string
  /** When this tab opened it, by the own clock. */
  readonly startedMicros: number
  /** Whether this tab has the connections. */
  readonly leader: boolean
  /** Own streams, former identities included: highest durable offset of each. */
  readonly own: OffsetMap
  readonly present: OffsetMap
  /** Every other node heard of, by name, then id. */
  readonly peers: readonly PeerStatus[]
  readonly hubs: readonly HubStatus[]
  /** Other nodes that are there, as a hub says, and with which no connection comes about. */
  readonly unreached: readonly Unreached[]
  /** `false`: the browser says that this tablet is in no network. */
  readonly online: boolean
  /** Since when no peer is connected, though one was known; `undefined` while one is, or when none is known. */
  readonly cutOffSinceMicros: number | undefined
  /** Whether this browser lets a page that was reloaded come back without a hub; `undefined`: not yet tried. */
  readonly returnAllowed: boolean | undefined
  readonly storage: StorageStatus
  /**
   * The last failure to store, until a later one succeeds. `STORE-LOST`: the disk is being opened again, what is published waits. `STORE-STUCK`: that has failed for a while;
   * it is tried on. `STORE-NEWER`, `STORE-LEFT`: this node has ended, and is closed.
   */
  readonly storeFailure: { readonly code: string; readonly message: string; readonly atMicros: number } | undefined
  /** Those found so far, by stream. */
  readonly forks: readonly ForkStatus[]
  /** What a person should know: newest last, at most 100. */
  readonly notices: readonly Notice[]
}

/** What the browser says of this origin's disk; `undefined`: it does not say, or not yet. */
export interface StorageStatus {
  readonly usedBytes: number | undefined
  readonly quotaBytes: number | undefined
  readonly persistent: boolean | undefined
}

export interface PeerStatus {
  readonly nodeId: NodeId
  readonly name: string
  readonly state: 'connecting' | 'connected' | 'suspect' | 'asleep' | 'gone'
  /** Since when it is in that state. */
  readonly sinceMicros: number
  readonly roundTripMs: number | undefined
  /** What it last said in a `have` that it holds durably, of all streams. May fall. */
  readonly holds: OffsetMap
  /** When it last said so; `undefined`: never. */
  readonly heardMicros: number | undefined
  /** Its clock minus this node's, in milliseconds. */
  readonly clockSkewMs: number | undefined
  /** Connections to it over others, as these say: 1 when connected; `undefined`: nobody heard of it lately. */
  readonly hops: number | undefined
  /** Connections held back with it for when the present one is lost, made by either side. */
  readonly standbys: number
}

/** `nodeId`: `undefined` as long as that page was never heard. `code`: what stood in the way last. */
export interface Unreached {
  readonly nodeId: NodeId | undefined
  readonly code: Obstacle
  readonly sinceMicros: number
}

/** A stream with several versions: its owner's key wrote on several disks. All are kept, each as a branch of it. */
export interface ForkStatus {
  /** The stream, or the branch, that ends there. */
  readonly stream: StreamId
  readonly nodeId: NodeId
  /** First offset in which the versions differ. */
  readonly end: Offset
  /** When the first entry was recorded that not all versions have, by the clock of who recorded it. */
  readonly sinceMicros: number
  /** When this node found out. */
  readonly foundMicros: number
  /** Entries of each version from there on, those of branches within it included. */
  readonly entries: readonly number[]
  /** Versions that were given up for these, because only so many are kept: they lie aside on this disk, and their entries do not count. */
  readonly displaced: number
}

export interface HubStatus {
  readonly url: string
  readonly state: 'connecting' | 'ready' | 'unreachable'
  readonly sinceMicros: number
}

/** G6: something that was not silent. `code` is stable, `text` is for a log, `about` names the stream or node concerned. */
export interface Notice {
  readonly code: string
  readonly atMicros: number
  readonly about: StreamId | NodeId | undefined
  readonly text: string
  /** How often it came one after the other; absent: once. */
  readonly times?: number
}

/** Why a file is none: not an archive at all, cut short or changed, of another swarm, of a newer version. */
export type ArchiveFault = 'kind' | 'damaged' | 'swarm' | 'newer'

/** What came of taking in an archive. */
export interface ArchiveReport {
  /** Events that were not held before. */
  readonly stored: number
  /** Pieces that brought nothing new. */
  readonly known: number
  /** Pieces that were not taken: not valid, in conflict with what is held, or no room. */
  readonly refused: number
  /** Why it was not read to its end. */
  readonly fault: ArchiveFault | undefined
}

export interface Local {
  readonly get: (key: string) => Promise<Uint8Array | undefined>
  readonly put: (entries: readonly (readonly [string, Uint8Array])[]) => Promise<void>
  readonly delete: (keys: readonly string[]) => Promise<void>
  /** From `from` (included) to `to` (excluded), in key order. */
  readonly range: (from: string, to: string) => Promise<readonly (readonly [string, Uint8Array])[]>
}

export interface Channel {
  /** @returns whether the peer is connected and has that channel open; delivery is not certain */
  readonly send: (peer: NodeId, bytes: Uint8Array) => boolean
  readonly listen: (heard: (peer: NodeId, bytes: Uint8Array) => void) => () => void
}

/** Nodes, this one included, that said they hold every event of the own streams durably. */
export const copiesOfOwn = (status: NodeStatus): number =>
  1 + status.peers.filter((peer) => includesAll(peer.holds, status.own)).length

/** Events up to these offsets (of `own` or `present`) that no other node said it holds durably. */
export const eventsOnlyHere = ({ peers }: Pick<NodeStatus, 'peers'>, offsets: OffsetMap): number =>
  offsetsOf(offsets).reduce((sum, [stream, last]) => sum + Math.max(0, last - Math.max(-1, ...peers.map(({ holds }) => lastOf(holds, stream)))), 0)

/** From this share of the quota on, events of others are not taken. */
const FULL_SHARE = 0.9

/** Whether what is left of the quota is kept for own events: those of others are not taken until there is room. */
export const isNearlyFull = ({ usedBytes, quotaBytes }: StorageStatus): boolean =>
  usedBytes !== undefined && quotaBytes !== undefined && quotaBytes > 0 && usedBytes >= quotaBytes * FULL_SHARE

export type NodeErrorCode = 'PUBLISH-INVALID' | 'NODE-CLOSED' | 'INVITATION-INVALID' | 'SWARM-UNKNOWN' | 'SWARM-CLEARED' | 'NAME-INVALID' | 'NODE-UNSUPPORTED' | PairingCode

export class NodeError extends Error {
  override readonly name = 'NodeError'
  readonly code: NodeErrorCode
  constructor(code: NodeErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(`${code}: ${message}`, options)
    this.code = code
  }
}
