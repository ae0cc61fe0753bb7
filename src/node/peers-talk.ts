import { bytesToHex, equalBytes } from '../core/bytes.ts'
import type { NodeId } from '../core/ids.ts'
import type { Introduction } from '../net/signaling.ts'
import type { Attempt, Connector, Transport } from '../net/transport.ts'
import type { Refusal, Signal } from '../protocol/signal.ts'
import { greetsHere, type Envelopes, type Opened } from './peers-envelope.ts'

/** Stands in a greeting for a name that is not known yet. */
const nobody = new Uint8Array(16)

export interface TalkContext {
  readonly envelopes: Envelopes
  readonly connector: Connector
  readonly nodeId: NodeId
  readonly introductionId: Uint8Array
  readonly randomBytes: (count: number) => Uint8Array
  /** The other end is a member. @returns whether this node wants the connection; the other may want it alone */
  readonly greeted: (peer: NodeId) => boolean
  /** Takes one attempt from the budget. */
  readonly mayBegin: (peer: NodeId) => boolean
  readonly opened: (peer: NodeId, transport: Transport) => void
  /** Called once, last. */
  readonly ended: (ending: TalkEnding) => void
}

/** `invalid`: what came was not said by a member to this page. `failed`: no connection came of it. `peer`: as far as it was greeted. */
export type TalkEnding =
  | { readonly type: 'opened'; readonly peer: NodeId }
  | { readonly type: 'failed' | 'invalid'; readonly peer: NodeId | undefined; readonly reason: string }

interface Running {
  /** Names it in both directions. */
  readonly id: Uint8Array
  readonly attempt: Attempt
  nextIn: number
}

/**
 * One introduction, from greeting to connection: who is there, who dials, the signals of one attempt.
 * The smaller node id dials, of equal ones the smaller introduction id; the other asks to be dialled.
 */
export class Talk {
  readonly #introduction: Introduction
  readonly #context: TalkContext
  /** Names this end: the page, over the mesh this one introduction. */
  readonly #own: Uint8Array
  /** Names the other end, once it is known. */
  #other: Uint8Array | undefined
  /** Whether the own greeting said both names. */
  #answered = false
  #peer: NodeId | undefined
  #running: Running | undefined
  #nextOut = 0
  #pipeOpen = true
  #ended = false
  /** What is heard and said is opened and sealed one after the other: the order is part of what is said. */
  #inbox: Promise<void> = Promise.resolve()
  #outbox: Promise<void> = Promise.resolve()

  constructor(introduction: Introduction, context: TalkContext) {
    this.#introduction = introduction
    this.#context = context
    this.#own = this.isOverMesh ? context.randomBytes(16) : context.introductionId
    this.#other = this.isOverMesh ? undefined : introduction.peer
  }

  start(): void {
    if (!this.isOverMesh || this.#introduction.opened) this.#say({ type: 'greet', own: this.#own, peer: this.#other ?? nobody })
    this.#introduction.start({
      envelope: (bytes) => {
        this.#inbox = this.#inbox.then(() => this.#hear(bytes)).catch((error: unknown) => this.#end('failed', String(error)))
      },
      closed: (reason) => this.#pipeClosed(reason),
    })
  }

  /** Over the mesh a node is met, and nothing said by it before may count: both ends are named anew. @see PROTOCOL.md [R53] */
  get isOverMesh(): boolean {
    return this.#introduction.node !== undefined
  }

  /** Whether this end began it. */
  get opened(): boolean {
    return this.#introduction.opened
  }

  /** Introduction id of the other page in hex. */
  get page(): string {
    return bytesToHex(this.#introduction.peer)
  }

  get peer(): NodeId | undefined {
    return this.#peer
  }

  get pipeOpen(): boolean {
    return this.#pipeOpen
  }

  cancel(reason: string): void {
    this.#end('failed', reason)
  }

  /** Without its pipe an attempt may still come to an end: the other side closes the pipe as soon as it sees the connection. */
  #pipeClosed(reason: string): void {
    this.#pipeOpen = false
    if (this.#running === undefined) this.#end('failed', reason)
  }

  async #hear(bytes: Uint8Array): Promise<void> {
    if (this.#ended) return
    const opened = await this.#context.envelopes.open(bytes)
    if (this.#ended) return
    if (opened === undefined) return this.isOverMesh ? undefined : this.#end('invalid', 'an envelope that no member has sealed for this node')
    if (this.isOverMesh) return this.#hearOverMesh(opened)
    const { from, toWhoever, signal } = opened
    if (toWhoever !== (signal.type === 'greet')) return this.#end('invalid', 'an envelope that no member has sealed for this pipe')
    if (this.#peer === undefined ? signal.type !== 'greet' : from !== this.#peer || signal.type === 'greet') return this.#end('invalid', 'another one than was greeted')
    return this.#follow(from, signal)
  }

  /** What does not belong here may be an old one that somebody has sent again: no word of it, and nobody's fault. */
  #hearOverMesh({ from, toWhoever, signal }: Opened): void {
    if (toWhoever || from !== this.#introduction.node) return
    if (signal.type !== 'greet') return this.#peer === undefined ? this.#endUnmet() : this.#follow(from, signal)
    if (this.#peer !== undefined) return
    const isFirst = equalBytes(signal.peer, nobody)
    if (!isFirst && !equalBytes(signal.peer, this.#own)) return this.#endUnmet()
    if (isFirst || !this.#answered) {
      this.#other = signal.own
      this.#answered = true
      this.#say({ type: 'greet', own: this.#own, peer: signal.own })
    }
    if (!isFirst && equalBytes(signal.own, this.#other ?? nobody)) this.#meet(from)
  }

  /** One that was begun by the other end with something else than a greeting has no beginning. */
  #endUnmet(): void {
    if (!this.#introduction.opened && this.#other === undefined) this.#end('failed', 'not a greeting')
  }

  #follow(from: NodeId, signal: Signal): void {
    switch (signal.type) {
      case 'greet': return this.#greet(from, signal)
      case 'dialMe': return this.#dials(from) ? this.#begin(from, signal.attempt) : undefined
      case 'signal': return this.#signal(from, signal)
      case 'refuse': return this.#end('failed', `refused: ${signal.reason}`)
    }
  }

  #greet(from: NodeId, greet: Signal & { readonly type: 'greet' }): void {
    if (!greetsHere(greet, this.#own, this.#introduction.peer)) return this.#end('invalid', 'a greeting of another pipe')
    this.#meet(from)
  }

  #meet(from: NodeId): void {
    const { greeted, randomBytes } = this.#context
    this.#peer = from
    if (!greeted(from)) return
    if (this.#dials(from)) this.#begin(from, randomBytes(16))
    else this.#say({ type: 'dialMe', attempt: randomBytes(16) })
  }

  #dials(peer: NodeId): boolean {
    const { nodeId, introductionId } = this.#context
    return nodeId === peer ? bytesToHex(introductionId) < bytesToHex(this.#introduction.peer) : nodeId < peer
  }

  #signal(from: NodeId, { attempt, index, data }: Signal & { readonly type: 'signal' }): void {
    if (this.#running === undefined && !this.#dials(from) && index === 0) this.#begin(from, attempt)
    const running = this.#running
    if (running === undefined || !equalBytes(running.id, attempt)) return
    if (index !== running.nextIn++) return this.#end(this.isOverMesh ? 'failed' : 'invalid', 'signals out of order')
    running.attempt.signal(data)
  }

  #begin(peer: NodeId, id: Uint8Array): void {
    if (this.#running !== undefined) return
    if (!this.#context.mayBegin(peer)) return this.#refuse(id, 'busy')
    const attempt = this.#context.connector.begin(this.#dials(peer), {
      signal: (data) => this.#say({ type: 'signal', attempt: id, index: this.#nextOut++, data }),
      opened: (transport) => this.#opened(peer, transport),
      failed: (reason) => this.#refuse(id, 'failed', reason),
    })
    // Where the connector has failed at once, there is nothing to run.
    if (!this.#ended) this.#running = { id, attempt, nextIn: 0 }
  }

  #opened(peer: NodeId, transport: Transport): void {
    if (this.#ended) return transport.close('given up')
    this.#context.opened(peer, transport)
    this.#finish({ type: 'opened', peer })
  }

  #refuse(attempt: Uint8Array, refusal: Refusal, reason: string = refusal): void {
    this.#say({ type: 'refuse', attempt, reason: refusal })
    this.#end('failed', reason)
  }

  #say(signal: Signal): void {
    const { envelopes } = this.#context
    const to = this.#introduction.node ?? (signal.type === 'greet' ? undefined : this.#peer)
    this.#outbox = this.#outbox
      .then(async () => this.#introduction.send(await envelopes.seal(to, signal)))
      .catch((error: unknown) => this.#end('failed', String(error)))
  }

  #end(type: 'failed' | 'invalid', reason: string): void {
    if (this.#ended) return
    this.#running?.attempt.cancel()
    this.#finish({ type, peer: this.#peer, reason })
  }

  #finish(ending: TalkEnding): void {
    this.#ended = true
    this.#running = undefined
    this.#outbox = this.#outbox.then(() => this.#introduction.close())
    this.#context.ended(ending)
  }
}
