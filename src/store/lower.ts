import type { Offset, StreamId } from '../core/ids.ts'
import { readClock } from './clock.ts'
import { asideId, beginningOf, unpackSegment, type StoredStream } from './records.ts'
import { readTail } from './tail.ts'
import { unreadableRecord, type Key, type KeyRange, type TableName, type Transaction } from './tables.ts'

export const loweringTables: readonly TableName[] = ['streams', 'tail', 'segments', 'aside', 'meta']

/** Why something was set aside. */
export interface Reason {
  readonly reason: string
  readonly atMicros: number
}

/**
 * Sets the head back to `first` or, where nothing begins there, to the nearest beginning before it. Appends of the tail from there on move to `aside`;
 * closed segments beyond stay where they are and no longer count.
 */
export const lowerIn = async (transaction: Transaction, stream: StreamId, first: Offset, why: Reason): Promise<void> => {
  const [{ record, appends }] = await Promise.all([readTail(transaction, stream), keepClock(transaction)])
  const kept = first < record.openFirst ? [] : appends.filter((append) => append.first + append.events <= first)
  const last = kept.at(-1)
  const from = last === undefined ? 0 : last.first + last.events
  await setAside(transaction, 'tail', { from: [stream, from], to: [stream, []] }, { stream, ...why })
  const open = first < record.openFirst ? await beginningAt(transaction, record, first) : {}
  transaction.put('streams', stream, { ...record, ...open, revision: record.revision + 1 })
}

/** The clock does not fall with the own head. */
export const keepClock = async (transaction: Transaction, atLeast = 0): Promise<void> => transaction.put('meta', 'clock', Math.max(atLeast, await readClock(transaction)))

type Beginning = Pick<StoredStream, 'openFirst' | 'previous' | 'lamportBefore'>

/** The nearest beginning of a segment at or before `first`, from the closed segment that ends there. */
const beginningAt = async (transaction: Transaction, record: StoredStream, first: Offset): Promise<Beginning> => {
  const start = beginningOf(record)
  if (first <= start.openFirst) return start
  const { stream } = record
  const entry = await transaction.last('segments', { from: [stream, start.openFirst], to: [stream, first] })
  if (entry === undefined) return start
  const segment = unpackSegment(entry[1])
  if (segment === undefined) return beginningAt(transaction, record, offsetOf(entry[0]))
  const end = segment.first + segment.events
  return end > first ? beginningAt(transaction, record, segment.first) : { openFirst: end, previous: segment.headerId, lamportBefore: segment.lastLamport }
}

const offsetOf = (key: Key): Offset => (key instanceof Array && typeof key[1] === 'number' ? key[1] : 0)

/** Moves records to `aside`, kind `tail` or `segment`, with the reason. Equal records get one place. */
export const setAside = async (transaction: Transaction, table: 'tail' | 'segments', range: KeyRange, why: Reason & { readonly stream: StreamId }): Promise<void> => {
  const [keys, values] = await Promise.all([transaction.keys(table, range), transaction.values(table, range)])
  for (const [at, key] of keys.entries()) {
    const value = values[at]
    const first = offsetOf(key)
    transaction.put('aside', [table === 'tail' ? 'tail' : 'segment', asideId(why.stream, first, value)], { ...why, first, record: value === unreadableRecord ? undefined : value })
  }
  if (keys.length > 0) transaction.delete(table, range)
}
