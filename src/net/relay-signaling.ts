import { nodeIdToPublicKey, type NodeId } from '../core/ids.ts'
import type { Envelope } from '../protocol/message.ts'
import { decodeEnvelope, encodeEnvelope } from '../protocol/relay.ts'
import { HubIntroduction, type HubPipe } from './hub-introduction.ts'
import { NetError } from './transport.ts'
import type { MeshRoad, Signaling, SignalingHandlers } from './signaling.ts'
import type { Timers } from './timers.ts'

export interface RelaySignalingOptions {
  readonly nodeId: NodeId
  readonly road: MeshRoad
  readonly timers: Timers
}

const lookMs = 4000
const lookSoonMs = 500
/** A hub is given this start; the larger id waits for the smaller one on top. */
const firstTurnMs = 2000
const secondTurnMs = 8000
const introductionCountMax = 32
/** Of those, so many that others began: who greets under many names leaves room for what is begun here. */
const foreignCountMax = 16

/** Meets nodes that others are connected with: what is said to them travels over those. Pages are not told apart, a node is met as one. @see Signaling */
export class RelaySignaling implements Signaling {
  readonly #options: RelaySignalingOptions
  readonly #introductions = new Map<NodeId, RelayPipe>()
  /** Nodes that are wanted and in reach; `due`: long enough that it is this node's turn. */
  readonly #expected = new Map<NodeId, 'young' | 'due'>()
  #handlers: SignalingHandlers | undefined
  #cancelNext: () => void = () => undefined
  #soon = false
  #closed = false

  constructor(options: RelaySignalingOptions) {
    this.#options = options
  }

  start(handlers: SignalingHandlers): void {
    this.#handlers = handlers
    this.#options.road.listen({ heard: (envelope) => this.#hear(envelope), changed: () => this.look() })
    queueMicrotask(() => {
      if (this.#closed) return
      handlers.state({ type: 'ready' })
      this.#look()
    })
  }

  wake(): void {
    this.look()
  }

  look(): void {
    if (this.#soon || this.#closed) return
    this.#soon = true
    this.#next(lookSoonMs)
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#cancelNext()
    for (const { introduction } of [...this.#introductions.values()]) introduction.end('closed')
  }

  #next(delayMs: number): void {
    this.#cancelNext()
    this.#cancelNext = this.#options.timers.after(delayMs, () => this.#look())
  }

  #look(): void {
    this.#soon = false
    if (this.#closed) return
    this.#next(lookMs)
    const wanted = this.#options.road.reachable().filter((node) => !this.#introductions.has(node) && this.#handlers?.wanted(pageOf(node), node) === true)
    for (const node of this.#expected.keys()) if (!wanted.includes(node)) this.#expected.delete(node)
    for (const node of wanted) if (this.#isMyTurn(node) && this.#introductions.size < introductionCountMax) this.#introduce(node, true)
  }

  #isMyTurn(node: NodeId): boolean {
    if (this.#expected.get(node) === 'due') return this.#expected.delete(node)
    if (this.#expected.has(node)) return false
    this.#expected.set(node, 'young')
    this.#options.timers.after(this.#options.nodeId < node ? firstTurnMs : secondTurnMs, () => {
      if (!this.#expected.has(node)) return
      this.#expected.set(node, 'due')
      this.look()
    })
    return false
  }

  #introduce(node: NodeId, opened: boolean): RelayPipe {
    const pipe: RelayPipe = new RelayPipe(node, opened, this.#options, {
      ready: () => this.#handlers?.met(pipe.introduction),
      ended: () => void (this.#introductions.get(node) === pipe && this.#introductions.delete(node)),
    })
    this.#introductions.set(node, pipe)
    this.#expected.delete(node)
    return pipe
  }

  get #foreignCount(): number {
    return [...this.#introductions.values()].filter(({ introduction }) => !introduction.opened).length
  }

  #hear(envelope: Envelope): void {
    if (this.#closed) return
    const known = this.#introductions.get(envelope.from)
    if (known === undefined && (this.#introductions.size >= introductionCountMax || this.#foreignCount >= foreignCountMax)) return
    const pipe = known ?? this.#introduce(envelope.from, false)
    pipe.hear(encodeEnvelope(envelope))
  }
}

/** Stands for the page of a node where pages are not told apart. */
const pageOf = (node: NodeId): Uint8Array => nodeIdToPublicKey(node).slice(0, 16)

/** To one node: what is sent becomes a `relay`. It is open at once, since nothing has to be opened. */
class RelayPipe implements HubPipe {
  readonly id: string
  readonly introduction: HubIntroduction
  readonly #road: MeshRoad
  #deliver: (bytes: Uint8Array) => void = () => undefined

  constructor(node: NodeId, opened: boolean, { road, timers }: RelaySignalingOptions, events: { readonly ready: () => void; readonly ended: () => void }) {
    this.id = node
    this.#road = road
    this.introduction = new HubIntroduction({ pipe: this, peer: pageOf(node), node, opened, timers, ready: events.ready, ended: events.ended })
  }

  hear(bytes: Uint8Array): void {
    this.#deliver(bytes)
  }

  start({ opened, message }: Parameters<HubPipe['start']>[0]): void {
    this.#deliver = message
    queueMicrotask(opened)
  }

  send(bytes: Uint8Array): void {
    const decoded = decodeEnvelope(bytes)
    if (!decoded.ok) throw new NetError('NET-TOO-LARGE', `not an envelope: ${decoded.error}`)
    this.#road.say(decoded.value)
  }

  close(): void {
    this.#deliver = () => undefined
  }

  trial(): undefined {
    return undefined
  }
}

export const createRelaySignaling = (options: RelaySignalingOptions): Signaling => new RelaySignaling(options)
