import { codeOf } from './error-code.ts'

/** What a person can remove from this tablet: one floor, or everything. */
export type LeaveKind = 'leave' | 'wipe'

export type Leave = Readonly<Record<LeaveKind, () => Promise<void>>>

/** From the wish to leave to having left: a person first says that they know what is lost. */
export class Leaving {
  readonly #leave: Leave
  #state = $state.raw<{ readonly isKnown: boolean; readonly isRunning: boolean; readonly code: string }>({ isKnown: false, isRunning: false, code: '' })

  constructor(leave: Leave) {
    this.#leave = leave
  }

  get current(): { readonly isKnown: boolean; readonly isRunning: boolean; readonly code: string } {
    return this.#state
  }

  readonly toggle = (): void => {
    this.#state = { ...this.#state, isKnown: !this.#state.isKnown }
  }

  /** Nothing happens before `toggle`. Afterwards the node has ended: the page shows the choice of a floor. */
  readonly go = (kind: LeaveKind): void => {
    if (!this.#state.isKnown || this.#state.isRunning) return
    this.#state = { ...this.#state, isRunning: true, code: '' }
    this.#leave[kind]().catch((error: unknown) => (this.#state = { isKnown: true, isRunning: false, code: codeOf(error) }))
  }
}
