/** A change that no strict transaction has flushed yet, with what was there before. */
type Change =
  | { readonly type: 'put'; readonly table: string; readonly key: IDBValidKey; before: unknown }
  | { readonly type: 'delete'; readonly table: string; before: readonly (readonly [IDBValidKey, unknown])[] }

declare global {
  /** Put there by `watchPower`: whether the power is out. */
  var powerIsOut: boolean | undefined
}

/** Name in `localStorage` of how many closed segments and tail records may wait for a flush before the power fails; absent: it never fails. */
export const powerLimit = 'test/power-limit'

/**
 * Runs in a page before the app (`addInitScript`): notes what a power cut would take back, by the durability of each transaction.
 * At the limit the power fails: the database takes nothing more, and what is lost is kept in a database of its own, `lost`.
 */
export const watchPower = (limitName: string): void => {
  const limit = Number(localStorage.getItem(limitName) ?? Infinity)
  const { transaction } = IDBDatabase.prototype
  const store = IDBObjectStore.prototype
  const { add, put, delete: remove, get, getAll, getAllKeys } = store
  const changesOf = new WeakMap<IDBTransaction, Change[]>()
  let waiting: { readonly completed: number; readonly changes: readonly Change[] }[] = []
  let now = 0
  let underWay = 0
  globalThis.powerIsOut = false

  const keep = (): void => {
    const opening = indexedDB.open('lost', 1)
    opening.onupgradeneeded = () => opening.result.createObjectStore('changes', { autoIncrement: true })
    opening.onsuccess = () => {
      const keeping = transaction.call(opening.result, 'changes', 'readwrite', { durability: 'strict' })
      for (const { changes } of waiting) for (const change of changes) add.call(keeping.objectStore('changes'), change)
      keeping.oncomplete = () => {
        globalThis.powerIsOut = true
      }
    }
  }
  const isOver = (): boolean => waiting.flatMap(({ changes }) => changes).filter(({ type, table }) => type === 'put' && (table === 'segments' || table === 'tail')).length >= limit
  let isFailing = false
  IDBDatabase.prototype.transaction = function (...parameters) {
    if (isFailing && this.name.startsWith('millpond-')) throw new DOMException('the power is out', 'InvalidStateError')
    const begun = Reflect.apply(transaction, this, parameters) as IDBTransaction
    if (begun.mode === 'readonly' || !this.name.startsWith('millpond-')) return begun
    const [began, changes]: [number, Change[]] = [++now, []]
    changesOf.set(begun, changes)
    underWay++
    begun.addEventListener('abort', () => underWay--)
    begun.addEventListener('complete', () => {
      underWay--
      if (changes.length === 0) return
      // A strict transaction flushes all that was complete when it began.
      if (begun.durability === 'strict') waiting = waiting.filter(({ completed }) => completed > began)
      else waiting.push({ completed: ++now, changes })
      if (isFailing || underWay > 0 || !isOver()) return
      isFailing = true
      keep()
    })
    return begun
  }
  /** What fails with its transaction is no error of the app. */
  const answer = <T>(request: IDBRequest<T>, heard: (result: T) => void): void => {
    request.onsuccess = () => heard(request.result)
    request.onerror = (event) => event.stopPropagation()
  }
  const notePut = (on: IDBObjectStore, key: IDBValidKey): void => {
    const change: Change = { type: 'put', table: on.name, key, before: undefined }
    changesOf.get(on.transaction)?.push(change)
    answer(get.call(on, key) as IDBRequest<unknown>, (before) => (change.before = before))
  }
  store.add = function (value, key) {
    if (key !== undefined) notePut(this, key)
    return Reflect.apply(add, this, key === undefined ? [value] : [value, key]) as IDBRequest<IDBValidKey>
  }
  store.put = function (value, key) {
    if (key !== undefined) notePut(this, key)
    return Reflect.apply(put, this, key === undefined ? [value] : [value, key]) as IDBRequest<IDBValidKey>
  }
  store.delete = function (range) {
    const change: Change = { type: 'delete', table: this.name, before: [] }
    changesOf.get(this.transaction)?.push(change)
    let keys: readonly IDBValidKey[] = []
    answer(getAllKeys.call(this, range) as IDBRequest<IDBValidKey[]>, (found) => (keys = found))
    answer(getAll.call(this, range) as IDBRequest<unknown[]>, (values) => (change.before = keys.map((key, at) => [key, values[at]] as const)))
    return Reflect.apply(remove, this, [range]) as IDBRequest<undefined>
  }
}

/** Runs in a page beside the app: takes back, newest first, what the power cut took. @returns the next offset of a stream on disk before and after */
export const loseThePower = async (stream: string): Promise<{ readonly before: number; readonly after: number }> => {
  const done = <T>(request: IDBRequest<T>): Promise<T> => new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
  const names = (await indexedDB.databases()).map(({ name }) => name ?? '')
  const [app, lost] = await Promise.all([done(indexedDB.open(names.find((name) => name.startsWith('millpond-')) ?? '')), done(indexedDB.open('lost'))])
  /** Packed records begin with their first offset and how many events they hold; those of the tail have one byte more before it. */
  const nextOf = async (table: 'segments' | 'tail', skip: number): Promise<number> => {
    const range = IDBKeyRange.bound([stream], [stream, []])
    const values = (await done(app.transaction(table).objectStore(table).getAll(range))) as readonly Uint8Array[]
    return Math.max(0, ...values.map((value) => {
      const view = new DataView(value.buffer, value.byteOffset + skip)
      return Number(view.getBigUint64(0)) + view.getUint32(8)
    }))
  }
  const next = async (): Promise<number> => Math.max(await nextOf('segments', 0), await nextOf('tail', 1))
  const before = await next()
  const changes = (await done(lost.transaction('changes').objectStore('changes').getAll())) as readonly Change[]
  const undoing = app.transaction([...app.objectStoreNames], 'readwrite', { durability: 'strict' })
  for (const change of changes.toReversed()) {
    const store = undoing.objectStore(change.table)
    if (change.type === 'delete') for (const [key, value] of change.before) store.put(value, key)
    else if (change.before === undefined) store.delete(change.key)
    else store.put(change.before, change.key)
  }
  await new Promise<void>((resolve, reject) => {
    undoing.oncomplete = () => resolve()
    undoing.onabort = () => reject(undoing.error ?? new Error('aborted'))
  })
  const after = await next()
  app.close()
  lost.close()
  return { before, after }
}
