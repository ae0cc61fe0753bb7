import { concatBytes, equalBytes } from '../core/bytes.ts'
import type { Offset, StreamId } from '../core/ids.ts'
import type { Head, StreamState } from './event-store.ts'
import { headerOf, packAppend, parseStoredStream, unpackAppend, type StoredAppend, type StoredStream } from './records.ts'
import { keysOf, type Transaction } from './tables.ts'

/** A stream's record with the unbroken run of appends that starts at its open segment's first offset. */
export interface Tail {
  readonly record: StoredStream
  readonly appends: readonly StoredAppend[]
  /** Whether records lie beyond the run: something between was lost, or cannot be used. */
  readonly hole: boolean
}

export const readRecord = async (transaction: Transaction, stream: StreamId): Promise<StoredStream> =>
  parseStoredStream(stream, await transaction.get('streams', stream))

/** Record and tail of a stream in one round. */
export const readTail = async (transaction: Transaction, stream: StreamId): Promise<Tail> => {
  const [record, values] = await Promise.all([readRecord(transaction, stream), transaction.values('tail', keysOf(stream))])
  return tailOf(record, values)
}

/** The run among the stream's records in `tail`, which are in key order. */
export const tailOf = (record: StoredStream, values: readonly unknown[]): Tail => {
  const appends: StoredAppend[] = []
  let bodyBytes = 0
  for (const value of values) {
    const append = unpackAppend(value)
    if (append === undefined || !continues(record, appends.at(-1), append, bodyBytes)) return { record, appends, hole: true }
    appends.push(append)
    bodyBytes += append.lines.length
  }
  return { record, appends, hole: false }
}

/** Whether `append` begins where the one before ends and its header fits the lines so far. */
const continues = (record: StoredStream, before: StoredAppend | undefined, append: StoredAppend, bodyBytes: number): boolean => {
  const next = before === undefined ? record.openFirst : before.first + before.events
  if (append.first !== next) return false
  const header = headerOf(append.sealed)
  return (
    header !== undefined && header.first === record.openFirst && header.first + header.events === append.first + append.events &&
    header.lastLamport === append.lastLamport && header.bodyBytes === bodyBytes + append.lines.length && equalBytes(header.previous, record.previous)
  )
}

export const headOf = ({ record, appends }: Tail): Head => {
  const last = appends.at(-1)
  return last === undefined
    ? { next: record.openFirst, lamport: record.lamportBefore, headerId: record.previous }
    : { next: last.first + last.events, lamport: last.lastLamport, headerId: last.headerId }
}

export const stateOf = (tail: Tail): StreamState => {
  const { record, appends, hole } = tail
  return {
    stream: record.stream,
    revision: record.revision,
    head: headOf(tail),
    open: {
      first: record.openFirst,
      previous: record.previous,
      lamportBefore: record.lamportBefore,
      body: bodyOf(appends),
      sealed: appends.at(-1)?.sealed,
    },
    start: record.start,
    branch: record.branch,
    standing: record.standing,
    ...(hole && { hole }),
  }
}

export const bodyOf = (appends: readonly StoredAppend[]): Uint8Array => concatBytes(appends.map((append) => append.lines))

/** Appends of the tail that are joined to one, where there are enough that are not. */
export const joinCountMin = 16
const joinedBytesMax = 48 * 1024

/**
 * Joins the appends to as few records as the bound allows, if 16 or more are not joined; in a transaction with `streams` and `tail`.
 * A joined record has the key of its first append, header and seal of its last.
 * @returns `left`: how many are not joined then
 */
export const joinIn = async (transaction: Transaction, stream: StreamId): Promise<{ readonly left: number; readonly joined: boolean }> => {
  const { record, appends, hole } = await readTail(transaction, stream)
  const single = appends.filter((append) => !append.joined).length
  if (single < joinCountMin || hole) return { left: single, joined: false }
  const groups = groupsOf(appends).filter((group) => group.length > 1)
  for (const group of groups) putJoined(transaction, stream, group)
  if (groups.length > 0) transaction.put('streams', stream, { ...record, revision: record.revision + 1 })
  return { left: appends.length - groups.reduce((sum, group) => sum + group.length, 0), joined: groups.length > 0 }
}

const groupsOf = (appends: readonly StoredAppend[]): readonly (readonly StoredAppend[])[] => {
  const groups: StoredAppend[][] = []
  let bytes = 0
  for (const append of appends) {
    bytes += append.lines.length
    const group = groups.at(-1)
    if (group !== undefined && bytes <= joinedBytesMax) group.push(append)
    else {
      groups.push([append])
      bytes = append.lines.length
    }
  }
  return groups
}

const putJoined = (transaction: Transaction, stream: StreamId, group: readonly StoredAppend[]): void => {
  const [first, last] = [group[0], group.at(-1)]
  if (first === undefined || last === undefined) return
  const next: Offset = last.first + last.events
  transaction.delete('tail', { from: [stream, first.first], to: [stream, next] })
  const joined: StoredAppend = { ...last, joined: true, first: first.first, events: next - first.first, lines: bodyOf(group) }
  transaction.put('tail', [stream, first.first], packAppend(joined))
}
