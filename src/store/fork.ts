import type { Offset, StreamId } from '../core/ids.ts'
import { entriesOf } from '../stream/summary.ts'
import { NO_PLACE, type ForkChange } from './event-store.ts'
import { keepClock, setAside } from './lower.ts'
import { newStream, packAppend, packSegment, type StoredStream } from './records.ts'
import { putSummaries } from './summary-pages.ts'
import { keysOf, onlyKey, type TableName, type Transaction } from './tables.ts'
import { readRecord, readTail } from './tail.ts'

export const forkTables: readonly TableName[] = ['streams', 'tail', 'segments', 'summaries', 'aside', 'meta']

/**
 * Ends a stream at a fork and begins its branches.
 * @returns whether it was done: not where the stream has another revision by now
 */
export const forkIn = async (transaction: Transaction, change: ForkChange): Promise<boolean> => {
  const { stream, removed, added, clockTo, atMicros } = change
  const { record, appends } = await readTail(transaction, stream)
  // An append to the open segment raises no revision.
  const hasMore = change.rest === undefined && !isEndedAt(record, change) && appends.some(({ first, events }) => first + events > change.end)
  if (record.revision !== change.revision || hasMore) return false
  await keepClock(transaction, clockTo)
  const why = { reason: NO_PLACE, atMicros }
  for (const branch of removed) {
    await setStreamAside(transaction, branch, why)
    transaction.delete('streams', onlyKey(branch))
  }
  const summaries = await endIn(transaction, record, change)
  const begun: Uint8Array[] = []
  for (const branch of added) {
    if (!(await makeRoom(transaction, branch.stream, change))) continue
    if (branch.closed !== undefined) {
      transaction.put('segments', [branch.stream, branch.closed.first], packSegment(branch.closed))
      begun.push(branch.closed.summary)
    } else transaction.put('tail', [branch.stream, branch.tail.first], packAppend({ ...branch.tail, joined: true }))
    const { first, events, headerId, lastLamport } = branch.closed ?? { ...change.segment, events: 0, headerId: change.segment.previous, lastLamport: change.segment.lamportBefore }
    putBranch(transaction, branch.stream, { openFirst: first + events, previous: headerId, lamportBefore: lastLamport, closedBytes: branch.closed?.deflated.length ?? 0 }, change)
  }
  const entries = [...summaries, ...begun]
  if (entries.length > 0) putSummaries(transaction, await transaction.last('summaries'), entries)
  return true
}

const isEndedAt = ({ standing }: StoredStream, { end }: ForkChange): boolean => standing?.type === 'forked' && standing.end === end

/** The stream as it is from now on; what it had beyond goes on as a branch. @returns the summaries of that, under its new name */
const endIn = async (transaction: Transaction, record: StoredStream, change: ForkChange): Promise<readonly Uint8Array[]> => {
  const { stream, end, chain, segment: { first, ...before }, kept, atMicros } = change
  const isEnded = isEndedAt(record, change)
  const { summaries, bytes } = isEnded ? { summaries: [], bytes: 0 } : await moveRest(transaction, record, change)
  if (kept !== undefined) transaction.put('tail', [stream, kept.first], packAppend({ ...kept, joined: true }))
  const changes = isEnded && record.standing?.type === 'forked' ? { standing: { ...record.standing, chain } } : { openFirst: first, ...before, standing: { type: 'forked', end, chain, atMicros } }
  transaction.put('streams', stream, { ...record, ...changes, closedBytes: Math.max(0, record.closedBytes - bytes), revision: record.revision + 1 })
  return summaries
}

interface Moved {
  readonly summaries: readonly Uint8Array[]
  /** Of closed segments. */
  readonly bytes: number
}

/**
 * Moves what the stream has from the segment of the fork on to `rest`, or to `aside` where that is there already. Where there is none, all is in the lines kept.
 * @returns its summaries, and how much it is
 */
const moveRest = async (transaction: Transaction, record: StoredStream, change: ForkChange): Promise<Moved> => {
  const { stream, segment: { first }, rest, atMicros } = change
  if (rest === undefined) transaction.delete('tail', keysOf(stream, first))
  if (rest === undefined || !(await makeRoom(transaction, rest, change))) {
    await setStreamAside(transaction, stream, { reason: 'forked', atMicros }, first)
    return { summaries: [], bytes: 0 }
  }
  const way = { from: stream, to: rest, first }
  const [pages, bytes] = await Promise.all([transaction.values('summaries'), move(transaction, 'segments', way), move(transaction, 'tail', way)])
  const standing = record.standing?.type === 'forked' ? record.standing : undefined
  putBranch(transaction, rest, { ...record, standing, closedBytes: bytes }, change)
  const entries = pages.flatMap((page) => (page instanceof Uint8Array ? [...entriesOf(page)] : []))
  return { summaries: entries.filter((entry) => entry.stream === stream && entry.first >= first).map((entry) => entry.renamed(rest)), bytes }
}

const move = async (transaction: Transaction, table: 'segments' | 'tail', { from, to, first }: { readonly from: StreamId; readonly to: StreamId; readonly first: Offset }): Promise<number> => {
  const range = keysOf(from, first)
  const [keys, values] = await Promise.all([transaction.keys(table, range), transaction.values(table, range)])
  keys.forEach((key, at) => transaction.put(table, [to, key instanceof Array ? (key[1] ?? 0) : 0], values[at]))
  transaction.delete(table, range)
  return values.reduce<number>((sum, value) => sum + (value instanceof Uint8Array ? value.length : 0), 0)
}

/** What lies in the way of a new branch goes aside. @returns whether there is none of that name */
const makeRoom = async (transaction: Transaction, branch: StreamId, { atMicros }: ForkChange): Promise<boolean> => {
  if ((await readRecord(transaction, branch)).branch !== undefined) return false
  await setStreamAside(transaction, branch, { reason: 'no record of its branch', atMicros })
  return true
}

const setStreamAside = async (transaction: Transaction, stream: StreamId, why: { readonly reason: string; readonly atMicros: number }, first: Offset = 0): Promise<void> => {
  await Promise.all((['tail', 'segments'] as const).map((table) => setAside(transaction, table, keysOf(stream, first), { stream, ...why })))
}

const putBranch = (transaction: Transaction, branch: StreamId, record: Partial<StoredStream> & Pick<StoredStream, 'openFirst' | 'previous' | 'lamportBefore'>, { revision, end, chain, segment }: ForkChange): void =>
  transaction.put('streams', branch, { ...newStream(branch), ...record, stream: branch, start: undefined, revision: revision + 1, branch: { fork: end, chain, ...segment } })
