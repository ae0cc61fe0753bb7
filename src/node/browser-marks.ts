import { parseSwarmId, type SwarmId } from '../core/ids.ts'
import { parseMark, type Mark, type Marks } from './marks.ts'

const prefix = 'millpond/mark/'
const cacheName = 'millpond-mark'
const cachedAt = '/millpond-mark'

const parseText = (text: string | null): Mark | undefined => {
  try {
    return text === null ? undefined : parseMark(JSON.parse(text))
  } catch (error) {
    console.info('a mark that cannot be read', error)
    return undefined
  }
}

const inStorage = (swarm: SwarmId): Mark | undefined => parseText(localStorage.getItem(prefix + swarm))

/** Some private windows have no cache: then there is one place less. */
const inCache = async (): Promise<Mark | undefined> => {
  try {
    // Opening a cache would make it.
    const answer = await caches.match(cachedAt, { cacheName })
    return answer === undefined ? undefined : parseText(await answer.text())
  } catch (error) {
    console.info('this browser gives no cache', error)
    return undefined
  }
}

/** Marks in `localStorage`, one for each swarm, and in the Cache Storage, of the swarm written last: browsers do not clear all places together. */
export const browserMarks: Marks & {
  /** Of the swarm that was opened last, where only the cache tells. */
  readonly newest: () => Promise<Mark | undefined>
  readonly swarms: () => readonly SwarmId[]
  readonly remove: (swarm: SwarmId) => Promise<void>
} = {
  has: (swarm) => localStorage.getItem(prefix + swarm) !== null,
  read: async (swarm) => {
    const cached = await inCache()
    const found = [inStorage(swarm), ...(cached?.swarm === swarm ? [cached] : [])].filter((mark) => mark !== undefined)
    return found.sort((a, b) => b.atMicros - a.atMicros)[0]
  },
  newest: inCache,
  write: async (mark) => {
    const text = JSON.stringify(mark)
    localStorage.setItem(prefix + mark.swarm, text)
    if ('caches' in globalThis) await (await caches.open(cacheName)).put(cachedAt, new Response(text, { headers: { 'Content-Type': 'application/json' } }))
  },
  swarms: () => Object.keys(localStorage).flatMap((key) => (key.startsWith(prefix) ? (parseSwarmId(key.slice(prefix.length)) ?? []) : [])),
  remove: async (swarm) => {
    localStorage.removeItem(prefix + swarm)
    if ((await inCache())?.swarm === swarm) await caches.delete(cacheName)
  },
}
