import { StoreError } from './errors.ts'
import { KeyTaken, tableNames, unreadableRecord, type Durability, type Entry, type Key, type KeyRange, type TableName, type Tables, type Transaction, type TransactionOptions } from './tables.ts'

/** Chromium keeps records from here on in files of their own, which a later strict transaction does not flush. */
const ownFileBytes = 64 * 1024

/**
 * A disk that tests own: several stores (tabs) open it; it can lose power, be full and have bad places.
 * Transactions of all who opened it run one after the other.
 */
export interface MemoryDisk {
  /** Loses every relaxed write since the last strict one, and ends every store that is open on it (`STORE-LOST`). */
  readonly powerCut: () => void
  /** What a power cut would leave now, on a disk of its own; nothing happens to this one. */
  readonly afterPowerCut: () => MemoryDisk
  /** Breaks every connection that is open on it (`STORE-LOST`), as a browser does in the background; nothing is lost. */
  readonly disconnect: () => void
  /** Room for all records together; `undefined`: no bound. A transaction that would grow beyond it fails with `STORE-QUOTA`. */
  readonly setQuota: (bytes: number | undefined) => void
  readonly usedBytes: () => number
  /** This record cannot be read until it is written again. */
  readonly spoil: (table: TableName, key: Key) => void
  /** Removes a record behind everybody's back. */
  readonly remove: (table: TableName, key: Key) => void
  /** All records as they can be read, as of the last transaction that has ended. They are the disk's own: never change them. */
  readonly entries: (table: TableName) => readonly Entry[]
  /** Every transaction with a write that was stored, oldest first. */
  readonly transactions: () => readonly { readonly durability: Durability; readonly tables: readonly TableName[] }[]
  /** Opens it as one more tab. For `openMemoryStore`. */
  readonly open: () => Tables
}

interface Row {
  readonly key: Key
  readonly value: unknown
  readonly bytes: number
  spoiled: boolean
}

interface Change {
  readonly table: TableName
  readonly key: Key
  readonly before: Row | undefined
  readonly after: Row | undefined
}

export const createMemoryDisk = (): MemoryDisk => new Disk()

class Disk implements MemoryDisk {
  readonly #tables = new Map<TableName, Table>(tableNames.map((name) => [name, new Table()]))
  readonly #transactions: { readonly durability: Durability; readonly tables: readonly TableName[] }[] = []
  /** What a power cut takes back, oldest first. */
  #volatile: Change[] = []
  /** What the transaction under way has done so far. */
  readonly #underWay: Change[] = []
  #quotaBytes: number | undefined
  /** Raised when all connections end. */
  #life = 0
  readonly #listeners = new Set<(error: Error) => void>()
  #turn: Promise<unknown> = Promise.resolve()

  readonly setQuota = (bytes: number | undefined): void => {
    this.#quotaBytes = bytes
  }

  readonly usedBytes = (): number => [...this.#tables.values()].reduce((sum, table) => sum + table.bytes, 0)

  readonly powerCut = (): void => {
    this.#life++
    this.#listeners.clear()
    this.#undo(this.#underWay)
    this.#undo(this.#volatile)
  }

  readonly afterPowerCut = (): MemoryDisk => {
    const copy = new Disk()
    for (const [name, table] of this.#tables) copy.#table(name).takeFrom(table)
    copy.#undo([...this.#underWay])
    copy.#undo([...this.#volatile])
    for (const table of copy.#tables.values()) table.detach()
    return copy
  }

  readonly disconnect = (): void => {
    this.#life++
    const listeners = [...this.#listeners]
    this.#listeners.clear()
    for (const listener of listeners) listener(lostError())
  }

  readonly spoil = (name: TableName, key: Key): void => {
    const row = this.#table(name).get(key)
    if (row === undefined) throw new RangeError(`no record ${JSON.stringify(key)} in ${name}`)
    row.spoiled = true
  }

  readonly remove = (name: TableName, key: Key): void => this.#table(name).set(key, undefined)

  readonly entries = (name: TableName): readonly Entry[] => this.#committed(name).map((row) => [row.key, row.spoiled ? unreadableRecord : row.value] as const)

  readonly transactions = (): readonly { readonly durability: Durability; readonly tables: readonly TableName[] }[] => [...this.#transactions]

  readonly open = (): Tables => {
    const life = this.#life
    const listeners = new Set<(error: Error) => void>()
    let closed = false
    return {
      run: (options, work) => {
        if (closed) return Promise.reject(new StoreError('STORE-CLOSED', 'the store was closed; open it again'))
        return this.#inTurn(() => this.#run(life, options, work))
      },
      onLost: (lost) => {
        this.#listeners.add(lost)
        listeners.add(lost)
        return () => this.#listeners.delete(lost)
      },
      close: async () => {
        closed = true
        for (const lost of listeners) this.#listeners.delete(lost)
        await this.#inTurn(() => Promise.resolve())
      },
    }
  }

  /** Without what the transaction under way has done. */
  #committed(name: TableName): readonly Row[] {
    if (!this.#underWay.some(({ table }) => table === name)) return this.#table(name).range()
    const copy = new Table()
    copy.takeFrom(this.#table(name))
    for (const { table, key, before } of this.#underWay.toReversed()) if (table === name) copy.set(key, before)
    return copy.range()
  }

  #table(name: TableName): Table {
    const table = this.#tables.get(name)
    if (table === undefined) throw new RangeError(`no table ${name}`)
    return table
  }

  #inTurn<T>(call: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(call)
    this.#turn = result.then(() => undefined, () => undefined)
    return result
  }

  async #run<T>(life: number, options: TransactionOptions, work: (transaction: Transaction) => Promise<T>): Promise<T> {
    this.#assertAlive(life)
    const usedBefore = this.usedBytes()
    let aborted = false
    const transaction = this.#transaction(options, () => (aborted = true))
    try {
      const result = await work(transaction)
      this.#assertAlive(life)
      if (aborted) this.#undo(this.#underWay)
      else this.#store(options, usedBefore)
      return result
    } catch (error) {
      this.#undo(this.#underWay)
      throw error
    }
  }

  #transaction(options: TransactionOptions, abort: () => void): Transaction {
    let ended = false
    const open = (name: TableName): Table => {
      if (ended || !options.tables.includes(name)) throw new RangeError(`${name} is not part of this transaction, or it has ended`)
      return this.#table(name)
    }
    const change = (name: TableName, key: Key, after: Row | undefined): void => {
      if (options.mode === 'readonly') throw new RangeError('this transaction only reads')
      this.#underWay.push({ table: name, key, before: open(name).get(key), after })
      open(name).set(key, after)
    }
    const answer = <T>(read: () => T): Promise<T> => new Promise((resolve) => resolve(read()))
    const last = (rows: readonly Row[]): Entry | undefined => {
      const row = rows.at(-1)
      return row && [row.key, valueOf(row)]
    }
    return {
      get: (name, key) => answer(() => valueOf(open(name).get(key))),
      values: (name, range) => answer(() => open(name).range(range).map(valueOf)),
      keys: (name, range) => answer(() => open(name).range(range).map((row) => row.key)),
      last: (name, range) => answer(() => last(open(name).range(range))),
      put: (name, key, value) => change(name, key, rowOf(key, value)),
      add: (name, key, value) => {
        if (open(name).get(key) !== undefined) throw new KeyTaken(key)
        change(name, key, rowOf(key, value))
      },
      delete: (name, range) => open(name).range(range).forEach((row) => change(name, row.key, undefined)),
      abort,
      commit: () => (ended = true),
    }
  }

  #store(options: TransactionOptions, usedBefore: number): void {
    if (this.#underWay.length === 0) return
    const used = this.usedBytes()
    if (this.#quotaBytes !== undefined && used > this.#quotaBytes && used > usedBefore)
      throw new StoreError('STORE-QUOTA', `${used} bytes do not fit into ${this.#quotaBytes}; free some room on this device`)
    const changes = this.#underWay.splice(0)
    this.#transactions.push({ durability: options.durability, tables: options.tables })
    if (options.durability === 'relaxed') this.#volatile.push(...changes)
    else this.#volatile = this.#volatile.filter((change) => (change.after?.bytes ?? 0) >= ownFileBytes)
  }

  /** Takes changes back, the newest first, and empties the list. */
  #undo(changes: Change[]): void {
    for (const change of changes.splice(0).toReversed()) {
      const table = this.#table(change.table)
      // What was written over it since was flushed: that stays.
      if (table.get(change.key) === change.after) table.set(change.key, change.before)
    }
  }

  #assertAlive(life: number): void {
    if (life !== this.#life) throw lostError()
  }
}

const lostError = (): StoreError => new StoreError('STORE-LOST', 'the connection to the disk broke; open the store again')

/** Rows in key order. */
class Table {
  #rows: Row[] = []
  bytes = 0

  get(key: Key): Row | undefined {
    const row = this.#rows[this.#place(key)]
    return row !== undefined && compareKeys(row.key, key) === 0 ? row : undefined
  }

  set(key: Key, row: Row | undefined): void {
    const before = this.get(key)
    this.#rows.splice(this.#place(key), before === undefined ? 0 : 1, ...(row === undefined ? [] : [row]))
    this.bytes += (row?.bytes ?? 0) - (before?.bytes ?? 0)
  }

  takeFrom(other: Table): void {
    this.#rows = [...other.#rows]
    this.bytes = other.bytes
  }

  /** What becomes of its rows is no matter of those that it has them from. */
  detach(): void {
    this.#rows = this.#rows.map((row) => ({ ...row }))
  }

  range(range?: KeyRange): readonly Row[] {
    return range === undefined ? [...this.#rows] : this.#rows.slice(this.#place(range.from), this.#place(range.to))
  }

  /** Where the first key that is not below `key` is. */
  #place(key: Key): number {
    let low = 0
    let high = this.#rows.length
    while (low < high) {
      const middle = (low + high) >> 1
      const row = this.#rows[middle]
      if (row !== undefined && compareKeys(row.key, key) < 0) low = middle + 1
      else high = middle
    }
    return low
  }
}

const rowOf = (key: Key, value: unknown): Row => ({ key, value: copyOf(value), bytes: bytesOf(key) + bytesOf(value), spoiled: false })

const valueOf = (row: Row | undefined): unknown => (row?.spoiled === true ? unreadableRecord : copyOf(row?.value))

const kindOf = (key: Key): number => (typeof key === 'number' ? 0 : typeof key === 'string' ? 1 : 2)

const compareKeys = (a: Key, b: Key): number => {
  if (typeof a === 'number' && typeof b === 'number') return a - b
  if (typeof a === 'string' && typeof b === 'string') return a < b ? -1 : a > b ? 1 : 0
  if (typeof a !== 'object' || typeof b !== 'object') return kindOf(a) - kindOf(b)
  for (const [at, item] of a.entries()) {
    const other = b[at]
    const order = other === undefined ? 1 : compareKeys(item, other)
    if (order !== 0) return order
  }
  return a.length - b.length
}

const isPlain = (value: object): boolean => Object.getPrototypeOf(value) === Object.prototype || Object.getPrototypeOf(value) === null

/** As structured cloning does, but keys of WebCrypto and the like are kept by reference. */
const copyOf = (value: unknown): unknown => {
  if (typeof value === 'function' || typeof value === 'symbol') throw new StoreError('STORE-FAILED', `a ${typeof value} cannot be stored`)
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Uint8Array) return new Uint8Array(value)
  if (value instanceof Array) return value.map(copyOf)
  if (!isPlain(value)) return value
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, copyOf(item)]))
}

/** What a record takes up, roughly. */
const bytesOf = (value: unknown): number => {
  if (typeof value === 'string') return value.length
  if (value instanceof Uint8Array) return value.length
  if (typeof value !== 'object' || value === null) return 8
  return Object.entries(value).reduce((sum, [name, item]) => sum + name.length + bytesOf(item), 16)
}
