import type { Offset, StreamId } from '../core/ids.ts'
import type { EventStore, HeldHead } from './event-store.ts'
import { newStream, parseStoredStream, shownFrom, type StoredStream } from './records.ts'
import { headOf, tailOf } from './tail.ts'
import { keysOf, readAtOnce, type Entry, type Key, type Tables, type Transaction } from './tables.ts'

/** A head with what it was computed from: records of a tail are only ever added, unless the revision rises. */
interface Known {
  readonly revision: number
  readonly offsets: readonly Offset[]
  readonly head: HeldHead
}

type Heads = ReadonlyMap<StreamId, Known>

/**
 * Reads the heads of all streams: two range reads, and the tails of those streams alone that are not as they were at the last call.
 * Which those are is guessed (the ones that had changed at the last call), and where the guess was wrong everything is read again with them.
 * `forget`: a stream's records are not what they were, though their keys are.
 */
export const createHeads = (tables: Tables): { readonly heads: EventStore['heads']; readonly forget: (stream: StreamId) => void } => {
  let known: Heads = new Map()
  let changing: readonly StreamId[] = []
  const heads = async () => {
    const before = known
    let asked = changing
    for (;;) {
      const { heads, missing } = headsOf(await readAtOnce(tables, ['streams', 'tail'], (transaction) => readParts(transaction, asked)), before)
      asked = [...new Set([...asked, ...missing])]
      if (missing.length > 0) continue
      known = heads
      changing = asked.filter((stream) => before.get(stream) !== heads.get(stream))
      return new Map([...heads].map(([stream, { head }]) => [stream, head] as const).filter(([, { next, start }]) => next > start))
    }
  }
  const forget = (stream: StreamId): void => {
    const rest = new Map(known)
    if (rest.delete(stream)) known = rest
  }
  return { heads, forget }
}

interface Parts {
  readonly records: readonly Entry[]
  readonly keys: readonly Key[]
  readonly tails: ReadonlyMap<StreamId, readonly unknown[]>
}

const readParts = async (transaction: Transaction, streams: readonly StreamId[]): Promise<Parts> => {
  const [names, values, keys, tails] = await Promise.all([
    transaction.keys('streams'),
    transaction.values('streams'),
    transaction.keys('tail'),
    Promise.all(streams.map((stream) => transaction.values('tail', keysOf(stream)))),
  ])
  return { records: names.map((name, at) => [name, values[at]]), keys, tails: new Map(streams.map((stream, at) => [stream, tails[at] ?? []])) }
}

/** @returns `missing`: streams whose tail has to be read, too */
const headsOf = ({ records, keys, tails }: Parts, known: Heads): { readonly heads: Heads; readonly missing: readonly StreamId[] } => {
  const offsets = offsetsByStream(keys)
  const streams = new Map<StreamId, StoredStream>([...offsets.keys()].map((stream) => [stream, newStream(stream)]))
  for (const [key, value] of records) streams.set(key as StreamId, parseStoredStream(key as StreamId, value))
  const heads = new Map<StreamId, Known>()
  const missing: StreamId[] = []
  for (const [stream, record] of streams) {
    const now = offsets.get(stream) ?? []
    const before = known.get(stream)
    const tail = now.length === 0 ? [] : tails.get(stream)
    if (before !== undefined && before.revision === record.revision && sameOffsets(before.offsets, now)) heads.set(stream, before)
    else if (tail === undefined) missing.push(stream)
    else heads.set(stream, { revision: record.revision, offsets: now, head: { ...headOf(tailOf(record, tail)), start: shownFrom(record), openFirst: record.openFirst, ended: record.standing?.type === 'forked' } })
  }
  return { heads, missing }
}

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
