import { bytesToHex } from '../core/bytes.ts'
import type { NodeId } from '../core/ids.ts'
import type { Introduction, Signaling, SignalingState } from '../net/signaling.ts'
import type { Connector, Transport } from '../net/transport.ts'
import { violationBackoff, type Backoff } from '../protocol/backoff.ts'
import type { Signer } from '../stream/crypto.ts'
import type { NodeCrypto, Swarm } from './crypto.ts'
import type { Environment } from './environment.ts'
import type { Notice, Unreached } from './node.ts'
import { Backoffs, Bucket, dropOldest } from './peers-budget.ts'
import { createEnvelopes, type Envelopes } from './peers-envelope.ts'
import { isGood, isToPage, linkHealth, linksOf, type Link } from './peers-links.ts'
import { Talk, type TalkEnding } from './peers-talk.ts'
import { Neighbourhood } from './peers-topology.ts'
import type { SessionPeer } from './replication-events.ts'
import { UnreachedPages } from './unreached-pages.ts'

export interface PeersDevices {
  readonly connector: Connector
  /** By the URL to show; `undefined`: nothing is shown of it. */
  readonly signalings: readonly (readonly [url: string | undefined, Signaling])[]
  readonly crypto: NodeCrypto
  readonly environment: Environment
}

export interface PeersOptions {
  readonly swarm: Swarm
  readonly nodeId: NodeId
  /** Of `nodeId`: signs what is said over introductions. */
  readonly signer: Signer
  readonly introductionId: Uint8Array
  /** Nodes heard of over the mesh. Default: none. */
  readonly known?: () => readonly NodeId[]
}

export interface PeersEvents {
  /** A connection has opened; it is not yet authenticated. */
  readonly opened: (transport: Transport) => void
  /** End the session of this transport: it is a duplicate, silent or replaced. */
  readonly end: (transport: Transport, reason: string) => void
  /** Called when it has changed. */
  readonly peerState: (nodeId: NodeId, state: PeerState) => void
  readonly hubState: (url: string, state: SignalingState) => void
  /** Who is there and is not reached, all of them; called when it has changed. */
  readonly unreached: (unreached: readonly Unreached[]) => void
  readonly notice: (notice: Notice) => void
}

export type PeerState = 'connecting' | 'connected' | 'suspect' | 'asleep' | 'gone'

/** Whom to connect with, over which signaling, who dials, who closes: the supervisor of connections. */
export interface Peers {
  readonly connected: (peer: SessionPeer) => void
  /** Its state may have changed: heard, page hidden. */
  readonly changed: (peer: SessionPeer) => void
  readonly disconnected: (transport: Transport, nodeId: NodeId | undefined, reason: string) => void
  /** A connection that was made without a signaling, to this node as far as is known; it is not yet authenticated. */
  readonly adopt: (nodeId: NodeId, transport: Transport) => void
  /** Whether there is neither a good connection to this node nor one about to be authenticated. */
  readonly lacks: (nodeId: NodeId) => boolean
  /** Takes one attempt from the budget, unless fewer than `spare` are left beyond it or the node is left alone for now. */
  readonly mayBegin: (nodeId: NodeId, spare: number) => boolean
  /** The network or the page may be back: check at once. */
  readonly wake: () => void
  readonly close: () => Promise<void>
}

/** Begins at once, over all signalings. */
export const createPeers = (devices: PeersDevices, options: PeersOptions, events: PeersEvents): Peers => new Supervisor(devices, options, events)

const attemptBucket = { size: 60, perMinute: 6 }
const talkCountMax = 32
const waitingCountMax = 16
const pageCountMax = 1000
/** A connection that is not authenticated by then goes. The session itself is stricter. */
const authenticateMs = 15_000
/** How long the side that does not decide leaves a duplicate alone. */
const duplicateMs = 10_000
/** A connection that ends before does not clear the failures of its peer. */
const provenMs = 10_000
/** For a page over whose introduction something wrong was said. Short: whoever was it, it need not have been that page. */
const invalidBackoff: Backoff = { firstMs: 5000, lastMs: 30_000 }
/** A single failure is everyday; a row of them is said once. */
const noticeAtFailures = 3
const tickMs = 1000
/** A tick that comes so late: this page was frozen. */
const frozenMs = 5000
/** Ends by the peer's fault. */
const violations: readonly string[] = ['violation', 'segment', 'proof', 'swarm', 'version']

/**
 * A connection to every node that a signaling meets and the topology wants: to all of a few, to some of many.
 *
 * 1. Every transport that `opened` was called with is in exactly one of `#waiting` and `#links` until `disconnected`.
 * 2. A connection is ended by calling `end`; it is forgotten only by `disconnected`.
 * 3. Two pages may meet over several hubs at once: the one with the smaller introduction id keeps the first of their talks and closes the others.
 */
class Supervisor implements Peers {
  readonly #devices: PeersDevices
  readonly #options: PeersOptions
  readonly #events: PeersEvents
  readonly #envelopes: Envelopes
  readonly #bucket: Bucket
  readonly #failures = new Backoffs()
  readonly #violations = new Backoffs(violationBackoff)
  readonly #invalid = new Backoffs(invalidBackoff)
  readonly #talks = new Set<Talk>()
  /** Which node a page was, by introduction id in hex. */
  readonly #pages = new Map<string, NodeId>()
  readonly #waiting = new Map<Transport, { readonly nodeId: NodeId; readonly page: string; readonly sinceMs: number }>()
  readonly #links = new Map<Transport, Link>()
  readonly #states = new Map<NodeId, PeerState>()
  readonly #ending = new Set<Transport>()
  readonly #neighbourhood: Neighbourhood
  readonly #unreached: UnreachedPages
  #order = 0
  #wokeMs: number
  #tickedMs: number
  #cancelTick: () => void
  #closed = false

  constructor(devices: PeersDevices, options: PeersOptions, events: PeersEvents) {
    this.#devices = devices
    this.#options = options
    this.#events = events
    this.#envelopes = createEnvelopes({ ...devices, ...options })
    this.#wokeMs = this.#tickedMs = this.#nowMs()
    this.#neighbourhood = new Neighbourhood({
      nodeId: options.nodeId,
      known: options.known ?? (() => []),
      connected: () => [...[...this.#links.values()].map(({ peer }) => peer.nodeId), ...[...this.#waiting.values()].map(({ nodeId }) => nodeId)],
      mayTry: (nodeId) => this.#mayTry(nodeId),
      nowMs: () => this.#nowMs(),
    })
    this.#unreached = new UnreachedPages({
      nodeOf: (page) => this.#pages.get(page),
      linked: (page, nodeId) => [...this.#links.values()].some((link) => (link.peer.nodeId === nodeId || bytesToHex(link.peer.introductionId) === page) && isGood(this.#health(link))),
      changed: events.unreached,
    })
    this.#bucket = new Bucket(attemptBucket.size, attemptBucket.perMinute, this.#nowMs())
    this.#cancelTick = devices.environment.after(tickMs, () => this.#tick())
    for (const [url, signaling] of devices.signalings) {
      signaling.start({
        wanted: (page, node) => (node === undefined ? this.#wants(bytesToHex(page), page) : this.#wantsNode(bytesToHex(page), node)),
        met: (introduction) => this.#meet(introduction),
        state: (state) => this.#closed || url === undefined || events.hubState(url, state),
        unreached: (pages) => this.#closed || this.#unreached.heard(signaling, pages),
      })
    }
  }

  connected(peer: SessionPeer): void {
    const page = bytesToHex(peer.introductionId)
    this.#waiting.delete(peer.transport)
    this.#links.set(peer.transport, { peer, order: ++this.#order, sinceMs: this.#nowMs() })
    this.#rememberPage(page, peer.nodeId)
    if (this.#decides(peer)) this.#endDuplicates(peer.nodeId)
    else this.#devices.environment.after(duplicateMs, () => this.#endDuplicates(peer.nodeId))
    this.#tellState(peer.nodeId)
    this.#unreached.look()
  }

  changed(peer: SessionPeer): void {
    const link = this.#links.get(peer.transport)
    if (link === undefined) return
    this.#links.set(peer.transport, { ...link, peer })
    this.#tellState(peer.nodeId)
  }

  disconnected(transport: Transport, nodeId: NodeId | undefined, reason: string): void {
    const waiting = this.#waiting.get(transport)
    const link = this.#links.get(transport)
    this.#waiting.delete(transport)
    this.#links.delete(transport)
    this.#ending.delete(transport)
    const peer = link?.peer.nodeId ?? nodeId ?? waiting?.nodeId
    if (peer === undefined || this.#closed) return
    const isReplaced = reason === 'replaced' && linksOf(this.#links.values(), peer).length > 0
    if (violations.includes(reason)) this.#hold(this.#violations, peer)
    else if (link !== undefined && this.#nowMs() - link.sinceMs >= provenMs) this.#failures.succeed(peer)
    // Whatever was the reason: who goes at once each time would use up the attempts that others need.
    else if (!isReplaced) this.#hold(this.#failures, peer)
    this.#tellState(peer)
    this.#unreached.look()
    this.#look()
  }

  adopt(nodeId: NodeId, transport: Transport): void {
    this.#opened('', nodeId, transport)
    this.#tellState(nodeId)
  }

  lacks(nodeId: NodeId): boolean {
    if ([...this.#waiting.values()].some((waiting) => waiting.nodeId === nodeId)) return false
    return this.#neighbourhood.wants(nodeId) && !linksOf(this.#links.values(), nodeId).some((link) => isGood(this.#health(link)))
  }

  /** Also for a connection that the other end alone wants: its reasons are as good, unless it broke a rule. */
  mayBegin(peer: NodeId, spare = 0): boolean {
    const now = this.#nowMs()
    if (this.#closed || !this.#devices.environment.page.online() || this.#waiting.size >= waitingCountMax) return false
    return this.#violations.mayTry(peer, now) && this.#neighbourhood.welcomes(peer) && this.#bucket.take(now, spare)
  }

  wake(): void {
    if (this.#closed) return
    this.#wokeMs = this.#nowMs()
    this.#failures.reset()
    for (const [, signaling] of this.#devices.signalings) signaling.wake()
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#cancelTick()
    for (const talk of [...this.#talks]) talk.cancel('closed')
    await Promise.all(this.#devices.signalings.map(([, signaling]) => signaling.close()))
  }

  #nowMs(): number {
    return this.#devices.environment.monotonicMs()
  }

  /** Whether a connection to this page would be taken up now, as far as it is known who that is. */
  #wants(page: string, introductionId: Uint8Array): boolean {
    const now = this.#nowMs()
    if (this.#closed || !this.#devices.environment.page.online() || this.#talksWith(page).length > 0 || !this.#bucket.hasAny(now)) return false
    const nodeId = this.#pages.get(page)
    if ([page, nodeId].some((key) => key !== undefined && !this.#mayTry(key))) return false
    return (nodeId === undefined ? this.#neighbourhood.explores(this.#isExploring) : this.#neighbourhood.wants(nodeId)) && this.#lacks(page, introductionId)
  }

  /** The same of a node that is met as one, over the mesh. */
  #wantsNode(page: string, nodeId: NodeId): boolean {
    const isTalking = [...this.#talks].some((talk) => talk.page === page || talk.peer === nodeId)
    if (this.#closed || isTalking || !this.#devices.environment.page.online() || !this.#bucket.hasAny(this.#nowMs())) return false
    return [page, nodeId].every((key) => this.#mayTry(key)) && this.lacks(nodeId)
  }

  /** Whether it is being found out who some page is. */
  get #isExploring(): boolean {
    return [...this.#talks].some(({ peer }) => peer === undefined)
  }

  #mayTry(key: string): boolean {
    return [this.#failures, this.#violations, this.#invalid].every((backoffs) => backoffs.mayTry(key, this.#nowMs()))
  }

  /** Whether there is no good connection to this page, nor one about to be authenticated. */
  #lacks(page: string, introductionId: Uint8Array): boolean {
    if ([...this.#waiting.values()].some((waiting) => waiting.page === page || waiting.nodeId === this.#pages.get(page))) return false
    return ![...this.#links.values()].some((link) => isToPage(link, introductionId) && isGood(this.#health(link)))
  }

  #health(link: Link) {
    return linkHealth(link, this.#nowMs(), this.#wokeMs)
  }

  #meet(introduction: Introduction): void {
    const page = bytesToHex(introduction.peer)
    const before = this.#talksWith(page)
    const isMine = bytesToHex(this.#options.introductionId) < page && before.some((talk) => talk.pipeOpen)
    if (this.#closed || isMine || this.#talks.size >= talkCountMax || !this.#invalid.mayTry(page, this.#nowMs())) return introduction.close()
    const talk: Talk = new Talk(introduction, {
      ...this.#options,
      connector: this.#devices.connector,
      envelopes: this.#envelopes,
      randomBytes: this.#devices.environment.randomBytes,
      greeted: (peer) => this.#greeted(introduction, peer),
      mayBegin: (peer) => this.mayBegin(peer),
      opened: (peer, transport) => this.#opened(page, peer, transport),
      ended: (ending) => this.#talkEnded(talk, ending),
    })
    this.#talks.add(talk)
    for (const other of before) if (!other.pipeOpen) other.cancel('met again')
    talk.start()
  }

  #talksWith(page: string): readonly Talk[] {
    return [...this.#talks].filter((talk) => talk.page === page)
  }

  #greeted({ peer: introductionId, node }: Introduction, peer: NodeId): boolean {
    const page = bytesToHex(introductionId)
    this.#neighbourhood.met(peer)
    this.#rememberPage(page, peer)
    this.#tellState(peer)
    if (!this.#mayTry(peer)) return false
    return node === undefined ? this.#neighbourhood.wants(peer) && this.#lacks(page, introductionId) : this.lacks(peer)
  }

  #opened(page: string, nodeId: NodeId, transport: Transport): void {
    this.#waiting.set(transport, { nodeId, page, sinceMs: this.#nowMs() })
    this.#events.opened(transport)
  }

  #talkEnded(talk: Talk, ending: TalkEnding): void {
    const { page } = talk
    this.#talks.delete(talk)
    if (ending.type === 'opened' || this.#closed || this.#talksWith(page).length > 0) return
    // Connected meanwhile, by a standby or over another hub: that this way came to nothing is no failure.
    if (ending.type === 'failed' && [...this.#links.values()].some((link) => bytesToHex(link.peer.introductionId) === page)) return
    const peer = ending.peer
    if (ending.type === 'invalid') {
      const failures = this.#hold(this.#invalid, page)
      if (failures === 1) this.#notice('introduction-invalid', peer, `An introduction was refused: ${ending.reason}. Its page is left alone for a while.`)
    } else {
      // Over the mesh anybody can say again what a node once said: what another begins and nobody goes on with is no failure of that node.
      if (peer === undefined && !talk.opened && talk.isOverMesh) return
      const failures = this.#hold(this.#failures, peer ?? page)
      if (failures === noticeAtFailures) this.#notice('connection-failed', peer, `No connection after ${failures} attempts: ${ending.reason}`)
    }
    if (peer !== undefined) this.#tellState(peer)
  }

  /** Leaves a node or page alone for a while, and looks again after it. @returns failures in a row; 0 where it is left alone already: ways tried side by side fail as one */
  #hold(backoffs: Backoffs, key: string): number {
    const { environment } = this.#devices
    if (!backoffs.mayTry(key, this.#nowMs())) return 0
    const { failures, waitMs } = backoffs.fail(key, this.#nowMs(), (environment.randomBytes(1)[0] ?? 0) / 256)
    environment.after(waitMs, () => this.#look())
    return failures
  }

  #look(): void {
    if (this.#closed) return
    for (const [, signaling] of this.#devices.signalings) signaling.look()
  }

  #rememberPage(page: string, nodeId: NodeId): void {
    this.#pages.delete(page)
    this.#pages.set(page, nodeId)
    dropOldest(this.#pages, pageCountMax)
  }

  /** The smaller node id, of equal ones the smaller introduction id, says which of two connections stays. */
  #decides(peer: SessionPeer): boolean {
    const { nodeId, introductionId } = this.#options
    return nodeId === peer.nodeId ? bytesToHex(introductionId) < bytesToHex(peer.introductionId) : nodeId < peer.nodeId
  }

  #endDuplicates(nodeId: NodeId): void {
    if (this.#closed) return
    for (const link of linksOf(this.#links.values(), nodeId).slice(0, -1)) this.#end(link.peer.transport, 'replaced')
  }

  #end(transport: Transport, reason: string): void {
    if (this.#ending.has(transport)) return
    this.#ending.add(transport)
    this.#events.end(transport, reason)
  }

  #tick(): void {
    const now = this.#nowMs()
    this.#cancelTick = this.#devices.environment.after(tickMs, () => this.#tick())
    if (now - this.#tickedMs > frozenMs) this.#wokeMs = now
    this.#tickedMs = now
    for (const [transport, { sinceMs }] of this.#waiting) if (now - sinceMs >= authenticateMs) this.#end(transport, 'timeout')
    for (const [transport, link] of this.#links) {
      const health = this.#health(link)
      if (health === 'dead') this.#end(transport, 'silent')
      if (!isGood(health)) this.#look()
    }
    for (const nodeId of this.#neighbourhood.excess()) for (const { peer } of linksOf(this.#links.values(), nodeId)) this.#end(peer.transport, 'unwanted')
    for (const nodeId of [...this.#states.keys()]) this.#tellState(nodeId)
    this.#unreached.look()
  }

  #tellState(nodeId: NodeId): void {
    const state = this.#stateOf(nodeId)
    if (this.#closed || state === (this.#states.get(nodeId) ?? 'gone')) return
    if (state === 'gone') this.#states.delete(nodeId)
    else this.#states.set(nodeId, state)
    this.#events.peerState(nodeId, state)
  }

  #stateOf(nodeId: NodeId): PeerState {
    const healths = linksOf(this.#links.values(), nodeId).map((link) => this.#health(link))
    if (healths.includes('connected')) return 'connected'
    if (healths.includes('asleep')) return 'asleep'
    if (healths.length > 0) return 'suspect'
    const isComing = [...this.#waiting.values()].some((each) => each.nodeId === nodeId) || [...this.#talks].some(({ peer }) => peer === nodeId)
    return isComing ? 'connecting' : 'gone'
  }

  #notice(code: string, about: NodeId | undefined, text: string): void {
    this.#events.notice({ code, about, text, atMicros: this.#devices.environment.nowMicros() })
  }
}
