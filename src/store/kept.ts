import { assert } from '../core/assert.ts'
import { strictRecordBytes } from './append.ts'
import type { StreamId } from '../core/ids.ts'
import type { EventStore, LocalBytes, SetAside, TailAppend } from './event-store.ts'
import { numberOf, unpackAppend, unpackSegment, unreadable } from './records.ts'
import { keysOf, keysWithPrefix, onlyKey, readAtOnce, unreadableRecord, type Durability, type Entry, type Key, type KeyRange, type TableName, type Tables, type Transaction } from './tables.ts'

type MetaPart = Pick<EventStore, 'getMeta' | 'putMeta' | 'listMeta' | 'deleteMeta' | 'incrementMeta' | 'putAside' | 'getAside' | 'deleteAside' | 'listAside' | 'setAsideAppends' | 'setAsideByForks'>

/** Names in `meta` that only the store itself writes. */
const ownNames: ReadonlySet<string> = new Set(['identity', 'ids', 'clock', 'flushed'])

/** Small values by name, and what was set aside. */
export const createMeta = (disk: Tables): MetaPart => {
  const writer = writerOf(disk)
  return {
    getMeta: (name) => readAtOnce(disk, ['meta'], async (transaction) => readable(name, await transaction.get('meta', name))),
    putMeta: (name, value, unless) =>
      writer('meta', 'relaxed', async (transaction) => {
        assertFree(name)
        const stands = unless === undefined || numberOf(await transaction.get('meta', unless.name)) <= unless.atMost
        if (stands) transaction.put('meta', name, value)
        return stands
      }),
    listMeta: async (prefix) => {
      const [keys, values] = await readAtOnce(disk, ['meta'], (transaction) => keysAndValues(transaction, 'meta', prefix === '' ? undefined : keysWithPrefix(prefix)))
      return keys.map((key, at) => [String(key), values[at]] as const).filter(([name, value]) => !ownNames.has(name) && value !== unreadableRecord)
    },
    deleteMeta: (name) =>
      writer('meta', 'relaxed', async (transaction) => {
        assertFree(name)
        transaction.delete('meta', onlyKey(name))
      }),
    incrementMeta: (name) =>
      writer('meta', 'strict', async (transaction) => {
        assertFree(name)
        const next = numberOf(await transaction.get('meta', name)) + 1
        transaction.put('meta', name, next)
        return next
      }),
    putAside: (kind, id, value) => writer('aside', 'strict', async (transaction) => transaction.put('aside', [kind, id], value)),
    getAside: (kind, id) => readAtOnce(disk, ['aside'], async (transaction) => readable(id, await transaction.get('aside', [kind, id]))),
    setAsideAppends: async (stream) => {
      const found = await readAtOnce(disk, ['aside'], (transaction) => transaction.values('aside', { from: ['tail', `${stream}/`], to: ['tail', `${stream}/~`] }))
      return found.flatMap(appendIn).sort((a, b) => a.first - b.first)
    },
    setAsideByForks: async () => {
      const kinds = ['tail', 'segment'] as const
      const found = await readAtOnce(disk, ['aside'], (transaction) => Promise.all(kinds.map((kind) => entries(transaction, 'aside', keysOf(kind)))))
      return found.flatMap((list, at) => list.flatMap(([key, value]) => forkedIn(kinds[at] ?? 'tail', secondOf(key), value)))
    },
    deleteAside: (kind, id) => writer('aside', 'relaxed', async (transaction) => transaction.delete('aside', { from: [kind, id], to: [kind, `${id}\0`] })),
    listAside: async (kind) =>
      (await readAtOnce(disk, ['aside'], (transaction) => entries(transaction, 'aside', keysOf(kind)))).map(([key, value]) => [secondOf(key), value] as const),
  }
}

/** Bytes of the layers above, under [layer, key]. */
export const createLocal = (disk: Tables): LocalBytes => {
  const writer = writerOf(disk)
  return {
    get: (layer, key) => readAtOnce(disk, ['local'], async (transaction) => bytesOf(key, await transaction.get('local', [layer, key]))),
    put: (layer, list) =>
      writer('local', list.some(([, bytes]) => bytes.length > strictRecordBytes) ? 'strict' : 'relaxed', async (transaction) => {
        for (const [key, bytes] of list) transaction.put('local', [layer, key], Uint8Array.from(bytes))
      }),
    delete: (layer, keys) =>
      writer('local', 'relaxed', async (transaction) => {
        for (const key of keys) transaction.delete('local', { from: [layer, key], to: [layer, `${key}\0`] })
      }),
    range: async (layer, from, to) => {
      if (from >= to) return []
      const found = await readAtOnce(disk, ['local'], (transaction) => entries(transaction, 'local', { from: [layer, from], to: [layer, to] }))
      return found.map(([key, value]) => [secondOf(key), bytesOf(secondOf(key), value) ?? new Uint8Array()] as const)
    },
  }
}

const writerOf =
  (disk: Tables) =>
  <T>(table: TableName, durability: Durability, work: (transaction: Transaction) => Promise<T>): Promise<T> =>
    disk.run({ tables: [table], mode: 'readwrite', durability }, work)

const keysAndValues = (transaction: Transaction, table: TableName, range: KeyRange | undefined) =>
  Promise.all([transaction.keys(table, range), transaction.values(table, range)])

const entries = async (transaction: Transaction, table: TableName, range: KeyRange | undefined): Promise<readonly Entry[]> => {
  const [keys, values] = await keysAndValues(transaction, table, range)
  return keys.map((key, at) => [key, readable(String(key), values[at])] as const)
}

const assertFree = (name: string): void => assert(!ownNames.has(name), `${name} in meta is the store's own`)

const readable = (name: string, value: unknown): unknown => {
  if (value === unreadableRecord) throw unreadable(`the record ${name}`)
  return value
}

const bytesOf = (key: string, value: unknown): Uint8Array | undefined => {
  if (value === undefined || value instanceof Uint8Array) return value
  throw unreadable(`the record ${key}`)
}

const secondOf = (key: Key): string => (key instanceof Array ? String(key[1]) : '')

const forkedIn = (kind: SetAside['kind'], id: string, value: unknown): readonly SetAside[] => {
  const { record, reason, stream } = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>
  if (reason !== 'forked' || typeof stream !== 'string') return []
  const [append, segment] = [kind === 'tail' ? unpackAppend(record) : undefined, kind === 'segment' ? unpackSegment(record) : undefined]
  const kept = append ?? segment
  return kept === undefined ? [] : [{ kind, id, stream: stream as StreamId, first: kept.first, sealed: kept.sealed, body: append?.lines ?? segment?.deflated ?? new Uint8Array(0) }]
}

/** What a fork has set aside stays there. */
const appendIn = (value: unknown): readonly TailAppend[] => {
  const { record, reason } = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>
  const append = reason === 'forked' ? undefined : unpackAppend(record)
  if (append === undefined) return []
  const { first, events, lastLamport, lines, sealed, headerId } = append
  return [{ first, events, lastLamport, lines, sealed, headerId }]
}
