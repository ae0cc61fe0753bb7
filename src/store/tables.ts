/** The object stores of a database, all there since version 1. STORAGE.md says what lies in each. */
export const tableNames = ['streams', 'segments', 'tail', 'summaries', 'meta', 'aside', 'local', 'more'] as const

export type TableName = (typeof tableNames)[number]

/** Numbers sort before strings, strings before lists, lists item by item: the order of IndexedDB. */
export type Key = string | number | readonly Key[]

/** Keys from `from` (included) to `to` (excluded). */
export interface KeyRange {
  readonly from: Key
  readonly to: Key
}

export type Entry = readonly [key: Key, value: unknown]

/** Given in place of a record that is there and cannot be read. Reading it harms nothing else. */
export const unreadableRecord: unique symbol = Symbol('unreadable record')

/** `strict`: on disk when it resolves. `relaxed`: may be lost by a power cut until a later strict one with a write has resolved. */
export type Durability = 'strict' | 'relaxed'

export interface TransactionOptions {
  readonly tables: readonly TableName[]
  readonly mode: 'readonly' | 'readwrite'
  readonly durability: Durability
}

/**
 * One transaction. Every call queues a request at once; requests are carried out in the order queued.
 * Nothing but answers of this transaction may be awaited while it is open.
 */
export interface Transaction {
  readonly get: (table: TableName, key: Key) => Promise<unknown>
  /** In key order. Without a range: all. */
  readonly values: (table: TableName, range?: KeyRange) => Promise<readonly unknown[]>
  readonly keys: (table: TableName, range?: KeyRange) => Promise<readonly Key[]>
  /** The entry with the greatest key. */
  readonly last: (table: TableName, range?: KeyRange) => Promise<Entry | undefined>
  readonly put: (table: TableName, key: Key, value: unknown) => void
  /** Where the key is taken, the whole transaction fails with `KeyTaken`. */
  readonly add: (table: TableName, key: Key, value: unknown) => void
  readonly delete: (table: TableName, range: KeyRange) => void
  /** Nothing of this transaction shall be stored. What the work returns is still given. */
  readonly abort: () => void
  /** No request follows: lets it end without the page. Called by itself when the work has returned. */
  readonly commit: () => void
}

/** Ordered tables with transactions: what a browser's database gives, and no more. */
export interface Tables {
  /**
   * Runs `work` in one transaction and resolves when it has ended; by then it is durable if it was strict.
   * Where `work` throws, nothing is stored and the error is passed on.
   * @throws StoreError, KeyTaken
   */
  readonly run: <T>(options: TransactionOptions, work: (transaction: Transaction) => Promise<T>) => Promise<T>
  readonly onLost: (lost: (error: Error) => void) => () => void
  /** Waits for what is under way. */
  readonly close: () => Promise<void>
}

/**
 * Reads in one transaction that ends without the page: `work` queues all its requests at once, and `commit` follows in the same turn.
 * What a page that is frozen by then had still to ask for would keep it open, and block every writer of the profile.
 */
export const readAtOnce = <T>(disk: Tables, tables: readonly TableName[], work: (transaction: Transaction) => Promise<T>): Promise<T> =>
  disk.run({ tables, mode: 'readonly', durability: 'relaxed' }, (transaction) => {
    const answers = work(transaction)
    transaction.commit()
    return answers
  })

/** An `add` met a key that is there already; nothing was stored. */
export class KeyTaken extends Error {
  override readonly name = 'KeyTaken'
  readonly key: Key
  constructor(key: Key) {
    super(`the key ${JSON.stringify(key)} is taken`)
    this.key = key
  }
}

/** All keys `[first, …]`, or those from `[first, from]` on. */
export const keysOf = (first: string, from: Key = []): KeyRange =>
  ({ from: from instanceof Array && from.length === 0 ? [first] : [first, from], to: [first, []] })

/** Exactly one key. */
export const onlyKey = (key: string): KeyRange => ({ from: key, to: `${key}\0` })

/** All strings that begin with `prefix` (not empty, its last character not U+FFFF). */
export const keysWithPrefix = (prefix: string): KeyRange =>
  ({ from: prefix, to: prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1) })
