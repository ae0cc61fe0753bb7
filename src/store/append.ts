import { assert } from '../core/assert.ts'
import { equalBytes } from '../core/bytes.ts'
import type { Lamport, Offset, StreamId } from '../core/ids.ts'
import type { AppendResult, ClosedSegment, StreamAppend } from './event-store.ts'
import { asideId, headerOf, numberOf, packAppend, packSegment, parseStoredStream, unpackSegment, type StoredStream } from './records.ts'
import { putSummaries } from './summary-pages.ts'
import { keysOf, type Key, type TableName, type Transaction } from './tables.ts'

export interface AppendRules {
  readonly own: boolean
  /** Overtaken where the clock has reached this; `undefined`: never. */
  readonly overtakenFrom: Lamport | undefined
  /** The clock becomes at least this; `undefined`: its record is not written. */
  readonly clockTo: Lamport | undefined
  /** The transaction is given up, to be repeated strict, where it would leave the clock here or above; `undefined`: it is strict. */
  readonly strictFrom: Lamport | undefined
}

/** `again`: nothing was stored, and it has to be strict. */
export type AppendOutcome = AppendResult | { readonly type: 'again' }

/** A transaction with a record above this is strict: a later strict one would not flush it. */
export const strictRecordBytes = 60 * 1024

export const tablesOf = (appends: readonly StreamAppend[]): readonly TableName[] =>
  appends.some((append) => append.closed.length > 0) ? ['streams', 'meta', 'tail', 'segments', 'summaries', 'aside'] : ['streams', 'meta', 'tail']

const isLarge = (record: unknown): boolean => record instanceof Uint8Array && record.length > strictRecordBytes

/** Whether one of its records is too large to be relaxed. */
export const hasLargeRecord = (appends: readonly StreamAppend[]): boolean =>
  appends.some(({ closed, tail }) => (tail?.lines.length ?? 0) > strictRecordBytes || closed.some((segment) => segment.deflated.length > strictRecordBytes))

/** A compare-and-set of several streams: all reads and the `add` are queued at once, the first check that does not hold aborts. */
export const appendIn = async (transaction: Transaction, appends: readonly StreamAppend[], rules: AppendRules): Promise<AppendOutcome> => {
  const closes = appends.some((append) => append.closed.length > 0)
  const [clock, page, found] = await Promise.all([
    transaction.get('meta', 'clock'),
    closes ? transaction.last('summaries') : undefined,
    Promise.all(appends.map((append) => queueAppend(transaction, append))),
  ])
  const refusal = found.map((each) => refusalOf(each, rules)).find((result) => result !== undefined) ?? clockRefusalOf(clock, rules)
  if (refusal !== undefined) {
    transaction.abort()
    return refusal
  }
  if (rules.strictFrom !== undefined && found.some(({ left }) => left.some(isLarge))) {
    transaction.abort()
    return { type: 'again' }
  }
  const further: StreamId[] = []
  for (const each of found) if ((await putChanges(transaction, each)) === 'further') further.push(each.append.stream)
  if (closes) putSummaries(transaction, page, appends.flatMap((append) => append.closed.map((segment) => segment.summary)))
  const recorded = Math.max(numberOf(clock), rules.clockTo ?? 0)
  if (rules.clockTo !== undefined) transaction.put('meta', 'clock', recorded)
  return { type: 'stored', clock: recorded, ...(further.length > 0 && { further }) }
}

interface Found {
  readonly append: StreamAppend
  readonly record: StoredStream
  /** An append that came between, where this one closes a segment. */
  readonly later: Key | undefined
  /** Closed segments from the open segment's first offset up to and with the new one: left beyond a hole. */
  readonly left: readonly unknown[]
}

/** Queues what can be queued before anything is known. */
const queueAppend = async (transaction: Transaction, append: StreamAppend): Promise<Found> => {
  assertContiguous(append)
  const { stream, closed, tail, next } = append
  const first = closed[0]
  const reads = Promise.all([
    transaction.get('streams', stream),
    first && transaction.keys('tail', keysOf(stream, next)),
    first && transaction.values('segments', { from: [stream, first.first], to: [stream, endOf(append) + 1] }),
  ])
  if (first !== undefined) {
    transaction.delete('tail', keysOf(stream))
    transaction.delete('segments', { from: [stream, first.first], to: [stream, endOf(append)] })
  }
  for (const segment of closed) transaction.put('segments', [stream, segment.first], packSegment(segment))
  if (tail !== undefined) transaction.add('tail', [stream, tail.first], packAppend({ ...tail, joined: false }))
  const [value, later, left] = await reads
  return { append, record: parseStoredStream(stream, value), later: later?.[0], left: left ?? [] }
}

/** Offset after the last closed segment. */
const endOf = ({ closed, next }: StreamAppend): Offset => {
  const last = closed.at(-1)
  return last === undefined ? next : last.first + last.events
}

const assertContiguous = ({ closed, tail, next, stream }: StreamAppend): void => {
  let end = closed[0]?.first ?? next
  for (const segment of closed) {
    assert(segment.first === end && segment.events > 0, `closed segments of ${stream} follow each other`)
    end += segment.events
  }
  assert(closed.length > 0 || tail !== undefined, `an append to ${stream} adds something`)
  assert(tail === undefined || (tail.first === end && tail.events > 0), `the tail of ${stream} begins where the closed segments end`)
}

const refusalOf = ({ append, record, later }: Found, { own }: AppendRules): AppendOutcome | undefined => {
  const { standing } = record
  const isBeyond = standing?.type === 'forked' && (append.tail !== undefined || endOf(append) > standing.end)
  const fits = record.revision === append.revision && later === undefined && !isBeyond && !(own && standing !== undefined)
  return fits ? undefined : { type: 'stale', stream: append.stream }
}

const clockRefusalOf = (value: unknown, { overtakenFrom, clockTo, strictFrom }: AppendRules): AppendOutcome | undefined => {
  const clock = numberOf(value)
  if (overtakenFrom !== undefined && clock >= overtakenFrom) return { type: 'overtaken', clock }
  return strictFrom !== undefined && Math.max(clock, clockTo ?? 0) >= strictFrom ? { type: 'again' } : undefined
}

/** The stream's record, where it changes, and what lay in the way of its new segments. `further`: what was left beyond a hole counts again. */
const putChanges = async (transaction: Transaction, { append, record, left }: Found): Promise<'further' | undefined> => {
  const { stream, closed, tail } = append
  const last = closed.at(-1)
  if (last === undefined) return undefined
  const end = endOf(append)
  setAsideLeft(transaction, stream, closed, left, end)
  const closing = { openFirst: end, previous: last.headerId, lamportBefore: last.lastLamport }
  const closedBytes = record.closedBytes + closed.reduce((sum, { deflated }) => sum + deflated.length, 0)
  const reachesLeft = tail === undefined && left.some((value) => unpackSegment(value)?.first === end)
  const counted = reachesLeft ? await countAgain(transaction, stream, closing) : closing
  transaction.put('streams', stream, { ...record, ...counted, closedBytes, revision: record.revision + 1 })
  return counted === closing ? undefined : 'further'
}

/** What lay where the new segments lie is kept, unless it is the same. */
const setAsideLeft = (transaction: Transaction, stream: StreamId, closed: readonly ClosedSegment[], left: readonly unknown[], end: Offset): void => {
  const written = new Map(closed.map((segment) => [segment.first, segment]))
  for (const value of left) {
    const old = unpackSegment(value)
    if (old === undefined || old.first >= end) continue
    const over = written.get(old.first)
    if (over !== undefined && equalBytes(over.headerId, old.headerId)) continue
    transaction.put('aside', ['segment', asideId(stream, old.first, value)], { stream, first: old.first, reason: 'overwritten', record: value })
  }
}

type Closing = Pick<StoredStream, 'openFirst' | 'previous' | 'lamportBefore'>

/** Closed segments that were left beyond a hole count again where the chain reaches them. */
const countAgain = async (transaction: Transaction, stream: StreamId, closing: Closing): Promise<Closing> => {
  const value = await transaction.get('segments', [stream, closing.openFirst])
  if (value === undefined) return closing
  const segment = unpackSegment(value)
  const previous = segment && headerOf(segment.sealed)?.previous
  if (segment === undefined || previous === undefined || !equalBytes(previous, closing.previous)) return closing
  return countAgain(transaction, stream, { openFirst: segment.first + segment.events, previous: segment.headerId, lamportBefore: segment.lastLamport })
}

