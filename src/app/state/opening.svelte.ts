import type { Mark, Node, Stored } from '../../index.ts'
import { codeOf } from './error-code.ts'

/** The floors of this browser profile: the one it belongs to, and the two ways into one. */
export interface Floors {
  /** What this tablet holds. */
  readonly find: () => Promise<Stored>
  readonly open: () => Promise<Node>
  readonly begin: (name: string) => Promise<Node>
  readonly join: (invitation: string, name: string) => Promise<Node>
}

/** How a page helps itself when its disk does not answer. */
export interface Recovery {
  readonly after: (delayMs: number, call: () => void) => void
  /** Loads the page anew, once. @returns whether it does */
  readonly reload: () => boolean
}

export type OpeningState =
  | { readonly type: 'first'; readonly code: string }
  /** The browser has cleared this tablet. `mark`: what is known of what it held. */
  | { readonly type: 'cleared'; readonly mark: Mark | undefined }
  | { readonly type: 'opening' }
  | { readonly type: 'failed'; readonly code: string }
  | { readonly type: 'open'; readonly node: Node }

/** A disk that does not answer is asked again after these; then the page is loaded anew, once. */
const RETRY_MS = [1_000, 3_000]
/** Another window may be closed, or wake, meanwhile. */
const BLOCKED_RETRY_MS = 5_000
const DEAD: ReadonlySet<string> = new Set(['STORE-LOST', 'STORE-STUCK', 'STORE-FAILED'])

/** From the start of the page to an open node, and to what the screen says when its disk fails. */
export class Opening {
  readonly #floors: Floors
  readonly #recovery: Recovery
  readonly #invited: boolean
  #state = $state.raw<OpeningState>({ type: 'opening' })
  #known = $state(false)
  #ended = $state('')

  /** `invited`: the page was opened by an invitation, so that a person decides even where a floor is known. */
  constructor(floors: Floors, recovery: Recovery, invited = false) {
    this.#floors = floors
    this.#recovery = recovery
    this.#invited = invited
    this.#find(0)
  }

  /** Whether there is a floor to stay on. */
  get known(): boolean {
    return this.#known
  }

  get current(): OpeningState {
    return this.#state
  }

  /** Why the open node does not go on, while its page still shows what it had: the code of its disk; empty: it goes on. */
  get ended(): string {
    return this.#ended
  }

  readonly open = (): void => this.#open(0)

  readonly begin = (name: string): void => this.#follow(this.#floors.begin(name), (code) => (this.#state = { type: 'first', code }))

  readonly join = (invitation: string, name: string): void => this.#follow(this.#floors.join(invitation, name), (code) => (this.#state = { type: 'first', code }))

  /** From the word that the tablet was cleared to the choice of a floor. */
  readonly choose = (): void => {
    this.#state = { type: 'first', code: '' }
  }

  #find(tries: number): void {
    this.#floors.find().then(
      (stored) => {
        this.#known = stored.type === 'here'
        if (stored.type === 'cleared') this.#state = { type: 'cleared', mark: stored.mark }
        else if (stored.type === 'here' && !this.#invited) this.open()
        else this.choose()
      },
      (error: unknown) => this.#help(error, tries, () => this.#find(tries + 1)),
    )
  }

  #open(tries: number): void {
    this.#follow(this.#floors.open(), (code, error) => {
      if (code === 'SWARM-CLEARED') this.#find(0)
      else this.#help(error, tries, () => this.#open(tries + 1))
    })
  }

  #follow(opened: Promise<Node>, failed: (code: string, error: unknown) => void): void {
    if (this.#state.type !== 'failed') this.#state = { type: 'opening' }
    opened.then(
      (node) => {
        this.#known = true
        this.#state = { type: 'open', node }
        node.observe(({ storeFailure }) => this.#watch(storeFailure?.code ?? ''))
      },
      (error: unknown) => {
        console.error(error)
        failed(codeOf(error), error)
      },
    )
  }

  #help(error: unknown, tries: number, again: () => void): void {
    const code = codeOf(error)
    const delayMs = RETRY_MS[tries]
    if (DEAD.has(code) && delayMs !== undefined) return this.#recovery.after(delayMs, again)
    if (DEAD.has(code) && this.#recovery.reload()) return
    this.#state = { type: 'failed', code }
    if (code === 'STORE-BLOCKED') this.#recovery.after(BLOCKED_RETRY_MS, again)
  }

  /** Of an open node. */
  #watch(code: string): void {
    if (code === 'STORE-LEFT') {
      this.#known = false
      this.#ended = ''
      this.#state = { type: 'first', code }
    } else if (code === 'STORE-NEWER') this.#ended = code
    else if (code !== 'STORE-STUCK') this.#ended = ''
    else if (this.#ended === '' && !this.#recovery.reload()) this.#ended = code
  }
}
