import type { Node } from '../../index.ts'
import type { Entry } from './entry.ts'

/** Where what is not saved is noted: beside the page, not in the node, whose disk may be what fails. */
export type Kept = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>

export const UNSAVED_KEY = 'millpond.unsaved'

export const keptNowhere: Kept = { getItem: () => null, setItem: () => undefined, removeItem: () => undefined }

/** What belongs to one floor. */
export const keptFor = (swarm: string, kept: Kept): Kept => ({
  getItem: (key) => kept.getItem(`${key}/${swarm}`),
  setItem: (key, text) => kept.setItem(`${key}/${swarm}`, text),
  removeItem: (key) => kept.removeItem(`${key}/${swarm}`),
})

/** Full or refused, it keeps no entry from being recorded. */
export const writeUnsaved = (kept: Kept, entries: readonly Entry[]): void => {
  try {
    if (entries.length === 0) kept.removeItem(UNSAVED_KEY)
    else kept.setItem(UNSAVED_KEY, JSON.stringify(entries))
  } catch (error) {
    console.error('what is not saved could not be noted', error)
  }
}

export const readUnsaved = (kept: Kept): readonly Entry[] => {
  try {
    const entries: unknown = JSON.parse(kept.getItem(UNSAVED_KEY) ?? '[]')
    return Array.isArray(entries) ? entries.filter(isEntry) : []
  } catch (error) {
    console.error('what was not saved cannot be read', error)
    return []
  }
}

const isEntry = (value: unknown): value is Entry =>
  typeof value === 'object' && value !== null && 'events' in value && Array.isArray(value.events) && 'key' in value && 'values' in value && 'atMicros' in value && typeof value.atMicros === 'number'

/** A clock may have been set a little back. */
const graceMicros = 60_000_000

/** Whether the first event of an entry is among the own ones of that time. */
export const wasStored = async (node: Pick<Node, 'query'>, { events: [first], atMicros }: Entry): Promise<boolean> => {
  if (first === undefined) return true
  const wanted = JSON.stringify(first.event)
  for await (const { meta, payload } of node.query({ where: [{ tags: first.tags }] }, 'descending')) {
    if (!meta.isLocalEvent) continue
    if (JSON.stringify(payload) === wanted) return true
    if (meta.timestampMicros < atMicros - graceMicros) return false
  }
  return false
}
