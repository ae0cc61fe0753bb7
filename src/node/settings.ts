import { parseSwarmId } from '../core/ids.ts'
import { utf8Length } from '../core/utf8.ts'
import { NAME_BYTES_MAX } from '../protocol/limits.ts'
import { StoreError } from '../store/errors.ts'
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
  const [name, hubs] = [await readMeta(store, 'name'), await readMeta(store, 'hubs')]
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

/** Without it nothing here can be opened: it lies on disk twice. */
const swarmNames = ['swarm', 'swarm/copy'] as const

export const saveSwarm = async (store: EventStore, swarm: Swarm): Promise<void> => {
  for (const name of swarmNames) await store.putMeta(name, { ...swarm })
}

/** The swarm that a database is of; `undefined` when none was stored. */
export const loadSwarm = async (store: EventStore): Promise<Swarm | undefined> => (await loadSwarms(store)).find((swarm) => swarm !== undefined)

/** Whether one of the two records is missing, or is not what was written. */
export const isSwarmKept = async (store: EventStore): Promise<boolean> => (await loadSwarms(store)).every((swarm) => swarm !== undefined)

const loadSwarms = (store: EventStore): Promise<readonly (Swarm | undefined)[]> => Promise.all(swarmNames.map(async (name) => parseSwarm(await readMeta(store, name))))

const parseSwarm = (value: unknown): Swarm | undefined => {
  if (typeof value !== 'object' || value === null) return undefined
  const { id, key, founder, random } = value as Partial<Record<keyof Swarm, unknown>>
  const swarmId = typeof id === 'string' ? parseSwarmId(id) : undefined
  if (swarmId === undefined || !(key instanceof Uint8Array) || !(founder instanceof Uint8Array) || !(random instanceof Uint8Array)) return undefined
  return { id: swarmId, key, founder, random }
}

/** What cannot be read counts as never written: a node can do without it, or be given it again. */
export const readMeta = async (store: Pick<EventStore, 'getMeta'>, name: string): Promise<unknown> => {
  try {
    return await store.getMeta(name)
  } catch (error) {
    if (error instanceof StoreError && error.code === 'STORE-UNREADABLE') return undefined
    throw error
  }
}
