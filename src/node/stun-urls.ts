import { readMeta } from './settings.ts'
import type { EventStore } from '../store/event-store.ts'

const urlCountMax = 4

/** A literal address: a name would have to be resolved, perhaps by a server on the internet. */
const literal = /^stun:(\d{1,3}(\.\d{1,3}){3}|\[[0-9a-f:.]{2,45}\]):\d{1,5}$/i

const usable = (value: unknown): readonly string[] =>
  Array.isArray(value) ? value.filter((url: unknown) => typeof url === 'string' && literal.test(url)).slice(0, urlCountMax) : []

/**
 * The STUN servers known to this node: those stored, until `ask` has an answer. Look them up at each attempt.
 * A hub that says nothing usable, or is not in reach, leaves what is known.
 */
export const openStunUrls = async (store: Pick<EventStore, 'getMeta' | 'putMeta'>, ask?: () => Promise<readonly string[]>): Promise<() => readonly string[]> => {
  let urls = usable(await readMeta(store, 'stun'))
  const keep = async (answer: readonly string[]): Promise<void> => {
    const heard = usable(answer)
    if (heard.length === 0 || heard.join() === urls.join()) return
    urls = heard
    await store.putMeta('stun', heard)
  }
  // No hub in reach is an everyday thing, and a disk that refuses this word has told the node so by itself.
  ask?.().then(keep).catch((error: unknown) => console.debug('STUN servers were not asked for', error))
  return () => urls
}
