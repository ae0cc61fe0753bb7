import { registerUpdates } from '../update.ts'
import type { Update } from './session.ts'

/** A new version of the app as a reactive value; it waits until a person takes it. */
export class Updates implements Update {
  #apply = $state.raw<(() => void) | undefined>()
  #failure = $state('')

  get ready(): boolean {
    return this.#apply !== undefined
  }

  get failure(): string {
    return this.#failure
  }

  readonly start = (): void =>
    registerUpdates({
      ready: (apply) => (this.#apply = apply),
      failed: (error) => (this.#failure = error.message),
    })

  readonly take = (): void => this.#apply?.()
}
