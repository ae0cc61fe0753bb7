import { createSubscriber } from 'svelte/reactivity'

/**
 * An outside value as a reactive one. Follows its source only while an effect reads `current`, and stops after the last such effect is gone.
 * Read outside of effects it gives the present value and follows nothing.
 */
export class Live<T> {
  readonly #read: () => T
  readonly #follow: () => void

  /** `follow` begins to follow, calls `changed` after each change, and gives the function that stops it. */
  constructor(read: () => T, follow: (changed: () => void) => () => void) {
    this.#read = read
    this.#follow = createSubscriber(follow)
  }

  get current(): T {
    this.#follow()
    return this.#read()
  }
}
