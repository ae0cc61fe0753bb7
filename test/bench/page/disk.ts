import type { SwarmId } from '../../../src/core/ids.ts'
import { openIdbStore } from '../../../src/store/idb-event-store.ts'
import { databaseName } from '../../../src/store/idb-schema.ts'
import { decodeHeader } from '../../../src/stream/header.ts'

/** What a value takes, about: text as its characters, a number as eight bytes, a key that cannot be read as its size. */
const valueBytes = (value: unknown): number => {
  if (value instanceof Uint8Array) return value.byteLength
  if (typeof value === 'string') return value.length
  if (typeof value === 'number') return 8
  if (value instanceof CryptoKey) return 64
  if (Array.isArray(value)) return value.reduce((sum: number, item) => sum + valueBytes(item), 0)
  return typeof value === 'object' && value !== null ? Object.entries(value).reduce((sum, [name, item]) => sum + name.length + valueBytes(item), 0) : 1
}

/** In keys the browser stores two bytes for each character. */
const keyBytes = (key: IDBValidKey): number => (typeof key === 'string' ? 2 * key.length : Array.isArray(key) ? key.reduce((sum: number, item) => sum + keyBytes(item), 0) : 8)

const answer = <T>(request: IDBRequest<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error ?? new Error('not read'))
  })

/** All keys and values of a swarm's database, read back and added up. */
export const storedBytes = async (swarm: SwarmId): Promise<number> => {
  const database = await answer(indexedDB.open(databaseName(swarm)))
  let bytes = 0
  for (const name of database.objectStoreNames) {
    const store = database.transaction(name).objectStore(name)
    const [keys, values] = await Promise.all([answer(store.getAllKeys()), answer(store.getAll())])
    bytes += keys.reduce<number>((sum, key) => sum + keyBytes(key), 0) + values.reduce<number>((sum, value) => sum + valueBytes(value), 0)
  }
  database.close()
  return bytes
}

/** Bytes of all lines, which are JSON: said by the headers. */
export const lineBytes = async (swarm: SwarmId): Promise<number> => {
  const store = await openIdbStore(swarm)
  let bytes = 0
  for (const [stream, { start, next }] of await store.heads()) {
    for (let offset = start; offset < next; ) {
      const piece = await store.piece(stream, offset)
      const header = piece && decodeHeader(piece.sealed.header)
      if (piece === undefined || header?.ok !== true) throw new Error(`${stream} cannot be read at ${offset}`)
      bytes += header.value.bodyBytes
      offset = piece.first + header.value.events
    }
  }
  await store.close()
  return bytes
}

export const estimatedBytes = async (): Promise<number> => (await navigator.storage.estimate()).usage ?? 0

export const logBytes = async (): Promise<number> => (await (await fetch('/log.ndjson')).arrayBuffer()).byteLength
