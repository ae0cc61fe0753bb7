import { unreachable } from '../core/assert.ts'
import { concatBytes } from '../core/bytes.ts'
import type { NodeId } from '../core/ids.ts'
import { lowWaterBytes, NetError, type Transport } from '../net/transport.ts'
import { encodeMessage } from '../protocol/codec.ts'
import type { ByeReason, Message, SaidPage } from '../protocol/message.ts'
import type { SessionId } from '../protocol/plan-state.ts'
import { sessionOf, type Open, type PlanMessage, type SessionConfig, type SessionEffect, type SessionInput, type SessionState } from '../protocol/session-state.ts'
import { stepSession } from '../protocol/session.ts'
import type { Environment } from './environment.ts'
import type { Proofs } from './replication-proof.ts'

export interface SessionsContext {
  readonly environment: Environment
  readonly proofs: Proofs
  readonly introductionId: Uint8Array
  /** For every new session, as things are by then. */
  readonly config: () => Omit<SessionConfig, 'nonce' | 'role' | 'fingerprints'>
  readonly isOwnPage: (introductionId: Uint8Array) => Promise<boolean>
  readonly isSeen: () => boolean
  /** Takes work that is under way and reports what fails. */
  readonly supervise: (work: Promise<void>) => void
}

/** What sessions tell. Calls for one session are in order: `opened`, others, `closed`; `closed` also without `opened`. */
export interface SessionsEvents {
  readonly opened: (connection: OpenConnection) => void
  readonly changed: (connection: OpenConnection) => void
  readonly silent: (session: SessionId, silent: boolean) => void
  readonly gave: (connection: OpenConnection, message: PlanMessage) => void
  readonly closed: (connection: Connection, reason: string) => void
  /** This end turned the peer away, or gave it up. */
  readonly faulted: (nodeId: NodeId | undefined, reason: ByeReason, detail: string) => void
  readonly twin: () => void
  /** The peer went on under a new identity. */
  readonly renounced: (nodeId: NodeId) => void
}

/** One connection with its session. */
export interface Connection {
  readonly id: SessionId
  readonly transport: Transport
  /** Once the peer is known. */
  readonly nodeId: NodeId | undefined
}

/** One whose peer is known. */
export interface OpenConnection extends Connection {
  readonly nodeId: NodeId
  readonly open: Open
}

interface Entry {
  readonly id: SessionId
  readonly transport: Transport
  nodeId: NodeId | undefined
  state: SessionState
  /** What waits until less than the low water is buffered, oldest first. */
  readonly waiting: (() => void)[]
}

/** Runs one session for each connection and performs what it asks for. */
export class Sessions {
  readonly #context: SessionsContext
  readonly #events: SessionsEvents
  readonly #entries = new Map<SessionId, Entry>()
  #last = 0

  constructor(context: SessionsContext, events: SessionsEvents) {
    this.#context = context
    this.#events = events
  }

  get count(): number {
    return this.#entries.size
  }

  ids(): readonly SessionId[] {
    return [...this.#entries.keys()]
  }

  find(transport: Transport): SessionId | undefined {
    return [...this.#entries.values()].find((entry) => entry.transport === transport)?.id
  }

  /** The newest open session with a node. */
  newestWith(nodeId: NodeId): SessionId | undefined {
    return [...this.#entries.values()].findLast((entry) => entry.nodeId === nodeId)?.id
  }

  connection(session: SessionId): OpenConnection | undefined {
    const entry = this.#entries.get(session)
    return entry && toOpen(entry)
  }

  add(transport: Transport): void {
    const { environment, config, introductionId } = this.#context
    const full: SessionConfig = {
      ...config(), nonce: concatBytes([introductionId, environment.randomBytes(16)]), role: transport.dialled ? 'd' : 'a', fingerprints: transport.fingerprints,
    }
    const nowMs = environment.monotonicMs()
    const entry: Entry = { id: ++this.#last, transport, nodeId: undefined, state: sessionOf(full, nowMs), waiting: [] }
    this.#entries.set(entry.id, entry)
    transport.start({
      message: (bytes) => this.#step(entry, { type: 'message', bytes, ...this.#now() }),
      heard: () => this.#step(entry, { type: 'heard', nowMs: environment.monotonicMs() }),
      drained: () => drain(entry),
      closed: (reason) => this.#gone(entry, reason),
    })
    this.#step(entry, { type: 'begin', nowMs })
  }

  tick(): void {
    for (const entry of [...this.#entries.values()]) this.#step(entry, { type: 'tick', ...this.#now() })
  }

  end(session: SessionId, reason: ByeReason, detail: string): void {
    const entry = this.#entries.get(session)
    if (entry !== undefined) this.#step(entry, { type: 'end', reason, detail })
  }

  /** A message of that peer was of no use. @see PROTOCOL.md [R14] */
  wasted(session: SessionId): void {
    const entry = this.#entries.get(session)
    if (entry !== undefined) this.#step(entry, { type: 'wasted', nowMs: this.#now().nowMs })
  }

  send(session: SessionId, message: Message): void {
    const entry = this.#entries.get(session)
    if (entry !== undefined) send(entry, message)
  }

  /** Calls at once, or as soon as the connection has room again; also when it ends before. */
  whenRoom(session: SessionId, work: () => void): void {
    const entry = this.#entries.get(session)
    if (entry === undefined || entry.transport.bufferedBytes <= lowWaterBytes) work()
    else entry.waiting.push(work)
  }

  #now(): { readonly nowMs: number; readonly wallMicros: number; readonly page: SaidPage } {
    const { environment, isSeen } = this.#context
    return { nowMs: environment.monotonicMs(), wallMicros: environment.nowMicros(), page: isSeen() ? 'visible' : 'hidden' }
  }

  #step(entry: Entry, input: SessionInput): void {
    const [state, effects] = stepSession(entry.state, input)
    entry.state = state
    for (const effect of effects) this.#perform(entry, effect)
  }

  #perform(entry: Entry, effect: SessionEffect): void {
    switch (effect.type) {
      case 'send': return send(entry, effect.message)
      case 'prove': return this.#context.supervise(this.#prove(entry, effect))
      case 'check': return this.#context.supervise(this.#check(entry, effect))
      case 'judgeTwin': return this.#context.supervise(this.#judgeTwin(entry, effect.introductionId))
      case 'twin': return this.#events.twin()
      case 'opened': return this.#opened(entry)
      case 'changed': return withOpen(entry, this.#events.changed)
      case 'silent': return this.#events.silent(entry.id, effect.silent)
      case 'give': return withOpen(entry, (connection) => this.#events.gave(connection, effect.message))
      case 'ended': return this.#ended(entry, effect)
      default: return unreachable(effect)
    }
  }

  async #prove(entry: Entry, { role, transcript }: Extract<SessionEffect, { type: 'prove' }>): Promise<void> {
    const proof = await this.#context.proofs.prove(role, transcript)
    this.#step(entry, { type: 'proved', ...proof, nowMs: this.#now().nowMs })
  }

  async #check(entry: Entry, claim: Extract<SessionEffect, { type: 'check' }>): Promise<void> {
    const holds = await this.#context.proofs.check(claim)
    this.#step(entry, { type: 'checked', holds, nowMs: this.#now().nowMs })
  }

  async #judgeTwin(entry: Entry, introductionId: Uint8Array): Promise<void> {
    this.#step(entry, { type: 'twinJudged', ownPage: await this.#context.isOwnPage(introductionId) })
  }

  #opened(entry: Entry): void {
    if (entry.state.phase === 'open') entry.nodeId = entry.state.peer.hello.nodeId
    withOpen(entry, this.#events.opened)
  }

  #ended(entry: Entry, { by, reason, detail }: Extract<SessionEffect, { type: 'ended' }>): void {
    entry.transport.close(reason)
    if (by === 'own' && faults.has(reason)) this.#events.faulted(entry.nodeId, reason, detail)
    if (by === 'peer' && reason === 'identity' && entry.nodeId !== undefined) this.#events.renounced(entry.nodeId)
    this.#forget(entry, reason)
  }

  #gone(entry: Entry, reason: string): void {
    // Whoever judges first that it met its twin is gone before the other has judged.
    if (isMeetingItself(entry.state)) return
    entry.state = { phase: 'ended' }
    this.#forget(entry, reason)
  }

  #forget(entry: Entry, reason: string): void {
    if (!this.#entries.delete(entry.id)) return
    this.#events.closed(entry, reason)
    for (const resume of entry.waiting.splice(0)) resume()
  }
}

const faults: ReadonlySet<ByeReason> = new Set(['proof', 'swarm', 'timeout', 'version', 'violation', 'segment'])

const toOpen = ({ id, transport, nodeId, state }: Entry): OpenConnection | undefined =>
  state.phase === 'open' && nodeId !== undefined ? { id, transport, nodeId, open: state } : undefined

const withOpen = (entry: Entry, call: (connection: OpenConnection) => void): void => {
  const connection = toOpen(entry)
  if (connection !== undefined) call(connection)
}

const send = ({ transport }: Entry, message: Message): void => {
  try {
    transport.send(encodeMessage(message))
  } catch (error) {
    if (!(error instanceof NetError)) throw error
    transport.close(error.code)
  }
}

const drain = ({ transport, waiting }: Entry): void => {
  while (transport.bufferedBytes <= lowWaterBytes && waiting.length > 0) waiting.shift()?.()
}

/** Whether the peer claims the own identity and its proof is being judged: that goes on without the connection. */
const isMeetingItself = (state: SessionState): boolean =>
  (state.phase === 'judging' || (state.phase === 'proving' && state.check !== 'awaited')) && state.peer.hello.nodeId === state.config.nodeId
