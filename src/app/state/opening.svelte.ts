import type { Node } from '../../index.ts'
import { codeOf } from './entries.svelte.ts'

/** The floors of this browser profile: the one it belongs to, and the two ways into one. */
export interface Floors {
  /** Whether this tablet belongs to a floor already. */
  readonly known: () => boolean
  readonly open: () => Promise<Node>
  readonly begin: (name: string) => Promise<Node>
  readonly join: (invitation: string, name: string) => Promise<Node>
}

export type OpeningState =
  | { readonly type: 'first'; readonly code: string }
  | { readonly type: 'opening' }
  | { readonly type: 'failed'; readonly code: string }
  | { readonly type: 'open'; readonly node: Node }

/** From the start of the page to an open node. */
export class Opening {
  readonly #floors: Floors
  #state = $state.raw<OpeningState>({ type: 'opening' })

  /** `invited`: the page was opened by an invitation, so that a person decides even where a floor is known. */
  constructor(floors: Floors, invited = false) {
    this.#floors = floors
    if (floors.known() && !invited) this.open()
    else this.#state = { type: 'first', code: '' }
  }

  /** Whether there is a floor to stay on. One whose entries the browser has deleted is none. */
  get known(): boolean {
    return this.#floors.known() && !(this.#state.type === 'first' && this.#state.code === 'SWARM-UNKNOWN')
  }

  get current(): OpeningState {
    return this.#state
  }

  /** Where the browser has deleted this tablet's entries, it begins anew, and says so. */
  readonly open = (): void => this.#follow(this.#floors.open(), (code) => ({ type: code === 'SWARM-UNKNOWN' ? 'first' : 'failed', code }))

  readonly begin = (name: string): void => this.#follow(this.#floors.begin(name), (code) => ({ type: 'first', code }))

  readonly join = (invitation: string, name: string): void => this.#follow(this.#floors.join(invitation, name), (code) => ({ type: 'first', code }))

  #follow(opened: Promise<Node>, failed: (code: string) => OpeningState): void {
    this.#state = { type: 'opening' }
    opened.then(
      (node) => (this.#state = { type: 'open', node }),
      (error: unknown) => {
        console.error(error)
        this.#state = failed(codeOf(error))
      },
    )
  }
}
