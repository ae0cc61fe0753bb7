import type { EventStore } from '../../src/store/event-store.ts'
import type { Tables, Transaction } from '../../src/store/tables.ts'

/** A planted fault for each rule of the contract: the suite must catch it there. */
export interface BrokenStore {
  readonly rule: string
  readonly fault: string
  readonly tables?: (tables: Tables) => Tables
  readonly store?: (store: EventStore) => EventStore
}

const changeTransactions = (change: (transaction: Transaction) => Partial<Transaction>) => (tables: Tables): Tables => ({
  ...tables,
  run: (options, work) => tables.run(options, (transaction) => work({ ...transaction, ...change(transaction) })),
})

const once = <T>(call: () => Promise<T>): (() => Promise<T>) => {
  let answer: Promise<T> | undefined
  return () => (answer ??= call())
}

export const brokenStores: readonly BrokenStore[] = [
  { rule: 'S1', fault: 'heads are read once and kept', store: (store) => ({ ...store, heads: once(store.heads) }) },
  {
    rule: 'S2',
    fault: 'a stale append is stored on whatever is there now',
    store: (store) => ({
      ...store,
      appendReplicated: async (appends, clockTo) => {
        const result = await store.appendReplicated(appends, clockTo)
        if (result.type !== 'stale') return result
        const states = await Promise.all(appends.map((append) => store.state(append.stream)))
        return store.appendReplicated(appends.map((append, at) => ({ ...append, revision: states[at]?.revision ?? 0, next: states[at]?.head.next ?? 0 })), clockTo)
      },
    }),
  },
  {
    rule: 'S3',
    fault: 'each stream is stored in a transaction of its own',
    store: (store) => ({
      ...store,
      appendReplicated: async (appends, clockTo) => {
        const results = await Promise.all(appends.map((append) => store.appendReplicated([append], clockTo)))
        return results.find(({ type }) => type !== 'stored') ?? results[0] ?? { type: 'stored', clock: clockTo }
      },
    }),
  },
  { rule: 'S4', fault: 'own appends are stored like those of others', store: (store) => ({ ...store, appendOwn: (append) => store.appendReplicated([append], 0) }) },
  { rule: 'S5', fault: 'an append is overtaken again and again', store: (store) => ({ ...store, appendOwn: (append, firstLamport) => store.appendOwn(append, firstLamport, true) }) },
  { rule: 'S6', fault: 'replicated appends do not move the clock', store: (store) => ({ ...store, appendReplicated: (appends) => store.appendReplicated(appends, 0) }) },
  {
    rule: 'S7',
    fault: 'appends are relaxed whatever the clock says',
    tables: (tables) => ({ ...tables, run: (options, work) => tables.run(options.tables.includes('tail') ? { ...options, durability: 'relaxed' } : options, work) }),
  },
  { rule: 'S8', fault: 'flush writes nothing', store: (store) => ({ ...store, flush: () => Promise.resolve() }) },
  {
    rule: 'S9',
    fault: 'the tail that a closing covers stays',
    tables: changeTransactions((transaction) => ({ delete: (table, range) => (table === 'tail' ? undefined : transaction.delete(table, range)) })),
  },
  { rule: 'S10', fault: 'tails are never joined', store: (store) => ({ ...store, joinTail: () => Promise.resolve(false) }) },
  {
    rule: 'S11',
    fault: 'a hole is not told',
    store: (store) => ({ ...store, state: async (stream) => (await store.state(stream).then((state) => state && { ...state, hole: undefined })) as Awaited<ReturnType<EventStore['state']>> }),
  },
  {
    rule: 'S12',
    fault: 'the head is taken for an offset that is held',
    store: (store) => ({ ...store, piece: async (stream, offset) => (await store.piece(stream, offset)) ?? store.piece(stream, offset - 1) }),
  },
  {
    rule: 'S13',
    fault: 'every page of summaries is the first one',
    tables: changeTransactions((transaction) => ({ put: (table, key, value) => transaction.put(table, table === 'summaries' ? 0 : key, value) })),
  },
  {
    rule: 'S14',
    fault: 'what is in the way is thrown away',
    tables: changeTransactions((transaction) => ({ put: (table, key, value) => (table === 'aside' ? undefined : transaction.put(table, key, value)) })),
  },
  {
    rule: 'S15',
    fault: 'a second identity replaces the first',
    store: (store) => ({
      ...store,
      createIdentity: async (identity) => {
        const stored = await store.identity()
        return stored === undefined ? store.createIdentity(identity) : store.changeIdentity(stored.identity.nodeId, identity, 'again', 0)
      },
    }),
  },
  {
    rule: 'S16',
    fault: 'the identity is changed whatever was shown',
    store: (store) => ({
      ...store,
      changeIdentity: async (shown, next, reason, atMicros) => store.changeIdentity((await store.identity())?.identity.nodeId ?? shown, next, reason, atMicros),
    }),
  },
  {
    rule: 'S17',
    fault: 'a retired stream is written on',
    store: (store) => ({
      ...store,
      appendOwn: async (append, firstLamport, overtakable) => {
        const state = await store.state(append.stream)
        return state?.standing === undefined ? store.appendOwn(append, firstLamport, overtakable) : store.appendReplicated([append], 0)
      },
    }),
  },
  { rule: 'S18', fault: 'what cannot be read is said not to be there', store: (store) => ({ ...store, piece: (stream, offset) => store.piece(stream, offset).catch(() => undefined) }) },
  { rule: 'S19', fault: 'the condition is not looked at', store: (store) => ({ ...store, putMeta: (name, value) => store.putMeta(name, value) }) },
  {
    rule: 'S20',
    fault: 'a range includes its end',
    store: (store) => ({ ...store, local: { ...store.local, range: (layer, from, to) => store.local.range(layer, from, `${to}\0`) } }),
  },
  {
    rule: 'S21',
    fault: 'close does not wait',
    store: (store) => ({
      ...store,
      appendOwn: async (append, ...rest) => {
        await new Promise((resolve) => setTimeout(resolve, 5))
        return store.appendOwn(append, ...rest)
      },
      close: () => Promise.resolve(),
    }),
  },
  {
    rule: 'S22',
    fault: 'a stale append is said to be stored',
    store: (store) => ({
      ...store,
      appendOwn: async (append, firstLamport, overtakable) => {
        const result = await store.appendOwn(append, firstLamport, overtakable)
        return result.type === 'stale' ? { type: 'stored', clock: firstLamport } : result
      },
    }),
  },
  {
    rule: 'S23',
    fault: 'an end is set whatever the stream has become',
    store: (store) => ({ ...store, fork: async (change) => store.fork({ ...change, revision: (await store.state(change.stream))?.revision ?? 0 }) }),
  },
  { rule: 'S24', fault: 'nobody is told that the connection broke', store: (store) => ({ ...store, onLost: () => () => undefined }) },
  {
    rule: 'S25',
    fault: 'what was put is given back itself',
    store: (store) => {
      const kept = new Map<string, unknown>()
      return {
        ...store,
        putMeta: (name, value, unless) => {
          kept.set(name, value)
          return store.putMeta(name, value, unless)
        },
        getMeta: (name) => Promise.resolve(kept.get(name)),
      }
    },
  },
  { rule: 'S26', fault: 'a branch without a place stays', store: (store) => ({ ...store, fork: (change) => store.fork({ ...change, removed: [] }) }) },
  {
    rule: 'S27',
    fault: 'streams whose name begins alike count as branches',
    store: (store) => ({ ...store, family: async (stream) => (await store.records()).filter((record) => record.stream.startsWith(stream)) }),
  },
  { rule: 'S28', fault: 'a stream that is held begins anew', store: (store) => ({ ...store, begin: (stream, start) => store.begin(stream, start).then(() => true) }) },
]
