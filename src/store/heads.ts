import type { Offset, StreamId } from '../core/ids.ts'
import type { Head } from './event-store.ts'
import { newStream, parseStoredStream, type StoredStream } from './records.ts'
import { headOf, tailOf } from './tail.ts'
import { keysOf, type Key, type Tables, type Transaction } from './tables.ts'

/** A head with what it was computed from: records of a tail are only ever added, unless the revision rises. */
interface Known {
  readonly revision: number
  readonly offsets: readonly Offset[]
  readonly head: Head
  /** First offset that may be held. */
  readonly start: Offset
}

/** Reads the heads of all streams: two range reads, and the tails of those streams alone that are not as they were at the last call. */
export const createHeads = (tables: Tables): (() => Promise<ReadonlyMap<StreamId, Head>>) => {
  let known: ReadonlyMap<StreamId, Known> = new Map()
  return async () => {
    known = await tables.run({ tables: ['streams', 'tail'], mode: 'readonly', durability: 'relaxed' }, (transaction) => readHeads(transaction, known))
    return new Map([...known].filter(([, { head, start }]) => head.next > start).map(([stream, { head }]) => [stream, head]))
  }
}

const readHeads = async (transaction: Transaction, known: ReadonlyMap<StreamId, Known>): Promise<ReadonlyMap<StreamId, Known>> => {
  const [values, keys] = await Promise.all([transaction.values('streams'), transaction.keys('tail')])
  const offsets = offsetsByStream(keys)
  const records = new Map([...offsets.keys()].map((stream) => [stream, newStream(stream)]))
  for (const record of values.map(parseStoredStream)) records.set(record.stream, record)
  const heads = [...records.values()].map(async (record) => {
    const now = offsets.get(record.stream) ?? []
    const before = known.get(record.stream)
    const same = before !== undefined && before.revision === record.revision && sameOffsets(before.offsets, now)
    return [record.stream, same ? before : { revision: record.revision, offsets: now, head: await readHead(transaction, record, now), start: record.start?.offset ?? 0 }] as const
  })
  return new Map(await Promise.all(heads))
}

const readHead = async (transaction: Transaction, record: StoredStream, offsets: readonly Offset[]): Promise<Head> =>
  headOf(tailOf(record, offsets.length === 0 ? [] : await transaction.values('tail', keysOf(record.stream))))

const offsetsByStream = (keys: readonly Key[]): ReadonlyMap<StreamId, readonly Offset[]> => {
  const offsets = new Map<StreamId, Offset[]>()
  for (const key of keys) {
    const [stream, offset] = key instanceof Array ? key : []
    if (typeof stream !== 'string' || typeof offset !== 'number') continue
    const list = offsets.get(stream as StreamId)
    if (list === undefined) offsets.set(stream as StreamId, [offset])
    else list.push(offset)
  }
  return offsets
}

const sameOffsets = (a: readonly Offset[], b: readonly Offset[]): boolean => a.length === b.length && a.every((offset, at) => offset === b[at])
