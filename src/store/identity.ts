import { parseNodeId, publicKeyToNodeId, streamIdOf, type NodeId, type StreamId } from '../core/ids.ts'
import type { EventStore, Identity, StoredIdentity } from './event-store.ts'
import { newStream, numberOf, parseStoredStream, unreadable, type StoredStream } from './records.ts'
import { headOf, readRecord, readTail } from './tail.ts'
import { keysWithPrefix, readAtOnce, type TableName, type Tables, type Transaction } from './tables.ts'

const tables: readonly TableName[] = ['meta', 'streams', 'tail']

export const createIdentities = (disk: Tables): Pick<EventStore, 'identity' | 'createIdentity' | 'changeIdentity'> => {
  const write = <T>(work: (transaction: Transaction) => Promise<T>): Promise<T> => disk.run({ tables, mode: 'readwrite', durability: 'strict' }, work)
  return {
    identity: () => readAtOnce(disk, ['meta'], async (transaction) => storedIdentity(await readRecords(transaction))),
    createIdentity: (identity) =>
      write(async (transaction) => storedIdentity(await readRecords(transaction)) ?? putIdentity(transaction, identity, [])),
    changeIdentity: (shown, next, reason, atMicros) =>
      write(async (transaction) => {
        const records = await readRecords(transaction)
        const stored = parseIdentity(records.identity)
        if (stored !== undefined && stored.identity.nodeId !== shown) return stored
        const isLost = stored === undefined && isThere(records)
        const former = isLost ? parseIds(records.ids) : [...(stored?.former ?? []), ...(shown === undefined ? [] : [shown])]
        for (const nodeId of isLost ? former : former.slice(-1)) await retire(transaction, nodeId, { type: 'retired', reason, atMicros })
        return putIdentity(transaction, next, former)
      }),
  }
}

/** Key, first record and former ids, in one transaction: identity and events live and die together. The ids stand alone too, for a key that cannot be read. */
const putIdentity = async (transaction: Transaction, identity: Identity, former: readonly NodeId[]): Promise<StoredIdentity> => {
  const stored: StoredIdentity = { identity, former }
  const record = await readRecord(transaction, streamIdOf(identity.nodeId, 0))
  transaction.put('meta', 'identity', stored)
  transaction.put('meta', 'ids', [...former, identity.nodeId])
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

/** What lies in `meta`. */
interface Records {
  readonly identity: unknown
  readonly ids: unknown
}

const readRecords = async (transaction: Transaction): Promise<Records> => {
  const [identity, ids] = await Promise.all([transaction.get('meta', 'identity'), transaction.get('meta', 'ids')])
  return { identity, ids }
}

const isThere = ({ identity, ids }: Records): boolean => identity !== undefined || ids !== undefined

/** @throws StoreError `STORE-UNREADABLE` where there is one that is not what was written, or that only its ids are left of */
const storedIdentity = (records: Records): StoredIdentity | undefined => {
  const stored = parseIdentity(records.identity)
  if (stored === undefined && isThere(records)) throw unreadable('the identity of this node')
  return stored
}

/** `undefined` for anything else. */
export const parseIdentity = (value: unknown): StoredIdentity | undefined => {
  if (typeof value !== 'object' || value === null) return undefined
  const { identity, former } = value as Partial<Record<keyof StoredIdentity, unknown>>
  if (typeof identity !== 'object' || identity === null || !Array.isArray(former)) return undefined
  const { nodeId, publicKey, privateKey } = identity as Partial<Record<keyof Identity, unknown>>
  const isOwn = publicKey instanceof Uint8Array && publicKey.length === 32 && publicKeyToNodeId(publicKey) === nodeId
  return isOwn && typeof privateKey === 'object' && privateKey !== null ? (value as StoredIdentity) : undefined
}

const parseIds = (value: unknown): readonly NodeId[] =>
  Array.isArray(value) ? value.flatMap((id: unknown) => (typeof id === 'string' ? (parseNodeId(id) ?? []) : [])) : []
