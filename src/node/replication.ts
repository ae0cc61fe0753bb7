import { unreachable } from '../core/assert.ts'
import { equalBytes } from '../core/bytes.ts'
import { streamIdToNodeId, type Lamport, type NodeId, type Offset, type StreamId } from '../core/ids.ts'
import type { Transport } from '../net/transport.ts'
import { fitText } from '../protocol/cbor.ts'
import { HUBS_MAX, HUB_BYTES_MAX, NAME_BYTES_MAX, SOFTWARE_BYTES_MAX } from '../protocol/limits.ts'
import { byeReasons, type About, type ByeReason, type Envelope, type ForkMessage, type Layer, type SaidHead, type Standby } from '../protocol/message.ts'
import { stepPlan } from '../protocol/plan.ts'
import { isOwn, noView, planOf, viewOf, type FoundFork, type PlanEffect, type PlanInput, type PlanState, type SessionId, type TakenPiece, type TakeOutcome } from '../protocol/plan-state.ts'
import type { PlanMessage } from '../protocol/session-state.ts'
import { StoreError } from '../store/errors.ts'
import type { IdentityLoss } from './identity.ts'
import { Asides } from './replication-aside.ts'
import type { ReplicationDevices, ReplicationEvents, ReplicationOptions, SessionPeer } from './replication-events.ts'
import { Forks, loadForks } from './replication-forks.ts'
import { Mesh, meshFeatures, type MeshNode } from './replication-mesh.ts'
import { createProofs } from './replication-proof.ts'
import { createReads, firstUnreadable, viewOfState, type Reads } from './replication-reads.ts'
import { Sessions, type Connection, type OpenConnection, type SessionsEvents } from './replication-sessions.ts'
import { ReplicatedClock } from './replication-clock.ts'
import { Taker } from './replication-take.ts'

/** Runs one session for each connection, and the plan over all of them; performs their effects. */
export interface Replication {
  /** Takes over a connection, authenticated or not: handshake, session, closing. */
  readonly add: (transport: Transport) => void
  /** Own events are durable (from this tab or another): push them. */
  readonly published: (stream: StreamId) => void
  /** Heads of any stream may have changed on disk without this replication (another tab, a restored image): compare. */
  readonly refresh: () => Promise<void>
  /** Ends the session of a transport with `bye` and closes it. */
  readonly end: (transport: Transport, reason: string) => void
  /** Whether this peer is connected and announced the feature. */
  readonly takesStandbys: (peer: NodeId) => boolean
  /** @returns `takesStandbys` */
  readonly sendStandby: (peer: NodeId, message: Standby) => boolean
  readonly sendLayer: (channel: string, peer: NodeId, bytes: Uint8Array) => boolean
  /** Other nodes heard of recently, connected or not. */
  readonly nodes: () => readonly MeshNode[]
  /** The same, their ids alone: asked for often. */
  readonly known: () => readonly NodeId[]
  /** Sends an own envelope over others to a node that is not connected. */
  readonly relay: (envelope: Envelope) => void
  /** Says `bye` to all and closes their transports. Resolves when no effect is under way. */
  readonly close: (reason: string) => Promise<void>
}

export const createReplication = (devices: ReplicationDevices, options: ReplicationOptions, events: ReplicationEvents): Replication => {
  const runner = new Runner(devices, options, events)
  return {
    add: (transport) => runner.add(transport),
    published: (stream) => runner.published(stream),
    refresh: () => runner.refresh(),
    end: (transport, reason) => runner.end(transport, reason),
    takesStandbys: (peer) => runner.standbySession(peer) !== undefined,
    sendStandby: (peer, message) => runner.sendStandby(peer, message),
    sendLayer: (channel, peer, bytes) => runner.sendLayer(channel, peer, bytes),
    nodes: () => runner.mesh.nodes(),
    known: () => runner.mesh.known(),
    relay: (envelope) => runner.mesh.say(envelope),
    close: (reason) => runner.close(reason),
  }
}

/** A quarter of a second: nothing that is timed here is finer. */
const TICK_MS = 250

/** Performs what the plan asks for, and gives it what the sessions hear. */
class Runner {
  readonly #devices: ReplicationDevices
  readonly #options: ReplicationOptions
  readonly #events: ReplicationEvents
  readonly #sessions: Sessions
  readonly #reads: Reads
  readonly #forks: Forks
  readonly #taker: Taker
  readonly #asides: Asides
  readonly mesh: Mesh
  readonly #underWay = new Set<Promise<void>>()
  /** Work on one stream, one after the other: what the plan hears of a stream is never older than what it heard before. */
  readonly #turns = new Map<StreamId, Promise<void>>()
  /** When each peer said its last `have`. */
  readonly #saidMicros = new Map<SessionId, number>()
  readonly #beyond = new Set<StreamId>()
  /** Sessions that sent a message for a channel that is not open. */
  readonly #strayed = new Set<SessionId>()
  readonly #effects: PlanEffect[] = []
  #performing = false
  #plan: PlanState
  /** Resolves when the plan knows what lies on disk. */
  readonly #ready: Promise<void>
  #stopTick: (() => void) | undefined
  readonly #stopWatching: () => void
  #closed = false

  constructor(devices: ReplicationDevices, options: ReplicationOptions, events: ReplicationEvents) {
    const { store, crypto, environment } = devices
    const { swarm, identity, introductionId, isOwnPage, isSeen = () => environment.page.state() === 'visible' } = options
    this.#devices = devices
    this.#options = options
    this.#events = events
    this.#reads = createReads(store, crypto)
    const clock = new ReplicatedClock(store, environment.monotonicMs, (stream, lamport) => this.#beyondClock(stream, lamport))
    const context = {
      store, crypto, swarm: swarm.id, nodeId: identity.nodeId, nowMicros: environment.nowMicros, hasRoom: () => options.room?.hasRoom() !== false,
      advanceClock: (stream: StreamId, lamports: readonly Lamport[]) => clock.advance(stream, lamports),
    }
    this.#forks = new Forks(context)
    this.#asides = new Asides(store)
    this.#taker = new Taker({ ...context, ...(options.room && { room: options.room }), forks: this.#forks, hole: (stream, first) => this.#hole(stream, first) })
    this.#plan = planOf(identity.nodeId, new Map(), new Map())
    const config = () => ({ swarm: swarm.id, nodeId: identity.nodeId, features: [...meshFeatures, ...(options.features ?? [])], about: fitAbout(options.about()) })
    const proofs = createProofs(crypto, swarm, identity)
    this.#sessions = new Sessions({ environment, proofs, introductionId, config, isOwnPage, isSeen, supervise: (work) => this.#supervise(work) }, this.#sessionEvents())
    this.mesh = new Mesh({
      crypto, environment, swarm, identity,
      name: () => options.about().name,
      send: (session, message) => this.#sessions.send(session, message),
      end: (session, reason, text) => this.#sessions.end(session, reason, text),
      supervise: (work) => this.#supervise(work),
      relayed: (envelope) => events.relayed?.(envelope),
      changed: () => this.#meshChanged(),
    })
    // A page that is about to be frozen has no other time to say so.
    this.#stopWatching = environment.page.listen(() => this.#sessions.tick())
    this.#ready = this.#begin()
    this.#supervise(this.#ready)
  }

  async #begin(): Promise<void> {
    this.#plan = { ...this.#plan, forks: await loadForks(this.#devices.store) }
    await this.#asides.load()
    await this.#compare()
  }

  #sessionEvents(): SessionsEvents {
    return {
      opened: (connection) => this.#opened(connection),
      changed: ({ id }) => this.#tellPeer(id),
      silent: (session, silent) => this.#step({ type: 'silent', session, silent, nowMs: this.#nowMs() }),
      gave: (connection, message) => this.#gave(connection, message),
      closed: (connection, reason) => this.#forget(connection, reason),
      faulted: (nodeId, reason, detail) => this.#notice('SESSION-ENDED', nodeId, `${reason}: ${detail}`),
      twin: () => this.#loseIdentity('twin'),
      renounced: (nodeId) => this.#events.renounced(nodeId),
    }
  }

  add(transport: Transport): void {
    // Why the disk could not be read was reported already.
    this.#supervise(this.#ready.then(() => this.#open(transport), () => transport.close('closed')))
  }

  #open(transport: Transport): void {
    if (this.#closed) return transport.close('closed')
    this.#sessions.add(transport)
    this.#stopTick ??= this.#devices.environment.after(TICK_MS, () => this.#tick())
  }

  #tick(): void {
    this.#sessions.tick()
    this.mesh.tick()
    this.#step({ type: 'tick', nowMs: this.#nowMs() })
    this.#stopTick = this.#closed || this.#sessions.count === 0 ? undefined : this.#devices.environment.after(TICK_MS, () => this.#tick())
  }

  // what sessions tell

  #opened(connection: OpenConnection): void {
    this.#events.connected(this.#peerOf(connection))
    this.#step({ type: 'up', session: connection.id, nodeId: connection.nodeId, nowMs: this.#nowMs() })
    this.mesh.up(connection)
  }

  #gave({ id, nodeId }: OpenConnection, message: PlanMessage): void {
    const at = { session: id, nowMs: this.#nowMs() }
    switch (message.type) {
      case 'have': {
        this.#saidMicros.set(id, this.#devices.environment.nowMicros())
        return this.#step({ type: 'said', have: message, ...at })
      }
      case 'want': case 'wantFork': return this.#step({ type: 'asked', want: message, ...at })
      case 'segment': return this.#step({ type: 'came', segment: message, ...at })
      case 'end': return this.#step({ type: 'ended', end: message, ...at })
      case 'fork': return this.#step({ type: 'forkCame', fork: message, ...at })
      case 'layer': return this.#gaveLayer(id, nodeId, message)
      case 'relay': return this.mesh.cameRelay(id, message)
      case 'members': return this.mesh.cameMembers(id, message)
      case 'standby': return this.#events.standby?.(nodeId, message)
      default: return unreachable(message)
    }
  }

  /** Of a peer that has said it once, no further message for a channel that is not open is reported. @see PROTOCOL.md [R16] */
  #gaveLayer(session: SessionId, nodeId: NodeId, { channel, bytes }: Layer): void {
    try {
      if (this.#events.layerMessage(channel, nodeId, bytes) || this.#strayed.has(session)) return
      this.#strayed.add(session)
      this.#notice('CHANNEL-UNKNOWN', nodeId, `a message for ${channel}, which is not open here`)
    } catch (error) {
      this.#notice('CHANNEL-FAILED', nodeId, `${channel}: ${textOf(error)}`)
    }
  }

  #forget({ id, transport, nodeId }: Connection, reason: string): void {
    this.#saidMicros.delete(id)
    this.#strayed.delete(id)
    this.#step({ type: 'down', session: id, nowMs: this.#nowMs() })
    this.mesh.down(id)
    this.#events.disconnected(transport, nodeId, reason)
  }

  #peerOf({ id, transport, nodeId, open }: OpenConnection): SessionPeer {
    const { about, peer, page, roundTripMs, clockSkewMs, lastHeardMs } = open
    const view = this.#plan.peers.get(id)
    const holds = view?.ready === true ? Object.fromEntries([...view.heads].filter((said) => this.#mayHold(...said)).map(([stream, head]) => [stream, head.next - 1])) : undefined
    return {
      transport, nodeId, introductionId: peer.hello.nonce.subarray(0, 16), name: this.mesh.nameOf(nodeId) ?? about?.name ?? '', hubs: about?.hubs ?? [], page,
      roundTripMs, clockSkewMs, holds, saidMicros: this.#saidMicros.get(id), lastHeardMs,
    }
  }

  /** Who says more of the own stream than was ever written, or of one that ends at a fork, or other at its end, does not hold it. @see PROTOCOL.md [R22] */
  #mayHold(stream: StreamId, { next, id }: SaidHead): boolean {
    const own = viewOf(this.#plan, stream)
    return !(isOwn(this.#plan, stream) || own.ended) || next < own.next || (next === own.next && equalBytes(id, own.headerId.subarray(0, 16)))
  }

  #meshChanged(): void {
    this.#step({ type: 'linked', links: this.mesh.links(), nowMs: this.#nowMs() })
    for (const session of this.#sessions.ids()) this.#tellPeer(session)
    this.#events.meshChanged?.()
  }

  #tellPeer(session: SessionId): void {
    const connection = this.#sessions.connection(session)
    if (connection !== undefined) this.#events.peerChanged(this.#peerOf(connection))
  }

  // the plan

  /** Effects are performed in the order in which they were decided, also those that come of performing one. */
  #step(input: PlanInput): void {
    const [state, effects] = stepPlan(this.#plan, input)
    this.#plan = state
    this.#effects.push(...effects)
    if (this.#performing) return
    this.#performing = true
    try {
      for (let effect = this.#effects.shift(); effect !== undefined; effect = this.#effects.shift()) this.#performPlan(effect)
    } finally {
      this.#performing = false
    }
  }

  #performPlan(effect: PlanEffect): void {
    // What is on disk is told also after the end.
    if (this.#closed && effect.type !== 'stored') return
    switch (effect.type) {
      case 'send': return this.#sessions.send(effect.session, effect.message)
      case 'end': return this.#sessions.end(effect.session, effect.reason, effect.text)
      case 'take': return this.#inTurn(effect.piece.segment.stream, () => this.#take(effect.piece))
      case 'takeFork': return this.#supervise(this.#takeFork(effect.session, effect.fork))
      case 'settleFork': return this.#inTurn(effect.fork.stream, () => this.#settleFork(effect.fork))
      case 'findPlace': return this.#supervise(this.#findPlace(effect))
      case 'readWant': return this.#sessions.whenRoom(effect.session, () => this.#supervise(this.#readWant(effect)))
      case 'readFork': return this.#supervise(this.#readFork(effect))
      case 'readPush': return this.#supervise(this.#readPush(effect.stream, effect.next))
      case 'flush': return this.#supervise(this.#flush())
      case 'identityLost': return this.#loseIdentity('restored')
      case 'stored': return this.#events.stored([effect.stream])
      case 'holdsChanged': return this.#tellPeer(effect.session)
      case 'notice': return this.#notice(effect.code, effect.about, effect.text)
      default: return unreachable(effect)
    }
  }

  async #take(piece: TakenPiece): Promise<void> {
    const outcome = await this.#taker.take(piece.segment).catch((error: unknown): TakeOutcome => ({ type: 'failed', text: textOf(error) }))
    this.#step({ type: 'taken', piece, outcome, nowMs: this.#nowMs() })
    if (outcome.type === 'stored') await this.#retake(piece.segment.stream, outcome.view.next)
  }

  /** Once more what was set aside when the stream had a hole. */
  async #retake(stream: StreamId, next: Offset): Promise<void> {
    if (!(await this.#asides.retake(stream, next, (segment) => this.#taker.take(segment)))) return
    await this.#look(stream)
    this.#events.stored([stream])
  }

  async #takeFork(session: SessionId, fork: ForkMessage): Promise<void> {
    const failed = (error: unknown) => ({ stream: undefined, outcome: { type: 'failed', text: textOf(error) } as const })
    const { stream, outcome } = await this.#forks.take(fork).catch(failed)
    this.#step({ type: 'forkTaken', session, stream, outcome, nowMs: this.#nowMs() })
  }

  async #settleFork(fork: FoundFork): Promise<void> {
    const { stream } = fork
    const streams = await this.#forks.settle(fork)
    await this.#look(stream)
    for (const other of streams) if (other !== stream) this.#inTurn(other, () => this.#look(other))
    this.#step({ type: 'forkSettled', stream, streams, forks: await this.#forks.known(stream), nowMs: this.#nowMs() })
    const next = await this.#forks.early(stream, Infinity)
    if (next !== undefined) this.#step({ type: 'forkFound', fork: next, nowMs: this.#nowMs() })
  }

  async #findPlace({ session, stream, first, head }: Extract<PlanEffect, { type: 'findPlace' }>): Promise<void> {
    const place = await this.#reading(stream, () => (head === undefined ? this.#reads.placeBefore(stream, first) : this.#reads.placeOfOther(stream, head)))
    this.#step({ type: 'placed', session, stream, place: place !== undefined && 'first' in place ? place : undefined, nowMs: this.#nowMs() })
  }

  async #readWant({ session, id, stream, place }: Extract<PlanEffect, { type: 'readWant' }>): Promise<void> {
    const result = await this.#reading(stream, () => this.#reads.forWant(stream, place))
    this.#step({ type: 'wantRead', session, id, result, nowMs: this.#nowMs() })
  }

  async #readFork({ session, id, stream, end }: Extract<PlanEffect, { type: 'readFork' }>): Promise<void> {
    const proofs = await this.#forks.read(stream, end).catch((error: unknown) => this.#notice('READ-FAILED', stream, textOf(error)))
    this.#step({ type: 'forkRead', session, id, proofs: proofs ?? [], nowMs: this.#nowMs() })
  }

  async #readPush(stream: StreamId, next: Offset): Promise<void> {
    const result = await this.#reading(stream, () => this.#reads.forPush(stream, next))
    this.#step({ type: 'pushRead', stream, next, result, nowMs: this.#nowMs() })
  }

  /** A read that fails is an answer too. What is not what was sealed is fetched again. */
  async #reading<T>(stream: StreamId, read: () => Promise<T>): Promise<T | { readonly type: 'failed'; readonly text: string }> {
    try {
      return await read()
    } catch (error) {
      if (error instanceof StoreError && error.code === 'STORE-UNREADABLE') this.#inTurn(stream, () => this.#mend(stream))
      return { type: 'failed', text: textOf(error) }
    }
  }

  /** Lowers a replicated stream to where it can be read, so that the rest is fetched again; the own stream is not written on any more. @see STORAGE.md, Holes */
  async #mend(stream: StreamId): Promise<void> {
    const first = await firstUnreadable(this.#devices, stream)
    if (first === undefined) return
    if (streamIdToNodeId(stream) === this.#options.identity.nodeId) return this.#loseIdentity('damaged')
    this.#hole(stream, first)
    for (const id of this.#sessions.ids()) this.#sessions.end(id, 'lowered', stream)
    await this.#devices.store.lower(stream, first, 'hole', this.#devices.environment.nowMicros())
    await this.#asides.load()
    await this.#look(stream)
  }

  async #flush(): Promise<void> {
    const done = await this.#devices.store.flush().then(
      () => true,
      (error: unknown) => {
        this.#notice('STORE-FAILED', undefined, `what is held could not be made durable: ${String(error)}`)
        return false
      },
    )
    this.#step({ type: 'flushed', done, nowMs: this.#nowMs() })
  }

  // the own disk

  published(stream: StreamId): void {
    this.#inTurn(stream, () => this.#look(stream))
  }

  refresh(): Promise<void> {
    return this.#ready.then(() => this.#compare())
  }

  /** Looks at every stream whose head is not the one that the plan knows. */
  async #compare(): Promise<void> {
    const heads = await this.#devices.store.heads()
    const known = this.#plan.views
    const changed = [...new Set([...heads.keys(), ...known.keys()])].filter((stream) => {
      const [head, view] = [heads.get(stream), known.get(stream) ?? noView]
      return head === undefined ? view.next > 0 : head.next !== view.next || !equalBytes(head.headerId, view.headerId)
    })
    await Promise.all(changed.map((stream) => new Promise<void>((resolve) => this.#inTurn(stream, () => this.#look(stream).finally(resolve)))))
  }

  async #look(stream: StreamId): Promise<void> {
    const state = await this.#devices.store.state(stream)
    this.#step({ type: 'grown', views: new Map([[stream, state === undefined ? noView : viewOfState(state)]]), nowMs: this.#nowMs() })
  }

  #inTurn(stream: StreamId, work: () => Promise<void>): void {
    const turn = (this.#turns.get(stream) ?? Promise.resolve()).then(work)
    const settled = this.#supervised(turn).then(() => {
      if (this.#turns.get(stream) === settled) this.#turns.delete(stream)
    })
    this.#turns.set(stream, settled)
  }

  // everything else

  end(transport: Transport, reason: string): void {
    const session = this.#sessions.find(transport)
    if (session === undefined) transport.close(reason)
    else this.#sessions.end(session, toByeReason(reason), reason)
  }

  sendLayer(channel: string, peer: NodeId, bytes: Uint8Array): boolean {
    const session = this.#sessions.newestWith(peer)
    if (session !== undefined) this.#sessions.send(session, { type: 'layer', channel, bytes })
    return session !== undefined
  }

  sendStandby(peer: NodeId, message: Standby): boolean {
    const session = this.standbySession(peer)
    if (session !== undefined) this.#sessions.send(session, message)
    return session !== undefined
  }

  standbySession(peer: NodeId): SessionId | undefined {
    const session = this.#sessions.newestWith(peer)
    return session !== undefined && this.#sessions.connection(session)?.open.peer.hello.features.includes('standby') === true ? session : undefined
  }

  async close(reason: string): Promise<void> {
    this.#stop(toByeReason(reason))
    while (this.#underWay.size > 0) await Promise.all(this.#underWay)
  }

  #stop(reason: ByeReason): void {
    this.#stopWatching()
    this.#stopTick?.()
    this.#stopTick = undefined
    for (const id of this.#sessions.ids()) this.#sessions.end(id, reason, '')
    this.mesh.close()
    this.#closed = true
  }

  #loseIdentity(reason: IdentityLoss): void {
    if (this.#closed) return
    this.#stop('identity')
    this.#events.identityLost(reason)
  }

  #hole(stream: StreamId, first: Offset): void {
    this.#notice('STREAM-HOLE', stream, `cannot be read from offset ${first} on; it is fetched again`)
  }

  #beyondClock(stream: StreamId, lamport: number): void {
    if (this.#beyond.has(stream)) return
    this.#beyond.add(stream)
    this.#notice('CLOCK-BEYOND', stream, `an event with Lamport time ${lamport} lies too far above the clock to move it`)
  }

  #nowMs(): number {
    return this.#devices.environment.monotonicMs()
  }

  #notice(code: string, about: StreamId | NodeId | undefined, text: string): void {
    this.#events.notice({ code, atMicros: this.#devices.environment.nowMicros(), about, text })
  }

  /** Every piece of work under way ends here; one that fails is reported. */
  #supervise(work: Promise<void>): void {
    this.#underWay.add(this.#supervised(work))
  }

  #supervised(work: Promise<void>): Promise<void> {
    const watched = work
      .catch((error: unknown) => this.#closed || this.#notice(error instanceof StoreError ? error.code : 'REPLICATION-FAILED', undefined, textOf(error)))
      .then(() => void this.#underWay.delete(watched))
    this.#underWay.add(watched)
    return watched
  }
}

/** What the disk refused in its own words; of a bug all that is known. */
const textOf = (error: unknown): string => (error instanceof StoreError ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error))

const toByeReason = (reason: string): ByeReason => byeReasons.find((one) => one === reason) ?? 'closed'

const fitAbout = ({ name, software, hubs }: Omit<About, 'type'>): Omit<About, 'type'> => ({
  name: fitText(name, NAME_BYTES_MAX), software: fitText(software, SOFTWARE_BYTES_MAX), hubs: hubs.slice(0, HUBS_MAX).map((hub) => fitText(hub, HUB_BYTES_MAX)),
})
