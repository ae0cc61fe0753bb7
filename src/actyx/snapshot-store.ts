import { compareEventKeys } from '../core/event-key.ts'
import { decodeUtf8, encodeUtf8 } from '../core/utf8.ts'
import type { Local } from '../node/node.ts'
import { ActyxError } from './errors.ts'
import { keyFrom } from './selection.ts'
import type { EventKey, OffsetMap } from './types.ts'

/** Kept states, as the Pond keeps them: on this node alone, and never needed for more than speed. */
export interface SnapshotStore {
  /**
   * Keeps a state under `semantics`, `name` and `version`, one for each `tag`. Those of older versions go.
   * @param key of the newest event in it @param offsets what it covers @returns false, and nothing is kept, when a newer version is there
   */
  storeSnapshot: (
    semantics: string, name: string, key: EventKey, offsets: OffsetMap, horizon: EventKey | undefined, cycle: number, version: number, tag: string, serializedBlob: string,
  ) => Promise<boolean>
  /** The one with the newest key. */
  retrieveSnapshot: (semantics: string, name: string, version: number) => Promise<LocalSnapshot | undefined>
  /** Drops those at or above the key, of all versions. */
  invalidateSnapshots: (semantics: string, name: string, key: EventKey) => Promise<void>
  invalidateAllSnapshots: () => Promise<void>
}

export interface LocalSnapshot {
  readonly state: string
  readonly offsets: OffsetMap
  eventKey: EventKey
  horizon: EventKey | undefined
  cycle: number
}

interface Kept extends LocalSnapshot {
  readonly version: number
}

/** Behind all keys that begin with a text: no key has a character above it. */
const end = '\u{10ffff}'

export const createSnapshotStore = (local: Local): SnapshotStore => {
  const folder = (semantics: string, name: string) => `${JSON.stringify([semantics, name])}/`
  const kept = async (prefix: string): Promise<readonly (readonly [string, Kept])[]> =>
    (await local.range(prefix, prefix + end)).flatMap(([key, bytes]) => {
      const snapshot = read(bytes)
      return snapshot === undefined ? [] : [[key, snapshot] as const]
    })
  return {
    storeSnapshot: async (semantics, name, key, offsets, horizon, cycle, version, tag, serializedBlob) => {
      keyFrom(key, 'key')
      if (typeof serializedBlob !== 'string') throw new ActyxError('ACTYX-QUERY', 'a snapshot is a text')
      const others = await kept(folder(semantics, name))
      if (others.some(([, snapshot]) => snapshot.version > version)) return false
      const snapshot: Kept = { state: serializedBlob, offsets, eventKey: key, horizon, cycle, version }
      await local.put([[`${folder(semantics, name)}${version}/${tag}`, encodeUtf8(JSON.stringify(snapshot))]])
      await local.delete(others.filter(([, { version: other }]) => other < version).map(([old]) => old))
      return true
    },
    retrieveSnapshot: async (semantics, name, version) => {
      const [newest] = (await kept(`${folder(semantics, name)}${version}/`)).toSorted(([, a], [, b]) => compareEventKeys(keyFrom(b.eventKey, 'key'), keyFrom(a.eventKey, 'key')))
      if (newest === undefined) return undefined
      const [, { state, offsets, eventKey, horizon, cycle }] = newest
      return { state, offsets, eventKey, horizon, cycle }
    },
    invalidateSnapshots: async (semantics, name, key) => {
      const from = keyFrom(key, 'key')
      const all = await kept(folder(semantics, name))
      await local.delete(all.filter(([, { eventKey }]) => compareEventKeys(keyFrom(eventKey, 'key'), from) >= 0).map(([gone]) => gone))
    },
    invalidateAllSnapshots: async () => {
      await local.delete((await local.range('', end)).map(([key]) => key))
    },
  }
}

/** Nothing where a disk has damaged it: a snapshot can always be done without. */
const read = (bytes: Uint8Array): Kept | undefined => {
  try {
    return JSON.parse(decodeUtf8(bytes) ?? '') as Kept
  } catch {
    return undefined
  }
}
