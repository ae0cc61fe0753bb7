import type { Node, TaggedEvent } from '../../index.ts'
import type { Entry } from './entry.ts'
import { codeOf } from './error-code.ts'
import { keptNowhere, readUnsaved, wasStored, writeUnsaved, type Kept } from './unsaved.ts'
import type { Key, Values } from '../i18n/words.svelte.ts'

/** The entries of this page, the last one at its place on screen; one that could not be stored stays there until it is. */
export class Entries {
  readonly #node: Pick<Node, 'publish' | 'query'>
  readonly #nowMicros: () => number
  readonly #saved: () => void
  readonly #kept: Kept
  #all = $state.raw<readonly Entry[]>([])
  readonly #storing = new Set<Promise<unknown>>()

  /** `saved` is called after each entry that is durable. What is not saved is noted in `kept`, and is there again after the page was loaded anew. */
  constructor(node: Pick<Node, 'publish' | 'query'>, nowMicros: () => number, saved: () => void = () => undefined, kept: Kept = keptNowhere) {
    this.#node = node
    this.#nowMicros = nowMicros
    this.#saved = saved
    this.#kept = kept
    for (const entry of readUnsaved(kept)) this.#takeBack(entry)
  }

  get last(): Entry | undefined {
    return this.#all.at(-1)
  }

  /** Not saved, or not yet. */
  get unsaved(): readonly Entry[] {
    return this.#all.filter(({ state }) => state !== 'saved')
  }

  /** When none is being saved any more. */
  readonly settled = (): Promise<unknown> => Promise.all(this.#storing)

  /** Not saved, oldest first. */
  get failed(): readonly Entry[] {
    return this.#all.filter(({ state }) => state === 'failed')
  }

  readonly record = (events: readonly TaggedEvent[], key: Key, values: Values): void => {
    const entry: Entry = { id: (this.last?.id ?? 0) + 1, events, key, values, atMicros: this.#nowMicros(), state: 'saving', code: '' }
    this.#set([...this.unsaved, entry])
    this.#store(entry)
  }

  /** Stores the same entry again, with the time at which it was made. */
  readonly retry = (id: number): void => {
    const entry = this.#all.find((each) => each.id === id && each.state === 'failed')
    if (entry !== undefined) this.#store(this.#put({ ...entry, state: 'saving' }))
  }

  #store(entry: Entry): void {
    const storing: Promise<unknown> = this.#node.publish(entry.events).then(
      () => {
        this.#put({ ...entry, state: 'saved', atMicros: this.#nowMicros(), code: '' })
        this.#saved()
      },
      (error: unknown) => this.#put({ ...entry, state: 'failed', code: codeOf(error) }),
    )
    this.#storing.add(storing)
    storing.finally(() => this.#storing.delete(storing)).catch((error: unknown) => reportError(error))
  }

  /** One of the page before this one: it may have been stored after all. */
  #takeBack(entry: Entry): void {
    const back: Entry = { ...entry, id: (this.last?.id ?? 0) + 1, state: 'failed', code: entry.code || 'STORE-LOST' }
    this.#set([...this.#all, back])
    wasStored(this.#node, entry).then(
      (isStored) => isStored && this.#set(this.#all.filter(({ id }) => id !== back.id)),
      (error: unknown) => console.error(error),
    )
  }

  #put(entry: Entry): Entry {
    this.#set(this.#all.map((each) => (each.id === entry.id ? entry : each)))
    return entry
  }

  #set(all: readonly Entry[]): void {
    this.#all = all
    writeUnsaved(this.#kept, this.unsaved)
  }
}
