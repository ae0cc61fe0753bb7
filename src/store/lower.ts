import type { Offset, StreamId } from '../core/ids.ts'
import { noHeaderId } from '../stream/header.ts'
import { readClock } from './clock.ts'
import type { ForkEnd } from './event-store.ts'
import { asideId, packAppend, unpackSegment, type StoredStream } from './records.ts'
import { readRecord, readTail } from './tail.ts'
import { keysOf, unreadableRecord, type Key, type KeyRange, type TableName, type Transaction } from './tables.ts'

export const loweringTables: readonly TableName[] = ['streams', 'tail', 'segments', 'aside', 'meta']

/** Why something was set aside. */
interface Reason {
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
const keepClock = async (transaction: Transaction): Promise<void> => transaction.put('meta', 'clock', await readClock(transaction))

type Beginning = Pick<StoredStream, 'openFirst' | 'previous' | 'lamportBefore'>

/** The nearest beginning of a segment at or before `first`, from the closed segment that ends there. */
const beginningAt = async (transaction: Transaction, record: StoredStream, first: Offset): Promise<Beginning> => {
  const start = { openFirst: record.start?.offset ?? 0, previous: record.start?.previous ?? noHeaderId, lamportBefore: record.start?.lamportBefore ?? 0 }
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
const setAside = async (transaction: Transaction, table: 'tail' | 'segments', range: KeyRange, why: Reason & { readonly stream: StreamId }): Promise<void> => {
  const [keys, values] = await Promise.all([transaction.keys(table, range), transaction.values(table, range)])
  for (const [at, key] of keys.entries()) {
    const value = values[at]
    const first = offsetOf(key)
    transaction.put('aside', [table === 'tail' ? 'tail' : 'segment', asideId(why.stream, first, value)], { ...why, first, record: value === unreadableRecord ? undefined : value })
  }
  if (keys.length > 0) transaction.delete(table, range)
}

/**
 * Ends a stream: its last segment is kept as far as `open` goes, what lay there or beyond moves to `aside`, the proof too.
 * @returns whether it was done: not where the stream has another revision by now
 */
export const endIn = async (transaction: Transaction, stream: StreamId, end: ForkEnd): Promise<boolean> => {
  const record = await readRecord(transaction, stream)
  if (record.revision !== end.revision) return false
  if (record.standing?.type === 'forked' && record.standing.end <= end.end) return true
  const why = { stream, reason: 'forked', atMicros: end.atMicros }
  await keepClock(transaction)
  await Promise.all([
    setAside(transaction, 'tail', keysOf(stream), why),
    setAside(transaction, 'segments', keysOf(stream, end.segmentFirst), why),
  ])
  if (end.open !== undefined) transaction.put('tail', [stream, end.open.first], packAppend({ ...end.open, joined: true }))
  transaction.put('aside', ['fork', `${stream}/${String(end.end).padStart(16, '0')}`], end.proof)
  transaction.put('streams', stream, {
    ...record,
    revision: record.revision + 1,
    openFirst: end.segmentFirst, previous: end.previous, lamportBefore: end.lamportBefore,
    standing: { type: 'forked', end: end.end, atMicros: end.atMicros },
  })
  return true
}
