import { equalBytes } from '../core/bytes.ts'
import { streamIdToNodeId, type Lamport, type NodeId, type Offset, type StreamId } from '../core/ids.ts'
import type { ForkMessage, SaidStart } from '../protocol/message.ts'
import { noView, type FoundFork, type PlanEffect, type PlanInput, type PlanState, type SessionId, type TakenPiece, type TakeOutcome } from '../protocol/plan-state.ts'
import { StoreError } from '../store/errors.ts'
import type { StreamState } from '../store/event-store.ts'
import type { IdentityLoss } from './identity.ts'
import { Asides } from './replication-aside.ts'
import { ReplicatedClock } from './replication-clock.ts'
import type { ReplicationDevices, ReplicationOptions } from './replication-events.ts'
import { Forks, loadForks } from './replication-forks.ts'
import { migrateForks } from './replication-migrate.ts'
import { createReads, firstUnreadable, viewOfState, type Reads } from './replication-reads.ts'
import { Taker } from './replication-take.ts'
import { textOf, type Work } from './replication-work.ts'

type DiskEffectType = 'take' | 'takeFork' | 'takeStart' | 'settleFork' | 'findPlace' | 'readWant' | 'readFork' | 'readPush' | 'flush'
/** What of a plan is done on the disk. */
export type DiskEffect = Extract<PlanEffect, { readonly type: DiskEffectType }>

export interface DiskParts {
  readonly devices: ReplicationDevices
  readonly options: Pick<ReplicationOptions, 'swarm' | 'identity' | 'room'>
  readonly work: Work
  /** The plan's views, as they are now. */
  readonly views: () => PlanState['views']
  /** Tells the plan what came of it. */
  readonly step: (input: PlanInput) => void
  /** Calls when this session's connection has room. */
  readonly whenRoom: (session: SessionId, call: () => void) => void
  /** Events of this stream are on disk that were not before. */
  readonly stored: (stream: StreamId) => void
  /** A head is about to fall: ends all sessions. */
  readonly lowering: (stream: StreamId) => void
  readonly identityLost: (reason: IdentityLoss) => void
  readonly notice: (code: string, about: StreamId | NodeId | undefined, text: string) => void
}

/** The disk as the plan knows it: does what the plan asks of it, and tells what changed there. */
export class Disk {
  readonly #parts: DiskParts
  readonly #reads: Reads
  readonly #forks: Forks
  readonly #taker: Taker
  readonly #asides: Asides
  /** Streams that were reported as too far above the clock. */
  readonly #beyond = new Set<StreamId>()

  constructor(parts: DiskParts) {
    const { store, crypto, environment } = parts.devices
    const { swarm, identity, room } = parts.options
    this.#parts = parts
    this.#reads = createReads(store, crypto)
    const clock = new ReplicatedClock(store, environment.monotonicMs, (stream, lamport) => this.#beyondClock(stream, lamport))
    const context = {
      store, crypto, swarm: swarm.id, nodeId: identity.nodeId, nowMicros: environment.nowMicros, hasRoom: () => room?.hasRoom() !== false,
      advanceClock: (stream: StreamId, lamports: readonly Lamport[]) => clock.advance(stream, lamports),
    }
    this.#forks = new Forks(context)
    this.#asides = new Asides(store)
    this.#taker = new Taker({ ...context, ...(room && { room }), forks: this.#forks, hole: (stream, first) => this.#hole(stream, first) })
  }

  /** @returns with which forks streams end */
  async begin(): Promise<PlanState['forks']> {
    const { store, crypto } = this.#parts.devices
    await migrateForks({ store, crypto, forks: this.#forks, taker: this.#taker })
      .catch((error: unknown) => this.#parts.notice('FORK-NOT-KEPT', undefined, textOf(error)))
    const forks = await loadForks(store)
    await this.#asides.load()
    return forks
  }

  perform(effect: DiskEffect): void {
    const { work, whenRoom } = this.#parts
    switch (effect.type) {
      case 'take': return work.inTurn(effect.piece.segment.stream, () => this.#take(effect.piece))
      case 'takeFork': return work.supervise(this.#takeFork(effect.session, effect.fork))
      case 'takeStart': return work.inTurn(effect.start.stream, () => this.#takeStart(effect.session, effect.start))
      case 'settleFork': return work.inTurn(effect.fork.stream, () => this.#settleFork(effect.fork))
      case 'findPlace': return work.supervise(this.#findPlace(effect))
      case 'readWant': return whenRoom(effect.session, () => work.supervise(this.#readWant(effect)))
      case 'readFork': return whenRoom(effect.session, () => work.supervise(this.#readFork(effect)))
      case 'readPush': return work.supervise(this.#readPush(effect.stream, effect.next))
      case 'flush': return work.supervise(this.#flush())
    }
  }

  /** Looks at every stream whose head is not the one that the plan knows. */
  async compare(): Promise<void> {
    const heads = await this.#parts.devices.store.heads()
    const known = this.#parts.views()
    const changed = [...new Set([...heads.keys(), ...known.keys()])].filter((stream) => {
      const [head, view] = [heads.get(stream), known.get(stream) ?? noView]
      return head === undefined ? view.next > 0 : head.next !== view.next || !equalBytes(head.headerId, view.headerId)
    })
    await Promise.all(changed.map((stream) => new Promise<void>((resolve) => this.#parts.work.inTurn(stream, () => this.look(stream).finally(resolve)))))
  }

  async look(stream: StreamId): Promise<void> {
    this.see(stream, await this.#parts.devices.store.state(stream))
  }

  /** Tells the plan what this stream is now. */
  see(stream: StreamId, state: StreamState | undefined): void {
    this.#parts.step({ type: 'grown', views: new Map([[stream, state === undefined ? noView : viewOfState(state)]]), nowMs: this.#nowMs() })
  }

  async #take(piece: TakenPiece): Promise<void> {
    const outcome = await this.#taker.take(piece.segment).catch((error: unknown): TakeOutcome => ({ type: 'failed', text: textOf(error) }))
    this.#parts.step({ type: 'taken', piece, outcome, nowMs: this.#nowMs() })
    if (outcome.type === 'stored') await this.#retake(piece.segment.stream, outcome.view.next)
  }

  /** Once more what was set aside when the stream had a hole. */
  async #retake(stream: StreamId, next: Offset): Promise<void> {
    if (!(await this.#asides.retake(stream, next, (segment) => this.#taker.take(segment)))) return
    await this.look(stream)
    this.#parts.stored(stream)
  }

  async #takeFork(session: SessionId, fork: ForkMessage): Promise<void> {
    const failed = (error: unknown) => ({ stream: undefined, outcome: { type: 'failed', text: textOf(error) } as const })
    const { stream, outcome } = await this.#forks.take(fork).catch(failed)
    this.#parts.step({ type: 'forkTaken', session, stream, outcome, nowMs: this.#nowMs() })
  }

  async #takeStart(session: SessionId, start: SaidStart): Promise<void> {
    const outcome = await this.#taker.takeStart(start).catch((error: unknown) => ({ type: 'failed', text: textOf(error) }) as const)
    this.#parts.step({ type: 'startTaken', session, stream: start.stream, outcome, nowMs: this.#nowMs() })
  }

  async #settleFork(fork: FoundFork): Promise<void> {
    const { stream } = fork
    const streams = await this.#forks.settle(fork)
    await this.look(stream)
    for (const other of streams) if (other !== stream) this.#parts.work.inTurn(other, () => this.look(other))
    this.#parts.step({ type: 'forkSettled', stream, streams, forks: await this.#forks.known(stream), nowMs: this.#nowMs() })
    const next = await this.#forks.early(stream, Infinity)
    if (next !== undefined) this.#parts.step({ type: 'forkFound', fork: next, nowMs: this.#nowMs() })
  }

  async #findPlace({ session, stream, first, head }: Extract<PlanEffect, { type: 'findPlace' }>): Promise<void> {
    const place = await this.#reading(stream, () => (head === undefined ? this.#reads.placeBefore(stream, first) : this.#reads.placeOfOther(stream, head)))
    this.#parts.step({ type: 'placed', session, stream, place: place !== undefined && 'first' in place ? place : undefined, nowMs: this.#nowMs() })
  }

  async #readWant({ session, id, stream, place }: Extract<PlanEffect, { type: 'readWant' }>): Promise<void> {
    const result = await this.#reading(stream, () => this.#reads.forWant(stream, place))
    this.#parts.step({ type: 'wantRead', session, id, result, nowMs: this.#nowMs() })
  }

  async #readFork({ session, id, stream, end }: Extract<PlanEffect, { type: 'readFork' }>): Promise<void> {
    const proofs = await this.#forks.read(stream, end).catch((error: unknown) => this.#parts.notice('READ-FAILED', stream, textOf(error)))
    this.#parts.step({ type: 'forkRead', session, id, proofs: proofs ?? [], nowMs: this.#nowMs() })
  }

  async #readPush(stream: StreamId, next: Offset): Promise<void> {
    const result = await this.#reading(stream, () => this.#reads.forPush(stream, next))
    this.#parts.step({ type: 'pushRead', stream, next, result, nowMs: this.#nowMs() })
  }

  /** A read that fails is an answer too. What is not what was sealed is fetched again. */
  async #reading<T>(stream: StreamId, read: () => Promise<T>): Promise<T | { readonly type: 'failed'; readonly text: string }> {
    try {
      return await read()
    } catch (error) {
      if (error instanceof StoreError && error.code === 'STORE-UNREADABLE') this.#parts.work.inTurn(stream, () => this.#mend(stream))
      return { type: 'failed', text: textOf(error) }
    }
  }

  /** Lowers a replicated stream to where it can be read, so that the rest is fetched again; the own stream is not written on any more. @see STORAGE.md, Holes */
  async #mend(stream: StreamId): Promise<void> {
    const first = await firstUnreadable(this.#parts.devices, stream)
    if (first === undefined) return
    if (streamIdToNodeId(stream) === this.#parts.options.identity.nodeId) return this.#parts.identityLost('damaged')
    this.#hole(stream, first)
    this.#parts.lowering(stream)
    await this.#parts.devices.store.lower(stream, first, 'hole', this.#parts.devices.environment.nowMicros())
    await this.#asides.load()
    await this.look(stream)
  }

  async #flush(): Promise<void> {
    const done = await this.#parts.devices.store.flush().then(
      () => true,
      (error: unknown) => {
        this.#parts.notice('STORE-FAILED', undefined, `what is held could not be made durable: ${String(error)}`)
        return false
      },
    )
    this.#parts.step({ type: 'flushed', done, nowMs: this.#nowMs() })
  }

  #hole(stream: StreamId, first: Offset): void {
    this.#parts.notice('STREAM-HOLE', stream, `cannot be read from offset ${first} on; it is fetched again`)
  }

  #beyondClock(stream: StreamId, lamport: number): void {
    if (this.#beyond.has(stream)) return
    this.#beyond.add(stream)
    this.#parts.notice('CLOCK-BEYOND', stream, `an event with Lamport time ${lamport} lies too far above the clock to move it`)
  }

  #nowMs(): number {
    return this.#parts.devices.environment.monotonicMs()
  }
}
