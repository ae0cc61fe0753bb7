import { parseSwarmId } from '../core/ids.ts'
import { utf8Length } from '../core/utf8.ts'
import { NAME_BYTES_MAX } from '../protocol/limits.ts'
import type { EventStore } from '../store/event-store.ts'
import type { Swarm } from './crypto.ts'
import { NodeError } from './node.ts'

/** What a node keeps about itself besides its events. */
export interface Settings {
  readonly name: string
  /** URLs of hubs. */
  readonly hubs: readonly string[]
}

export const loadSettings = async (store: EventStore): Promise<Settings> => {
  const [name, hubs] = [await store.getMeta('name'), await store.getMeta('hubs')]
  return {
    name: typeof name === 'string' ? name : '',
    hubs: Array.isArray(hubs) ? hubs.filter((hub: unknown) => typeof hub === 'string') : [],
  }
}

/** @throws NodeError `NAME-INVALID` above 256 bytes */
export const saveName = async (store: EventStore, name: string): Promise<void> => {
  if (utf8Length(name) > NAME_BYTES_MAX) throw new NodeError('NAME-INVALID', `a name has at most ${NAME_BYTES_MAX} bytes of UTF-8`)
  await store.putMeta('name', name)
}

export const saveHubs = (store: EventStore, hubs: readonly string[]): Promise<boolean> => store.putMeta('hubs', hubs)

export const saveSwarm = (store: EventStore, swarm: Swarm): Promise<boolean> => store.putMeta('swarm', { ...swarm })

/** The swarm that a database is of; `undefined` when none was stored. */
export const loadSwarm = async (store: EventStore): Promise<Swarm | undefined> => {
  const value = await store.getMeta('swarm')
  if (typeof value !== 'object' || value === null) return undefined
  const { id, key, founder, random } = value as Partial<Record<keyof Swarm, unknown>>
  const swarmId = typeof id === 'string' ? parseSwarmId(id) : undefined
  if (swarmId === undefined || !(key instanceof Uint8Array) || !(founder instanceof Uint8Array) || !(random instanceof Uint8Array)) return undefined
  return { id: swarmId, key, founder, random }
}
