import { unreachable } from '../core/assert.ts'
import { equalBytes } from '../core/bytes.ts'
import type { NodeId, Offset, StreamId } from '../core/ids.ts'
import type { Transport } from '../net/transport.ts'
import { fitText } from '../protocol/cbor.ts'
import { HUBS_MAX, HUB_BYTES_MAX, NAME_BYTES_MAX, SOFTWARE_BYTES_MAX } from '../protocol/limits.ts'
import { byeReasons, type About, type ByeReason, type Envelope, type Layer, type SaidHead, type Standby } from '../protocol/message.ts'
import { stepPlan } from '../protocol/plan.ts'
import { isOwn, planOf, viewOf, type PlanEffect, type PlanInput, type PlanState, type SessionId } from '../protocol/plan-state.ts'
import type { PlanMessage } from '../protocol/session-state.ts'
import { StoreError } from '../store/errors.ts'
import type { StreamState } from '../store/event-store.ts'
import type { IdentityLoss } from './identity.ts'
import { trueFormers } from './formers.ts'
import { Disk } from './replication-disk.ts'
import type { ReplicationDevices, ReplicationEvents, ReplicationOptions, SessionPeer } from './replication-events.ts'
import { Mesh, meshFeatures, type MeshNode } from './replication-mesh.ts'
import { createProofs } from './replication-proof.ts'
import { Sessions, type Connection, type OpenConnection, type SessionsEvents } from './replication-sessions.ts'
import { textOf, Work } from './replication-work.ts'

/** Runs one session for each connection, and the plan over all of them; performs their effects. */
export interface Replication {
  /** Takes over a connection, authenticated or not: handshake, session, closing. */
  readonly add: (transport: Transport) => void
  /** Own events are durable: push them. @param state the stream as it is by then; absent: another tab wrote, and it is read */
  readonly published: (stream: StreamId, state?: StreamState) => void
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
    published: (stream, state) => runner.published(stream, state),
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
  readonly #disk: Disk
  readonly mesh: Mesh
  readonly #work: Work
  /** When each peer said its last `have`. */
  readonly #saidMicros = new Map<SessionId, number>()
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
    const { crypto, environment } = devices
    const { swarm, identity, introductionId, isOwnPage, isSeen = () => environment.page.state() === 'visible' } = options
    this.#devices = devices
    this.#options = options
    this.#events = events
    this.#work = new Work((error) => this.#closed || this.#notice(error instanceof StoreError ? error.code : 'REPLICATION-FAILED', undefined, textOf(error)))
    const supervise = (work: Promise<void>) => this.#work.supervise(work)
    this.#disk = this.#createDisk()
    this.#plan = planOf(identity.nodeId, new Map(), new Map())
    const config = () => ({ swarm: swarm.id, nodeId: identity.nodeId, features: [...meshFeatures, ...(options.features ?? [])], about: fitAbout(options.about()), ...(options.formers?.length && { formers: options.formers }) })
    const proofs = createProofs(crypto, swarm, identity)
    this.#sessions = new Sessions({ environment, proofs, introductionId, config, isOwnPage, isSeen, supervise }, this.#sessionEvents())
    this.mesh = new Mesh({
      crypto, environment, swarm, identity,
      name: () => options.about().name,
      send: (session, message) => this.#sessions.send(session, message),
      end: (session, reason, text) => this.#sessions.end(session, reason, text),
      supervise,
      relayed: (envelope) => events.relayed?.(envelope),
      changed: () => this.#meshChanged(),
    })
    // A page that is about to be frozen has no other time to say so.
    this.#stopWatching = environment.page.listen(() => this.#sessions.tick())
    this.#ready = this.#begin()
    supervise(this.#ready)
  }

  async #begin(): Promise<void> {
    this.#plan = { ...this.#plan, forks: await this.#disk.begin() }
    await this.#disk.compare()
  }

  #createDisk(): Disk {
    return new Disk({
      devices: this.#devices, options: this.#options, work: this.#work,
      views: () => this.#plan.views,
      step: (input) => this.#step(input),
      whenRoom: (session, call) => this.#sessions.whenRoom(session, call),
      stored: (stream) => this.#events.stored(stream, undefined),
      lowering: (stream) => {
        for (const id of this.#sessions.ids()) this.#sessions.end(id, 'lowered', stream)
      },
      identityLost: (reason) => this.#loseIdentity(reason),
      notice: (code, about, text) => this.#notice(code, about, text),
    })
  }

  #sessionEvents(): SessionsEvents {
    return {
      opened: (connection) => this.#opened(connection),
      changed: ({ id }) => this.#tellPeer(id),
      silent: (session, silent) => {
        this.#step({ type: 'silent', session, silent, nowMs: this.#nowMs() })
        this.mesh.silent(session, silent)
      },
      gave: (connection, message) => this.#gave(connection, message),
      closed: (connection, reason) => this.#forget(connection, reason),
      faulted: (nodeId, reason, detail) => this.#notice('SESSION-ENDED', nodeId, `${reason}: ${detail}`),
      twin: () => this.#loseIdentity('twin'),
      renounced: (nodeId) => this.#events.renounced(nodeId),
    }
  }

  add(transport: Transport): void {
    // Why the disk could not be read was reported already.
    this.#work.supervise(this.#ready.then(() => this.#open(transport), () => transport.close('closed')))
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
    this.#work.supervise(this.#renounce(connection))
  }

  /** Where it took another identity while it was not connected here, nobody has said so yet. @see PROTOCOL.md [R25] */
  async #renounce({ nodeId, open }: OpenConnection): Promise<void> {
    const formers = await trueFormers(this.#devices.crypto, this.#options.swarm.id, nodeId, open.peer.hello.formers ?? [])
    for (const former of formers) if (this.#sessions.newestWith(former) === undefined) this.#events.renounced(former)
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
      if (this.#events.layerMessage(channel, nodeId, bytes)) return
      this.#sessions.wasted(session)
      if (this.#strayed.has(session)) return
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
      case 'wasted': return this.#sessions.wasted(effect.session)
      case 'identityLost': return this.#loseIdentity('restored')
      case 'stored': return this.#events.stored(effect.stream, this.#endOf(effect.stream))
      case 'holdsChanged': return this.#tellPeer(effect.session)
      case 'notice': return this.#notice(effect.code, effect.about, effect.text)
      default: return this.#disk.perform(effect)
    }
  }

  // the own disk

  /** Of a stream that has no fork. */
  #endOf(stream: StreamId): Offset | undefined {
    const { next, ended } = viewOf(this.#plan, stream)
    return ended || stream.includes('~') ? undefined : next
  }

  published(stream: StreamId, state?: StreamState): void {
    this.#work.inTurn(stream, async () => {
      if (state === undefined) return this.#disk.look(stream)
      // Another tab may have got ahead, and been read already.
      if (state.head.next > viewOf(this.#plan, stream).next) this.#disk.see(stream, state)
    })
  }

  refresh(): Promise<void> {
    return this.#ready.then(() => this.#disk.compare())
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
    await this.#work.settled()
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

  #nowMs(): number {
    return this.#devices.environment.monotonicMs()
  }

  #notice(code: string, about: StreamId | NodeId | undefined, text: string): void {
    this.#events.notice({ code, atMicros: this.#devices.environment.nowMicros(), about, text })
  }

}

const toByeReason = (reason: string): ByeReason => byeReasons.find((one) => one === reason) ?? 'closed'

const fitAbout = ({ name, software, hubs }: Omit<About, 'type'>): Omit<About, 'type'> => ({
  name: fitText(name, NAME_BYTES_MAX), software: fitText(software, SOFTWARE_BYTES_MAX), hubs: hubs.slice(0, HUBS_MAX).map((hub) => fitText(hub, HUB_BYTES_MAX)),
})
