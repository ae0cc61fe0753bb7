import type { Node, TaggedEvent } from '../../index.ts'
import type { Key, Values } from '../i18n/words.svelte.ts'

/** What a person recorded on this page. It is saved when the node said it is durable, and not before. */
export interface Entry {
  readonly id: number
  readonly events: readonly TaggedEvent[]
  /** What it says, in words. */
  readonly key: Key
  readonly values: Values
  readonly atMicros: number
  readonly state: 'saving' | 'saved' | 'failed'
  /** Why it was not saved. */
  readonly code: string
}

/** The entries of this page, the last one at its place on screen; one that could not be stored stays there until it is. */
export class Entries {
  readonly #node: Pick<Node, 'publish'>
  readonly #nowMicros: () => number
  readonly #saved: () => void
  #all = $state.raw<readonly Entry[]>([])
  readonly #storing = new Set<Promise<unknown>>()

  /** `saved` is called after each entry that is durable. */
  constructor(node: Pick<Node, 'publish'>, nowMicros: () => number, saved: () => void = () => undefined) {
    this.#node = node
    this.#nowMicros = nowMicros
    this.#saved = saved
  }

  get last(): Entry | undefined {
    return this.#all.at(-1)
  }

  /** Whether one is being saved or could not be. */
  get unsaved(): boolean {
    return this.#all.some(({ state }) => state !== 'saved')
  }

  /** When none is being saved any more. */
  readonly settled = (): Promise<unknown> => Promise.all(this.#storing)

  /** Not saved, oldest first. */
  get failed(): readonly Entry[] {
    return this.#all.filter(({ state }) => state === 'failed')
  }

  readonly record = (events: readonly TaggedEvent[], key: Key, values: Values): void => {
    const entry: Entry = { id: (this.last?.id ?? 0) + 1, events, key, values, atMicros: this.#nowMicros(), state: 'saving', code: '' }
    this.#all = [...this.#all.filter(({ state }) => state !== 'saved'), entry]
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

  #put(entry: Entry): Entry {
    this.#all = this.#all.map((each) => (each.id === entry.id ? entry : each))
    return entry
  }
}

/** The stable code of an error of the node or its store; `FAILED` for any other. */
export const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'FAILED'
