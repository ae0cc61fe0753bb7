import { streamIdToNodeId, type NodeId, type StreamId } from '../../src/core/ids.ts'
import { decodeMessage } from '../../src/protocol/codec.ts'
import { addFrame, noPartial, type PartialMessage } from '../../src/protocol/frame.ts'
import type { Message } from '../../src/protocol/message.ts'
import { unpackAppend, unpackSegment } from '../../src/store/records.ts'
import { decodeHeader } from '../../src/stream/header.ts'

/** What the platform was asked for, in order: transactions with their durability and their `complete`, and what left on data channels. */
export interface Recorder {
  /** Which database is whose. */
  readonly isOf: (database: string, nodeId: NodeId) => void
  /** Says of a node that it has told the offsets of a stream below `next` (to a caller, a subscriber). */
  readonly told: (nodeId: NodeId, stream: StreamId, next: number, how: string) => void
  /** What was told before it was durable. */
  readonly faults: () => readonly string[]
  readonly counts: () => { readonly ownSegments: number; readonly haves: number; readonly told: number; readonly strict: number; readonly relaxed: number }
  readonly stop: () => void
}

interface Recorded {
  readonly database: string
  readonly durability: IDBTransactionDurability
  readonly begun: number
  /** Offsets below which its writes make the stream complete. */
  readonly ends: Map<StreamId, number>
  writes: number
}

/** Durable and not yet durable parts of one database. A strict transaction with a write flushes all that completed before it began. */
class Disk {
  readonly durable = new Map<StreamId, number>()
  readonly #relaxed: { readonly completed: number; readonly ends: ReadonlyMap<StreamId, number> }[] = []

  complete(transaction: Recorded, now: number): void {
    if (transaction.writes === 0) return
    this.#relaxed.push({ completed: transaction.durability === 'strict' ? transaction.begun - 1 : now, ends: transaction.ends })
    if (transaction.durability !== 'strict') return
    for (const { completed, ends } of this.#relaxed) {
      if (completed >= transaction.begun) continue
      for (const [stream, end] of ends) this.durable.set(stream, Math.max(end, this.durable.get(stream) ?? 0))
    }
  }
}

/** Begins to record, in this page. */
export const startRecorder = (): Recorder => {
  const disks = new Map<string, Disk>()
  const databases = new Map<NodeId, string>()
  const counts = { ownSegments: 0, haves: 0, told: 0, strict: 0, relaxed: 0 }
  const faults: string[] = []
  let now = 0
  const check = (nodeId: NodeId, stream: StreamId, next: number, how: string) => {
    const durable = disks.get(databases.get(nodeId) ?? '')?.durable.get(stream) ?? 0
    if (next > durable) faults.push(`${how}: ${next} of ${stream}, durable ${durable}`)
  }
  const sent = (nodeId: NodeId, message: Message) => {
    if (message.type === 'have') {
      counts.haves++
      for (const [stream, { next }] of message.heads) check(nodeId, stream, next, 'have')
    }
    if (message.type !== 'segment' || streamIdToNodeId(message.stream) !== nodeId) return
    const header = decodeHeader(message.header)
    if (!header.ok) return void faults.push('a segment without a header')
    counts.ownSegments++
    check(nodeId, message.stream, header.value.first + header.value.events, 'segment')
  }
  const stops = [
    recordTransactions(
      () => ++now,
      (transaction) => {
        counts[transaction.durability === 'strict' ? 'strict' : 'relaxed'] += transaction.writes > 0 ? 1 : 0
        const disk = disks.get(transaction.database) ?? new Disk()
        disks.set(transaction.database, disk)
        disk.complete(transaction, ++now)
      },
    ),
    recordSends(sent),
  ]
  return {
    isOf: (database, nodeId) => databases.set(nodeId, database),
    told: (nodeId, stream, next, how) => {
      counts.told++
      check(nodeId, stream, next, how)
    },
    faults: () => faults,
    counts: () => counts,
    stop: () => stops.forEach((stop) => stop()),
  }
}

/** A platform's method, to be called with its own `this`. */
const methodOf = (prototype: object, name: string) => Reflect.get(prototype, name) as (...parameters: unknown[]) => unknown

const recordTransactions = (tick: () => number, completed: (transaction: Recorded) => void): (() => void) => {
  const transaction = methodOf(IDBDatabase.prototype, 'transaction')
  const [add, put] = [methodOf(IDBObjectStore.prototype, 'add'), methodOf(IDBObjectStore.prototype, 'put')]
  const recorded = new WeakMap<IDBTransaction, Recorded>()
  IDBDatabase.prototype.transaction = function (...parameters) {
    const begun = Reflect.apply(transaction, this, parameters) as IDBTransaction
    const record: Recorded = { database: this.name, durability: begun.durability, begun: tick(), ends: new Map(), writes: 0 }
    recorded.set(begun, record)
    begun.addEventListener('complete', () => completed(record))
    return begun
  }
  const note = (store: IDBObjectStore, value: unknown, key: unknown) => {
    const record = recorded.get(store.transaction)
    if (record === undefined) return
    record.writes++
    const part = store.name === 'tail' ? unpackAppend(value) : store.name === 'segments' ? unpackSegment(value) : undefined
    if (part === undefined || !Array.isArray(key)) return
    const stream = key[0] as StreamId
    record.ends.set(stream, Math.max(part.first + part.events, record.ends.get(stream) ?? 0))
  }
  IDBObjectStore.prototype.add = function (value, key) {
    note(this, value, key)
    return Reflect.apply(add, this, key === undefined ? [value] : [value, key]) as IDBRequest<IDBValidKey>
  }
  IDBObjectStore.prototype.put = function (value, key) {
    note(this, value, key)
    return Reflect.apply(put, this, key === undefined ? [value] : [value, key]) as IDBRequest<IDBValidKey>
  }
  return () => {
    Object.assign(IDBDatabase.prototype, { transaction })
    Object.assign(IDBObjectStore.prototype, { add, put })
  }
}

const recordSends = (sent: (nodeId: NodeId, message: Message) => void): (() => void) => {
  const send = methodOf(RTCDataChannel.prototype, 'send')
  const channels = new WeakMap<RTCDataChannel, { nodeId: NodeId | undefined; partial: PartialMessage }>()
  RTCDataChannel.prototype.send = function (data: string | Blob | ArrayBuffer | ArrayBufferView) {
    const channel = channels.get(this) ?? { nodeId: undefined, partial: noPartial }
    channels.set(this, channel)
    if (ArrayBuffer.isView(data)) {
      const added = addFrame(channel.partial, new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice())
      if (!added.ok) throw new Error(added.error)
      channel.partial = added.value.partial
      const message = added.value.message === undefined ? undefined : decodeMessage(added.value.message)
      // The first message of each end says whose end it is.
      if (message?.ok === true && message.value.type === 'hello') channel.nodeId = message.value.nodeId
      if (message?.ok === true && channel.nodeId !== undefined) sent(channel.nodeId, message.value)
    }
    Reflect.apply(send, this, [data])
  }
  return () => void Object.assign(RTCDataChannel.prototype, { send })
}
