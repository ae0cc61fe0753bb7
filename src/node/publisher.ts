import { assert } from '../core/assert.ts'
import { startsWithBytes } from '../core/bytes.ts'
import type { Meta, TaggedEvent } from '../core/event.ts'
import type { Lamport, NodeId, StreamId, SwarmId } from '../core/ids.ts'
import { LAMPORT_MAX } from '../core/lamport.ts'
import { StoreError } from '../store/errors.ts'
import type { EventStore, StreamAppend, StreamState } from '../store/event-store.ts'
import { checkBatch, encodeBatches, EVENT_COUNT_MAX, type Batch, type EncodedBatch } from '../stream/batch.ts'
import { byteOfEvent, metasOf } from '../stream/body.ts'
import { decodeHeader } from '../stream/header.ts'
import { sealBatches } from '../stream/seal.ts'
import { grown } from '../stream/segment.ts'
import type { AppendLock } from '../tab/append-lock.ts'
import type { NodeCrypto } from './crypto.ts'
import type { Environment } from './environment.ts'
import type { IdentityLoss, Self } from './identity.ts'
import { NodeError } from './node.ts'

const groupBytesMax = 512 * 1024
/** A publish whose transaction has not started by then says so. */
const slowMs = 5_000
const lostRetryMs = 1_000
/** What was seen but lost in a power cut still sorts before what this tab publishes. */
const clockRaise = 1_000
const joinEvery = 16

export interface PublisherDevices {
  readonly store: EventStore
  readonly crypto: NodeCrypto
  readonly environment: Environment
  readonly lock: AppendLock
}

export interface PublisherOptions {
  readonly swarm: SwarmId
  readonly self: Self
  /** Own events are durable, and the own stream is this now. Called before `publish` resolves. */
  readonly stored: (state: StreamState) => void
  readonly failed: (error: unknown) => void
  readonly note: (code: string, about: StreamId | undefined, text: string) => void
  /** The own stream cannot be written on; resolves when there is another identity. */
  readonly identityLost: (shown: NodeId, reason: IdentityLoss) => Promise<void>
  /** Another tab may have changed the identity; resolves when it is read again. */
  readonly identityStale: () => Promise<void>
}

/** Adds events to the own stream. */
export interface Publisher {
  readonly publish: (events: readonly TaggedEvent[], appId: string) => Promise<readonly Meta[]>
  /** Waits for what was published before it. */
  readonly close: () => Promise<void>
}

/** One `publish` call that waits. */
interface Call {
  readonly batch: Batch
  readonly resolve: (metas: readonly Meta[]) => void
  readonly reject: (error: unknown) => void
}

/** What was handed to the store. */
interface Attempt {
  readonly base: StreamState
  readonly append: StreamAppend
  readonly batches: readonly EncodedBatch[]
}

/**
 * Group commit: the calls that wait when the append lock is there are sealed together, in call order, and stored in one strict transaction.
 *
 * Every append is a compare-and-set on the cached state of the own stream: a stale one is read again, an overtaken one is sealed again above what was read,
 * once; the calls that come meanwhile form the next group. See STORAGE.md, *Append*.
 */
export const createPublisher = (devices: PublisherDevices, options: PublisherOptions): Publisher => new GroupPublisher(devices, options)

class GroupPublisher implements Publisher {
  readonly #devices: PublisherDevices
  readonly #options: PublisherOptions
  readonly #waiting: Call[] = []
  /** The own stream as last read or written; `undefined`: to be read. */
  #state: StreamState | undefined
  /** At most what is on disk. Raised there before the first append under an identity, which begins above what was shown under the one before. */
  #clock: { readonly stream: StreamId; readonly lamport: Lamport } | undefined
  #unjoined = joinEvery
  #running: Promise<void> | undefined
  #closed = false

  constructor(devices: PublisherDevices, options: PublisherOptions) {
    this.#devices = devices
    this.#options = options
  }

  async publish(events: readonly TaggedEvent[], appId: string): Promise<readonly Meta[]> {
    if (this.#closed) throw new NodeError('NODE-CLOSED', 'this node was closed; open it again to publish')
    // Judged with the longest Lamport time, because which one it gets is known only when it is sealed.
    const lamport = LAMPORT_MAX - EVENT_COUNT_MAX
    const checked = checkBatch(events, lamport, { timestampMicros: this.#devices.environment.nowMicros(), appId })
    if (!checked.ok) throw new NodeError('PUBLISH-INVALID', checked.error.text)
    return new Promise<readonly Meta[]>((resolve, reject) => {
      this.#waiting.push({ batch: checked.value, resolve, reject })
      this.#running ??= this.#run()
    })
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#running
  }

  /** Never rejects: each call gets its own error. */
  async #run(): Promise<void> {
    // Calls of one turn form one group.
    await Promise.resolve()
    while (this.#waiting.length > 0) {
      const cancel = this.#devices.environment.after(slowMs, () =>
        this.#options.note('PUBLISH-SLOW', undefined, 'an entry waits for its place on disk for more than 5 s: another window of this tablet, or its disk, is busy'),
      )
      let group: readonly Call[] = this.#waiting
      try {
        await this.#devices.lock.run(async () => {
          group = takeGroup(this.#waiting)
          await this.#store(group)
          cancel()
          await this.#join()
        })
      } catch (error) {
        this.#state = undefined
        this.#options.failed(error)
        for (const call of group === this.#waiting ? this.#waiting.splice(0) : group) call.reject(error)
      } finally {
        cancel()
      }
    }
    this.#running = undefined
  }

  async #store(group: readonly Call[]): Promise<void> {
    for (let overtakable = true; ; ) {
      const attempt = await this.#seal(group)
      const result = await this.#append(attempt, overtakable)
      if (result.type === 'stored') return this.#finish(group, attempt, result.clock)
      if (result.type === 'overtaken') {
        overtakable = false
        this.#clock = { stream: attempt.append.stream, lamport: result.clock }
      } else {
        this.#state = undefined
        await this.#options.identityStale()
      }
    }
  }

  async #seal(group: readonly Call[]): Promise<Attempt> {
    const { crypto, store } = this.#devices
    const { self, swarm } = this.#options
    const base = this.#state?.stream === self.stream() ? this.#state : await this.#read()
    // What this tab has given before counts also where the disk has lost it.
    if (this.#clock?.stream !== base.stream) this.#clock = { stream: base.stream, lamport: Math.max(await store.raiseClock(clockRaise), this.#clock?.lamport ?? 0) }
    const batches = encodeBatches(group.map(({ batch }) => batch), Math.max(this.#clock.lamport, base.head.lamport) + 1)
    const signer = crypto.signer(self.stored().identity)
    return { base, batches, append: await sealBatches({ crypto, signer, swarm }, base, batches) }
  }

  /** The own stream's state. A stream without its record, or one that cannot be read, is never written on: there is a new identity then. */
  async #read(): Promise<StreamState> {
    const { self } = this.#options
    for (let tries = 0; tries < 3; tries++) {
      const shown = self.nodeId()
      const state = await stateOf(this.#devices.store, self.stream())
      if (typeof state === 'object') return (this.#state = state)
      await this.#options.identityLost(shown, state)
    }
    throw new StoreError('STORE-UNREADABLE', 'the own stream cannot be read, under three identities')
  }

  async #append({ append, batches }: Attempt, overtakable: boolean) {
    const [first] = batches
    assert(first !== undefined, 'a group holds a batch')
    try {
      return await this.#devices.store.appendOwn(append, first.firstLamport, overtakable)
    } catch (error) {
      // What can be told of it is found by reading it again.
      if (isUnreadable(error)) return { type: 'stale', stream: append.stream } as const
      if (!isLost(error)) throw error
      this.#options.note('STORE-LOST', append.stream, 'the connection to the disk was lost while storing; looking what was stored')
      if (await this.#wasStored(append, first.line)) return { type: 'stored', clock: batches.at(-1)?.lastLamport ?? 0 } as const
      return { type: 'stale', stream: append.stream } as const
    }
  }

  /** After a lost connection: whether the line at the attempt's first offset is byte for byte its own. */
  async #wasStored({ stream, next }: StreamAppend, line: Uint8Array): Promise<boolean> {
    const { store, crypto, environment } = this.#devices
    for (;;) {
      try {
        const piece = await store.piece(stream, next)
        if (piece === undefined) return false
        const header = decodeHeader(piece.sealed.header)
        const body = piece.type === 'open' ? piece.body : header.ok ? await crypto.inflate(piece.deflated, header.value.bodyBytes) : undefined
        const at = body === undefined ? undefined : byteOfEvent(body, next - piece.first)
        return body !== undefined && at !== undefined && startsWithBytes(body.subarray(at), line)
      } catch (error) {
        if (!isLost(error) || this.#closed) throw error
        await new Promise<void>((again) => environment.after(lostRetryMs, again))
      }
    }
  }

  #finish(group: readonly Call[], { base, append, batches }: Attempt, clock: Lamport): void {
    const { stream } = append
    const state = grown(base, append)
    this.#clock = { stream, lamport: Math.max(clock, state.head.lamport) }
    this.#state = state
    this.#unjoined++
    this.#options.stored(state)
    let offset = append.next
    for (const [at, batch] of batches.entries()) {
      group[at]?.resolve(metasOf(batch, stream, offset))
      offset += batch.events
    }
  }

  /** Joining raises the revision. It may fail without harm: the next one joins what this one left. */
  async #join(): Promise<void> {
    if (this.#unjoined < joinEvery) return
    this.#unjoined = 0
    const state = this.#state
    this.#state = undefined
    try {
      const joined = await this.#devices.store.joinTail(this.#options.self.stream())
      this.#state = joined ? state && { ...state, revision: state.revision + 1 } : state
    } catch (error) {
      this.#options.failed(error)
    }
  }
}

const takeGroup = (waiting: Call[]): readonly Call[] => {
  let bytes = 0
  const rest = waiting.findIndex(({ batch }) => (bytes += batch.rest.length) > groupBytesMax)
  return waiting.splice(0, rest < 0 ? waiting.length : Math.max(1, rest))
}

const stateOf = async (store: EventStore, stream: StreamId): Promise<StreamState | IdentityLoss> => {
  try {
    const state = await store.state(stream)
    if (state === undefined || state.revision === 0) return 'incomplete'
    if (state.standing !== undefined) return 'restored'
    return state.hole === true ? 'damaged' : state
  } catch (error) {
    if (isUnreadable(error)) return 'damaged'
    throw error
  }
}

const isLost = (error: unknown): boolean => error instanceof StoreError && error.code === 'STORE-LOST'
const isUnreadable = (error: unknown): boolean => error instanceof StoreError && error.code === 'STORE-UNREADABLE'
