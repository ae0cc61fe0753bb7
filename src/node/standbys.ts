import { equalBytes } from '../core/bytes.ts'
import type { NodeId } from '../core/ids.ts'
import { NetError, type StandbyConnector, type StandbyListener, type Transport } from '../net/transport.ts'
import { STANDBYS_PER_PEER } from '../protocol/limits.ts'
import type { Standby } from '../protocol/message.ts'
import { nextUseMs } from '../protocol/standby-schedule.ts'
import type { Environment } from './environment.ts'
import type { SessionPeer } from './replication-events.ts'
import { Neighbour, type Called, type Held, type Listening, type Try } from './standby-neighbour.ts'
import type { StandbyRecords } from './standby-records.ts'

export interface StandbysParts {
  readonly connector: StandbyConnector
  readonly records: StandbyRecords
  readonly environment: Environment
  /** Own id, as it is now. */
  readonly nodeId: () => NodeId
  /** Whether there is neither a good connection to this node nor one about to be authenticated. */
  readonly lacks: (peer: NodeId) => boolean
  /** Takes one from the budget of peer connections, unless fewer than `spare` were left or this node is not to be connected with now. */
  readonly mayBegin: (peer: NodeId, spare: number) => boolean
  /** Whether it is connected and takes standbys. */
  readonly takes: (peer: NodeId) => boolean
  /** @returns `takes` */
  readonly send: (peer: NodeId, message: Standby) => boolean
  /** A connection has opened; it is not yet authenticated. */
  readonly opened: (peer: NodeId, transport: Transport) => void
  /** How many connections are held back with this node, as caller and as listener. */
  readonly count: (peer: NodeId, standbys: number) => void
  readonly returnAllowed: (allowed: boolean) => void
  readonly notice: (code: 'STANDBY-USED' | 'STANDBY-FAILED' | 'RETURN-REFUSED', about: NodeId | undefined, text: string) => void
  /** Takes care of the errors of what nobody awaits. */
  readonly supervise: (doing: string, work: Promise<unknown>) => void
}

/** Connections agreed on in advance with every neighbour, used when one is lost or this page is another. @see PROTOCOL.md [R65] to [R69] */
export interface Standbys {
  /** Finds out what the browser allows, and uses what lies on disk. */
  readonly begin: () => Promise<void>
  readonly connected: (peer: SessionPeer) => void
  readonly disconnected: (transport: Transport, peer: NodeId | undefined, reason: string) => void
  readonly heard: (peer: NodeId, message: Standby) => void
  /** A sign of the network. */
  readonly wake: () => void
  /** Those on disk stay for the next page. */
  readonly close: () => void
}

export const createStandbys = (parts: StandbysParts): Standbys => new Keeper(parts)

const tickMs = 1000
/** An offer without answer is given up after this. */
const answerMs = 10_000
/** One that was refused or not answered is made again after this. */
const offerAgainMs = 30_000
/** Standbys leave so many attempts for what is needed now. */
const spareAttempts = 12
/** More are forgotten; who holds them back finds out by using them. */
const unsaidMax = 2 * STANDBYS_PER_PEER
/** Of all peers: a waiting connection costs 80 kB and two sockets. */
const listenersMax = 64
/** Certificates are renewed so long before they end. */
const renewMicros = 24 * 60 * 60 * 1_000_000
/** One that nobody has answered still waits at the other end. It is used so often, once more than there are times without a sign, then given up. */
const tryCountMax = 9

/**
 * 1. What is in `held` or `tries` with `returnAllowed` is on disk, under its slot, until it is known what came of its use.
 * 2. A call or listener is in exactly one place until it is closed, used or given to `opened`.
 */
class Keeper implements Standbys {
  readonly #parts: StandbysParts
  readonly #neighbours = new Map<NodeId, Neighbour>()
  /** What opened as a standby, until it is known who is there. */
  readonly #opened = new Map<Transport, string>()
  /** Introduction id at the other end of each session. */
  readonly #pages = new Map<Transport, Uint8Array>()
  #returnAllowed = false
  #signMs: number
  #cancelTick: () => void
  #closed = false

  constructor(parts: StandbysParts) {
    this.#parts = parts
    this.#signMs = parts.environment.monotonicMs()
    this.#cancelTick = parts.environment.after(tickMs, () => this.#tick())
  }

  async begin(): Promise<void> {
    const { connector, records, returnAllowed, notice, environment } = this.#parts
    const [allowed, stored] = await Promise.all([connector.returnAllowed(), records.load()])
    if (this.#closed) return
    this.#returnAllowed = allowed
    returnAllowed(allowed)
    if (!allowed) notice('RETURN-REFUSED', undefined, 'this browser does not let a page make the connections of an earlier one again: after a reload a hub, a code or another tablet is needed')
    for (const { peer, slot, ...record } of stored) {
      const neighbour = this.#neighbour(peer)
      const isOld = record.expiresMicros - renewMicros < environment.nowMicros()
      const isOther = neighbour.page !== undefined && !equalBytes(neighbour.page, record.page)
      // A session of this page may have filled the slot while the disk was read.
      if (neighbour.held.some((each) => each.slot === slot)) continue
      if (!allowed || isOld || isOther) this.#forget(peer, slot)
      else neighbour.held = [...neighbour.held, { ...record, slot, tried: 0 }]
    }
    this.wake()
  }

  connected(peer: SessionPeer): void {
    const { nodeId, introductionId, transport } = peer
    const neighbour = this.#neighbour(nodeId)
    neighbour.page = introductionId
    neighbour.lostMs = neighbour.usedMs = undefined
    neighbour.connectedMs = this.#parts.environment.monotonicMs()
    for (const tried of neighbour.tries) this.#giveUp(nodeId, neighbour, tried)
    const how = this.#opened.get(transport)
    this.#opened.delete(transport)
    if (how !== undefined) this.#parts.notice('STANDBY-USED', nodeId, how)
    this.#pages.set(transport, introductionId)
    this.#dropCalls(nodeId, neighbour, ({ page }) => !equalBytes(page, introductionId))
    // The other end would go on holding back what nobody waits for.
    neighbour.unsaid = neighbour.unsaid.filter((id) => !this.#parts.send(nodeId, endOf(id)))
    for (const [other, former] of this.#neighbours) {
      // Who is still connected as another has not changed its identity: the id of a page is a mere claim.
      if (other === nodeId || former.page === undefined || !equalBytes(former.page, introductionId) || this.#parts.takes(other)) continue
      // The same page under a former identity: it still calls what listens here.
      this.#dropCalls(other, former, () => true)
      neighbour.listening = [...former.listening, ...neighbour.listening]
      this.#neighbours.delete(other)
      this.#parts.count(other, 0)
    }
    this.wake()
  }

  disconnected(transport: Transport, peer: NodeId | undefined, reason: string): void {
    const gone = this.#pages.get(transport)
    this.#pages.delete(transport)
    this.#opened.delete(transport)
    const neighbour = peer && this.#neighbours.get(peer)
    if (peer === undefined || neighbour === undefined || this.#closed) return
    // Nothing but the other end's word closes a connection so: there is a way to it.
    if (reason === 'closed by peer') neighbour.signMs = this.#parts.environment.monotonicMs()
    // That page has ended, and its listeners with it. The node comes back by what listens here.
    if (reason === 'unwanted') this.#leave(peer, neighbour)
    else if (reason === 'closed' && gone !== undefined) this.#dropCalls(peer, neighbour, ({ page }) => equalBytes(page, gone))
    this.#look(peer, neighbour)
  }

  heard(peer: NodeId, message: Standby): void {
    if (this.#closed) return
    switch (message.step) {
      case 'offer': return this.#parts.supervise('answering a standby', this.#listen(peer, message))
      case 'answer': return this.#answered(peer, message)
      case 'end': return this.#ended(peer, message)
    }
  }

  wake(): void {
    if (this.#closed) return
    this.#signMs = this.#parts.environment.monotonicMs()
    for (const [peer, neighbour] of this.#neighbours) this.#look(peer, neighbour)
  }

  close(): void {
    this.#closed = true
    this.#cancelTick()
    for (const [peer, neighbour] of this.#neighbours) {
      neighbour.close()
      this.#parts.count(peer, 0)
    }
    this.#neighbours.clear()
  }

  #neighbour(peer: NodeId): Neighbour {
    const known = this.#neighbours.get(peer) ?? new Neighbour()
    this.#neighbours.set(peer, known)
    return known
  }

  #tick(): void {
    this.#cancelTick = this.#parts.environment.after(tickMs, () => this.#tick())
    for (const [peer, neighbour] of this.#neighbours) this.#look(peer, neighbour)
  }

  /** What is to be done about a neighbour now: make standbys, or use one. */
  #look(peer: NodeId, neighbour: Neighbour): void {
    const { environment } = this.#parts
    const nowMs = environment.monotonicMs()
    for (const { id, call } of neighbour.calling.filter(({ sinceMs }) => nowMs - sinceMs >= answerMs)) {
      call.close()
      neighbour.removeCalling(id)
      neighbour.offerMs = nowMs + offerAgainMs
    }
    if (this.#parts.lacks(peer)) this.#lack(peer, neighbour, nowMs)
    else {
      neighbour.lostMs = undefined
      this.#dropCalls(peer, neighbour, ({ expiresMicros }) => expiresMicros - renewMicros < environment.nowMicros())
      this.#offer(peer, neighbour, nowMs)
    }
    this.#count(peer, neighbour)
  }

  #lack(peer: NodeId, neighbour: Neighbour, nowMs: number): void {
    const { environment, mayBegin, nodeId } = this.#parts
    neighbour.lostMs ??= nowMs
    const [next] = neighbour.held
    if (next === undefined || !environment.page.online()) return
    const { lostMs, usedMs, tries } = neighbour
    const latestMs = Math.max(this.#signMs, neighbour.signMs)
    const signMs = latestMs > neighbour.connectedMs ? latestMs : undefined
    // At the start of a page nobody else has to be waited for: the other has none to it.
    // Where it cannot be used again one is kept for later.
    const isEven = this.#returnAllowed && tries.some(({ held }) => next.tried <= held.tried)
    const trying = isEven ? 'evenly' : tries.length > 0
    const dueMs = nextUseMs({ lostMs, usedMs, trying, signMs, smaller: neighbour.isNew || nodeId() < peer, again: this.#returnAllowed })
    if (dueMs === undefined || dueMs > nowMs || !mayBegin(peer, next.tried === 0 ? 0 : spareAttempts)) return
    neighbour.usedMs = nowMs
    neighbour.held = neighbour.held.filter((each) => each !== next)
    this.#parts.supervise('using a standby', this.#use(peer, neighbour, next))
  }

  async #use(peer: NodeId, neighbour: Neighbour, held: Held): Promise<void> {
    const { environment, connector, opened, notice } = this.#parts
    const beganMs = environment.monotonicMs()
    const by = held.call === undefined ? 'made again from the disk' : 'held back'
    const used: Try = { held }
    neighbour.tries = [...neighbour.tries, used]
    const failed = (reason: string) => {
      // Whoever answered and let it fail is there.
      if (reason !== 'timeout') neighbour.signMs = environment.monotonicMs()
      const isKept = this.#returnAllowed && reason === 'timeout' && held.tried + 1 < tryCountMax
      this.#giveUp(peer, neighbour, used, isKept)
      const { call: _, ...record } = held
      if (isKept) neighbour.held = [...neighbour.held, { ...record, tried: held.tried + 1 }]
      notice('STANDBY-FAILED', peer, `a connection ${by} did not open: ${reason}`)
    }
    const call = held.call ?? (await this.#made(connector.call(held.keys), failed))
    if (call === undefined) return
    if (this.#closed || !neighbour.tries.includes(used)) return call.close()
    used.call = call
    call.apply(held.answer, {
      failed,
      opened: (transport) => {
        this.#giveUp(peer, neighbour, used)
        this.#opened.set(transport, `connected by a standby that was ${by}, in ${Math.round(environment.monotonicMs() - beganMs)} ms`)
        opened(peer, transport)
      },
    })
  }

  #offer(peer: NodeId, neighbour: Neighbour, nowMs: number): void {
    const { page } = neighbour
    const lacks = STANDBYS_PER_PEER - neighbour.held.length - neighbour.calling.length
    if (lacks <= 0 || page === undefined || neighbour.isOffering || nowMs < neighbour.offerMs || !this.#parts.takes(peer) || !this.#parts.mayBegin(peer, spareAttempts)) return
    neighbour.isOffering = true
    const offering = this.#call(peer, neighbour, page).finally(() => (neighbour.isOffering = false))
    this.#parts.supervise('offering a standby', offering)
  }

  async #call(peer: NodeId, neighbour: Neighbour, page: Uint8Array): Promise<void> {
    const { connector, environment, send, notice } = this.#parts
    const sinceMs = environment.monotonicMs()
    const call = await this.#made(connector.call(), (reason) => {
      neighbour.offerMs = sinceMs + offerAgainMs
      notice('STANDBY-FAILED', peer, reason)
    })
    if (call === undefined) return
    const id = environment.randomBytes(16)
    if (this.#closed || !send(peer, { type: 'standby', id, step: 'offer', signal: call.offer })) {
      neighbour.offerMs = sinceMs + answerMs
      return call.close()
    }
    neighbour.calling = [...neighbour.calling, { id, call, page, sinceMs, expiresMicros: call.expiresMicros }]
  }

  #answered(peer: NodeId, { id, signal }: Standby): void {
    const neighbour = this.#neighbour(peer)
    const slot = neighbour.freeSlot
    const calling = neighbour.removeCalling(id)
    if (calling === undefined || slot === undefined) return calling?.call.close()
    const { call, page } = calling
    const record = { id, page, answer: signal, keys: call.keys, expiresMicros: call.expiresMicros }
    neighbour.held = [...neighbour.held, { ...record, slot, tried: 0, call }]
    if (this.#returnAllowed) this.#parts.supervise('keeping a standby', this.#parts.records.put(peer, slot, record))
    this.#look(peer, neighbour)
  }

  async #listen(peer: NodeId, { id, signal }: Standby): Promise<void> {
    const { connector, mayBegin, send, opened, notice } = this.#parts
    const neighbour = this.#neighbour(peer)
    const entry: Listening = { id }
    if (!mayBegin(peer, spareAttempts)) return void send(peer, endOf(id))
    neighbour.listening = [...neighbour.listening, entry]
    for (const { id: oldest } of neighbour.listening.slice(0, -STANDBYS_PER_PEER)) this.#stopListening(peer, neighbour, oldest)
    const gone = () => (neighbour.listening = neighbour.listening.filter((each) => each !== entry))
    const listener = await this.#made(
      connector.listen(signal, {
        opened: (transport) => {
          gone()
          this.#opened.set(transport, 'came back by a standby that waited here')
          opened(peer, transport)
        },
        failed: (reason) => {
          this.#stopListening(peer, neighbour, id)
          // The other end, if it is there, offers the next one.
          if (reason !== 'expired') notice('STANDBY-FAILED', peer, `a connection that waited for it failed: ${reason}`)
        },
      }),
      () => this.#stopListening(peer, neighbour, id),
    )
    if (listener === undefined) return
    entry.listener = listener
    if (!this.#closed && neighbour.listening.includes(entry) && send(peer, { type: 'standby', id, step: 'answer', signal: listener.answer })) this.#listens(listener)
    else {
      gone()
      listener.close()
    }
    this.#count(peer, neighbour)
  }

  /** Those with addresses that are no longer this node's end, and the oldest where there are too many. */
  #listens({ addresses }: StandbyListener): void {
    const all = [...this.#neighbours].flatMap(([peer, neighbour]) => neighbour.listening.map((entry) => ({ peer, neighbour, entry })))
    const isOther = (former: readonly string[]) => addresses.length > 0 && former.length > 0 && !former.some((each) => addresses.includes(each))
    const isStale = ({ listener }: Listening) => listener !== undefined && isOther(listener.addresses)
    const ended = [...all.filter(({ entry }) => isStale(entry)), ...all.slice(0, Math.max(0, all.length - listenersMax))]
    for (const { peer, neighbour, entry } of ended) this.#stopListening(peer, neighbour, entry.id)
  }

  #stopListening(peer: NodeId, neighbour: Neighbour, id: Uint8Array): void {
    if (neighbour.removeListening(id) && !this.#parts.send(peer, endOf(id))) neighbour.unsaid = [...neighbour.unsaid, id].slice(-unsaidMax)
    this.#count(peer, neighbour)
  }

  #ended(peer: NodeId, { id }: Standby): void {
    const neighbour = this.#neighbour(peer)
    if (neighbour.calling.some((each) => equalBytes(each.id, id))) neighbour.offerMs = this.#parts.environment.monotonicMs() + offerAgainMs
    this.#dropCalls(peer, neighbour, (each) => equalBytes(each.id, id))
    neighbour.removeListening(id)
    this.#count(peer, neighbour)
  }

  /** Gives up calls, answered or not. The other end finds out when a later one displaces it. */
  #dropCalls(peer: NodeId, neighbour: Neighbour, isOver: (each: Called) => boolean): void {
    for (const held of neighbour.held.filter(isOver)) {
      held.call?.close()
      this.#take(peer, neighbour, held)
    }
    for (const { id, call } of neighbour.calling.filter(isOver)) {
      call.close()
      neighbour.removeCalling(id)
    }
    this.#count(peer, neighbour)
  }

  /** Neither end wants the other any more: what is held back would only cost. */
  #leave(peer: NodeId, neighbour: Neighbour): void {
    this.#dropCalls(peer, neighbour, () => true)
    for (const { id } of neighbour.listening) this.#stopListening(peer, neighbour, id)
  }

  /** A use is over, or not needed any more. */
  #giveUp(peer: NodeId, neighbour: Neighbour, over: Try, isKept = false): void {
    over.call?.close()
    neighbour.tries = neighbour.tries.filter((each) => each !== over)
    if (this.#returnAllowed && !isKept) this.#forget(peer, over.held.slot)
  }

  /** Out of what is held, and off the disk. */
  #take(peer: NodeId, neighbour: Neighbour, taken: Held): void {
    neighbour.held = neighbour.held.filter((each) => each !== taken)
    if (this.#returnAllowed) this.#forget(peer, taken.slot)
  }

  #forget(peer: NodeId, slot: number): void {
    this.#parts.supervise('forgetting a standby', this.#parts.records.delete(peer, slot))
  }

  /** What the browser gives, unless it refuses. */
  async #made<T>(making: Promise<T>, refused: (reason: string) => void): Promise<T | undefined> {
    try {
      return await making
    } catch (error) {
      if (!(error instanceof NetError)) throw error
      refused(error.message)
      return undefined
    }
  }

  #count(peer: NodeId, neighbour: Neighbour): void {
    const { count } = neighbour
    if (this.#closed || count === neighbour.counted) return
    neighbour.counted = count
    this.#parts.count(peer, count)
  }
}

const endOf = (id: Uint8Array): Standby => ({ type: 'standby', id, step: 'end', signal: new Uint8Array() })
