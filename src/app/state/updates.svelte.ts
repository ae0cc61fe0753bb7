import type { Node, NodeStatus } from '../../index.ts'
import type { ThisWindow } from '../this-window.ts'
import type { KeepFault, KeepHeard, KeptApp } from '../update.ts'
import type { WindowUses } from '../window-uses.ts'

/** Nobody touched the tablet for so long: a newer version is taken without asking. */
export const IDLE_MS = 10 * 60_000
/** A visible window asks the hub so often. */
export const CHECK_EVERY_MS = 60 * 60_000
/** A window that is shown again asks no sooner than so long after it asked last. */
const checkAgainMs = 60_000
const tickMs = 15_000
/** So long an entry may take to be saved, and a version to take over. */
const waitMs = 10_000

/** What a person has to know before a newer version is taken: a code will be needed; something here, or in another window, is not finished. */
export type UpdateWarning = 'code' | 'here' | 'elsewhere'

/** A new version of the app, as the screens know it. */
export interface Update {
  readonly ready: boolean
  /** Why the app, or its newer version, could not be kept on this tablet. */
  readonly fault: KeepFault | undefined
  /** What to say before it is taken; `undefined`: nobody asked, or there is nothing to say. */
  readonly warnings: readonly UpdateWarning[] | undefined
  /** A person wants it: it is taken, unless there is something to say first. */
  readonly ask: () => void
  readonly take: () => void
  readonly later: () => void
  /** What has to end before the page is loaded anew. */
  readonly finishFirst: (work: () => Promise<unknown>) => void
}

export interface UpdateParts {
  readonly keep: (heard: KeepHeard) => KeptApp
  readonly uses: WindowUses
  readonly window: ThisWindow
}

/**
 * Whether this tablet, its page loaded anew, would need a code from another one to be connected again:
 * others are known, no hub is in reach, and no connection is held ready that the browser lets come back.
 */
export const reloadNeedsCode = ({ peers, hubs, returnAllowed }: NodeStatus): boolean =>
  peers.length > 0 && !hubs.some(({ state }) => state === 'ready') && !(returnAllowed === true && peers.some(({ standbys }) => standbys > 0))

/**
 * Finds a newer version of the app and takes it, when a person says so or nobody uses this tablet. Then all windows are loaded anew, each once.
 * 1. Without being asked it is taken only while no window has been touched for ten minutes and none has anything unfinished.
 * 2. Nor while a code would be needed afterwards.
 */
export class Updates implements Update {
  readonly #parts: UpdateParts
  #kept: KeptApp | undefined
  #ready = $state(false)
  #fault = $state<KeepFault | undefined>()
  #warnings = $state.raw<readonly UpdateWarning[] | undefined>()
  #status: NodeStatus | undefined
  #checkedMs = 0
  #touchedMs = 0
  #finish: () => Promise<unknown> = () => Promise.resolve()
  /** Ends the wait for a version to take over. */
  #onTaken: () => void = () => undefined

  constructor(parts: UpdateParts) {
    this.#parts = parts
  }

  get ready(): boolean {
    return this.#ready
  }

  get fault(): KeepFault | undefined {
    return this.#fault
  }

  get warnings(): readonly UpdateWarning[] | undefined {
    return this.#warnings
  }

  readonly start = (): void => {
    const { keep, window } = this.#parts
    this.#kept = keep({ ready: this.#found, taken: this.#loadAnew, failed: (fault) => (this.#fault = fault) })
    window.listen((sign) => {
      if (sign === 'touched') this.#touched()
      else if (sign === 'changed') this.#look()
      else if (sign === 'back') this.#back()
      else this.#letGo()
    })
    this.#check()
    this.#touched()
    window.after(tickMs, this.#tick)
  }

  /** What this node knows of hubs and peers; coming back to a hub is the time to ask it. */
  readonly follow = (node: Pick<Node, 'observe' | 'status'>): void => {
    this.#status = node.status()
    node.observe((status) => {
      const isBack = hasHub(status) && this.#status !== undefined && !hasHub(this.#status)
      this.#status = status
      if (isBack) this.#check()
    })
  }

  readonly finishFirst = (work: () => Promise<unknown>): void => {
    this.#finish = work
  }

  readonly ask = (): void => {
    this.#warn().catch((error: unknown) => reportError(error))
  }

  readonly take = (): void => {
    this.#warnings = undefined
    this.#kept?.take()
  }

  readonly later = (): void => {
    this.#warnings = undefined
  }

  async #warn(): Promise<void> {
    const { uses, window } = this.#parts
    const here = window.unfinished()
    const elsewhere = await uses.elsewhere('unfinished')
    const warnings = [...(this.#needsCode() ? (['code'] as const) : []), ...(here ? (['here'] as const) : []), ...(elsewhere ? (['elsewhere'] as const) : [])]
    if (warnings.length === 0) this.take()
    else this.#warnings = warnings
  }

  #needsCode(): boolean {
    return this.#status !== undefined && reloadNeedsCode(this.#status)
  }

  readonly #found = (): void => {
    this.#ready = true
    this.#fault = undefined
  }

  #check(): void {
    this.#checkedMs = this.#parts.window.monotonicMs()
    this.#kept?.check()
  }

  #back(): void {
    if (this.#parts.window.monotonicMs() - this.#checkedMs >= checkAgainMs) this.#check()
    this.#look()
  }

  #touched(): void {
    this.#touchedMs = this.#parts.window.monotonicMs()
    // What was typed is in the field after it.
    this.#parts.window.after(0, this.#look)
  }

  /** A page that is put aside keeps its locks. */
  #letGo(): void {
    this.#parts.uses.set('touched', false)
    this.#parts.uses.set('unfinished', false)
  }

  readonly #look = (): void => {
    const { uses, window } = this.#parts
    uses.set('touched', window.monotonicMs() - this.#touchedMs < IDLE_MS)
    uses.set('unfinished', window.unfinished())
  }

  readonly #tick = (): void => {
    const { uses, window } = this.#parts
    if (window.visible() && window.monotonicMs() - this.#checkedMs >= CHECK_EVERY_MS) this.#check()
    this.#look()
    if (this.#ready && !this.#needsCode()) uses.whenUnused(() => this.#takeUnused()).catch((error: unknown) => reportError(error))
    window.after(tickMs, this.#tick)
  }

  #takeUnused(): Promise<void> {
    const taken = new Promise<void>((resolve) => (this.#onTaken = resolve))
    this.take()
    return this.#within(taken)
  }

  readonly #loadAnew = (): void => {
    this.#onTaken()
    this.#within(this.#finish()).finally(this.#parts.window.reload).catch((error: unknown) => reportError(error))
  }

  #within(work: Promise<unknown>): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#parts.window.after(waitMs, resolve)
      work.then(() => resolve(), reject)
    })
  }
}

const hasHub = ({ hubs }: NodeStatus): boolean => hubs.some(({ state }) => state === 'ready')
