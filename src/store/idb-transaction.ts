import { StoreError } from './errors.ts'
import { KeyTaken, unreadableRecord, type Entry, type Key, type KeyRange, type TableName, type Transaction } from './tables.ts'

/**
 * Does the work in the transaction and resolves when it has ended: with `complete`, or with `abort`, in which every failure of a request ends and a failure
 * at commit, as when the disk is full, arrives alone. A check in `work` runs in the callback of its answer, and so does the `commit` after the last one; before that nothing is sure.
 */
export const carryOut = async <T>(raw: IDBTransaction, work: (transaction: Transaction) => Promise<T>, pace: 'atOnce' | 'stepwise' = 'atOnce'): Promise<T> => {
  const transaction = new IdbTransaction(raw)
  // `commit` then comes after the work alone.
  const given: Transaction = pace === 'stepwise' ? { ...transaction, commit: () => undefined } : transaction
  let outcome: { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: unknown }
  try {
    outcome = { ok: true, value: await work(given) }
    transaction.commit()
  } catch (error) {
    outcome = { ok: false, error }
    transaction.abort()
  }
  const failure = await transaction.ended
  if (!outcome.ok && !isDomError(outcome.error, 'AbortError')) throw outcome.error
  if (failure !== undefined) throw failure
  if (!outcome.ok) throw outcome.error
  return outcome.value
}

/** Among what was asked for is a record that cannot be read; to go around it takes more requests, and `commit` was called: nothing was read. */
export class Stumbled extends Error {
  override readonly name = 'Stumbled'
}

/**
 * After `commit()` Firefox completes also a transaction of which a request then fails, and keeps the rest of it (seen in version 153): a key that was taken, a full disk.
 * Where pages are not frozen nothing is gained by an early end, and without `commit()` every failure aborts, in all browsers.
 */
const commitsEarly = !('document' in globalThis) || 'onfreeze' in globalThis.document

class IdbTransaction implements Transaction {
  readonly #raw: IDBTransaction
  #isOver = false
  #isGivenUp = false
  #taken: Key | undefined
  /** Why it was not stored; `undefined`: it was, or it was given up here. */
  readonly ended: Promise<Error | undefined>

  constructor(raw: IDBTransaction) {
    this.#raw = raw
    this.ended = new Promise((resolve) => {
      raw.addEventListener('complete', () => resolve(this.#taken === undefined ? undefined : new KeyTaken(this.#taken)))
      raw.addEventListener('abort', () => resolve(this.#isGivenUp ? undefined : this.#failure(raw.error)))
    })
  }

  readonly get = (table: TableName, key: Key): Promise<unknown> =>
    this.#answer(this.#raw.objectStore(table).get(idbKey(key)), () => unreadableRecord)

  readonly values = (table: TableName, range?: KeyRange): Promise<readonly unknown[]> =>
    this.#answer(this.#raw.objectStore(table).getAll(idbRange(range)), async () => {
      if (this.#isOver) throw new Stumbled()
      return Promise.all((await this.keys(table, range)).map((key) => this.get(table, key)))
    })

  readonly keys = async (table: TableName, range?: KeyRange): Promise<readonly Key[]> =>
    (await this.#answer(this.#raw.objectStore(table).getAllKeys(idbRange(range)))).map(keyOf)

  readonly last = async (table: TableName, range?: KeyRange): Promise<Entry | undefined> => {
    const cursor = await this.#answer(this.#raw.objectStore(table).openCursor(idbRange(range), 'prev'), async (): Promise<Entry | null> => {
      if (this.#isOver) throw new Stumbled()
      const key = (await this.keys(table, range)).at(-1)
      return key === undefined ? null : [key, await this.get(table, key)]
    })
    if (cursor === null) return undefined
    return cursor instanceof IDBCursor ? [keyOf(cursor.key), cursor.value] : cursor
  }

  readonly put = (table: TableName, key: Key, value: unknown): void => {
    this.#raw.objectStore(table).put(exactly(value), idbKey(key))
  }

  readonly add = (table: TableName, key: Key, value: unknown): void => {
    const request = this.#raw.objectStore(table).add(exactly(value), idbKey(key))
    request.addEventListener('error', () => {
      if (request.error?.name === 'ConstraintError') this.#taken ??= key
    })
  }

  readonly delete = (table: TableName, range: KeyRange): void => {
    this.#raw.objectStore(table).delete(idbRange(range))
  }

  readonly abort = (): void => {
    if (this.#isOver) return
    this.#isOver = true
    this.#unlessEnded(() => {
      this.#raw.abort()
      this.#isGivenUp = true
    })
  }

  readonly commit = (): void => {
    if (this.#isOver) return
    this.#isOver = true
    if (commitsEarly) this.#unlessEnded(() => this.#raw.commit())
  }

  /** A transaction that has failed ends by itself before we say so; `ended` then tells why. */
  #unlessEnded(call: () => void): void {
    try {
      call()
    } catch (error) {
      if (!isDomError(error, 'InvalidStateError')) throw error
    }
  }

  /** The answer, in the callback of its request. Where a record cannot be read, `instead` is asked and the transaction goes on. */
  #answer<T, Instead = never>(request: IDBRequest<T>, instead?: () => Instead | Promise<Instead>): Promise<T | Instead> {
    return new Promise((resolve, reject) => {
      request.addEventListener('success', () => resolve(request.result))
      request.addEventListener('error', (event) => {
        if (instead === undefined || isDomError(request.error, 'AbortError')) return reject(request.error)
        event.preventDefault()
        event.stopPropagation()
        resolve(instead())
      })
    })
  }

  #failure(cause: DOMException | null): Error {
    if (this.#taken !== undefined) return new KeyTaken(this.#taken)
    switch (cause?.name) {
      case 'QuotaExceededError':
        return new StoreError('STORE-QUOTA', 'there is no room left on this device; free some', { cause })
      // Aborted by nobody here: the connection broke, and whether it was stored is not known.
      case undefined:
      case 'AbortError':
      case 'UnknownError':
      case 'InvalidStateError':
        return new StoreError('STORE-LOST', 'the transaction was broken off; read the heads before trying again', { cause })
      default:
        return new StoreError('STORE-FAILED', `the transaction failed: ${cause?.message}`, { cause })
    }
  }
}

const isDomError = (error: unknown, name: string): boolean => error instanceof DOMException && error.name === name

const idbKey = (key: Key): IDBValidKey => (key instanceof Array ? key.map(idbKey) : key)

const keyOf = (key: IDBValidKey): Key => key as Key

const idbRange = (range: KeyRange | undefined): IDBKeyRange =>
  range === undefined ? IDBKeyRange.lowerBound(Number.NEGATIVE_INFINITY) : IDBKeyRange.bound(idbKey(range.from), idbKey(range.to), false, true)

/** The value without the rest of the buffers that its bytes are parts of: cloning a part would store the whole. */
const exactly = (value: unknown): unknown => {
  if (value instanceof Uint8Array) return value.byteLength === value.buffer.byteLength ? value : Uint8Array.from(value)
  if (value instanceof Array) return value.map(exactly)
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, exactly(item)]))
}
