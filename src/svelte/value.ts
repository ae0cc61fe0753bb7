import { createSubscriber } from 'svelte/reactivity'

/** `reading`: until all that is present is in it. `failed`: with the last value there was. */
export type Now<T> =
  | { readonly state: 'reading' | 'ready'; readonly value: T }
  | { readonly state: 'failed'; readonly value: T; readonly error: Error }

interface Told<T> {
  readonly ready: (value: T) => void
  readonly failed: (error: Error) => void
}

/** A followed value as a reactive one. Followed while an effect or a component reads `current`, and no longer: nothing has to be released. */
export class LiveValue<T> {
  readonly #begin: (told: Told<T>) => () => void
  readonly #follow: () => void
  #now: Now<T>
  #again: () => void = () => undefined

  /** `begin` begins to follow and gives the function that stops it; it tells nothing within that call. */
  constructor(initial: T, begin: (told: Told<T>) => () => void) {
    this.#now = { state: 'reading', value: initial }
    this.#begin = begin
    this.#follow = createSubscriber((changed) => this.#run(changed))
  }

  get current(): Now<T> {
    this.#follow()
    return this.#now
  }

  /** After a failure: begins anew. */
  readonly again = (): void => this.#again()

  #run(changed: () => void): () => void {
    let stop: () => void = () => undefined
    const tell = (now: Now<T>): void => {
      this.#now = now
      changed()
    }
    const begin = (): void => {
      const { value } = this.#now
      if (this.#now.state === 'failed') tell({ state: 'reading', value })
      try {
        stop = this.#begin({ ready: (next) => tell({ state: 'ready', value: next }), failed: (error) => tell({ state: 'failed', value: this.#now.value, error }) })
      } catch (error) {
        this.#now = { state: 'failed', value, error: error instanceof Error ? error : new Error(String(error)) }
      }
    }
    this.#again = () => {
      stop()
      begin()
    }
    begin()
    return () => {
      stop()
      this.#again = () => undefined
      if (this.#now.state === 'ready') this.#now = { state: 'reading', value: this.#now.value }
    }
  }
}
