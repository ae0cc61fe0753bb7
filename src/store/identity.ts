import { streamIdOf, type NodeId, type StreamId } from '../core/ids.ts'
import type { EventStore, Identity, StoredIdentity } from './event-store.ts'
import { newStream, numberOf, parseStoredStream, unreadable, type StoredStream } from './records.ts'
import { headOf, readRecord, readTail } from './tail.ts'
import { keysWithPrefix, readAtOnce, type TableName, type Tables, type Transaction } from './tables.ts'

const tables: readonly TableName[] = ['meta', 'streams', 'tail']

export const createIdentities = (disk: Tables): Pick<EventStore, 'identity' | 'createIdentity' | 'changeIdentity'> => {
  const write = <T>(work: (transaction: Transaction) => Promise<T>): Promise<T> => disk.run({ tables, mode: 'readwrite', durability: 'strict' }, work)
  return {
    identity: () => readAtOnce(disk, ['meta'], async (transaction) => storedIdentity(await transaction.get('meta', 'identity'))),
    createIdentity: (identity) =>
      write(async (transaction) => storedIdentity(await transaction.get('meta', 'identity')) ?? putIdentity(transaction, identity, [])),
    changeIdentity: (shown, next, reason, atMicros) =>
      write(async (transaction) => {
        const stored = storedIdentity(await transaction.get('meta', 'identity'))
        if (stored !== undefined && stored.identity.nodeId !== shown) return stored
        await retire(transaction, shown, { type: 'retired', reason, atMicros })
        return putIdentity(transaction, next, [...(stored?.former ?? []), shown])
      }),
  }
}

/** Key, first record and former ids, in one transaction: identity and events live and die together. */
const putIdentity = async (transaction: Transaction, identity: Identity, former: readonly NodeId[]): Promise<StoredIdentity> => {
  const stored: StoredIdentity = { identity, former }
  const record = await readRecord(transaction, streamIdOf(identity.nodeId, 0))
  transaction.put('meta', 'identity', stored)
  transaction.put('streams', record.stream, { ...record, revision: record.revision + 1 })
  return stored
}

/** Marks all streams of a former identity and raises the clock to the last Lamport time of its head. */
const retire = async (transaction: Transaction, nodeId: NodeId, standing: NonNullable<StoredStream['standing']>): Promise<void> => {
  const first = streamIdOf(nodeId, 0)
  const [keys, values, clock, tail] = await Promise.all([
    transaction.keys('streams', keysWithPrefix(`${nodeId}-`)),
    transaction.values('streams', keysWithPrefix(`${nodeId}-`)),
    transaction.get('meta', 'clock'),
    readTail(transaction, first),
  ])
  const found = keys.map((key, at) => parseStoredStream(key as StreamId, values[at]))
  const records = new Map([newStream(first), ...found].map((record) => [record.stream, record]))
  for (const record of records.values())
    transaction.put('streams', record.stream, { ...record, revision: record.revision + 1, standing: record.standing ?? standing })
  transaction.put('meta', 'clock', Math.max(numberOf(clock), headOf(tail).lamport))
}

/** @throws StoreError `STORE-UNREADABLE` for anything else than an identity or `undefined` */
export const storedIdentity = (value: unknown): StoredIdentity | undefined => {
  if (value === undefined) return undefined
  const stored = value as StoredIdentity
  if (typeof value === 'object' && value !== null && typeof stored.identity?.nodeId === 'string' && stored.former instanceof Array) return stored
  throw unreadable('the identity of this node')
}
