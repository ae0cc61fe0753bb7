import { createLeader, type Leader } from '../tab/leader.ts'
import type { Connections } from './connections.ts'
import type { Environment } from './environment.ts'
import type { NetworkStatus } from './network-status.ts'
import type { OpenPages } from './open-pages.ts'
import type { PeerBook } from './peer-book.ts'
import type { StatusBoard } from './status.ts'

const leadAgainMs = 5_000

export interface LeadParts {
  readonly environment: Environment
  /** Asked for when needed. */
  readonly connections: () => Connections | undefined
  readonly pages: OpenPages
  readonly book: PeerBook
  readonly board: StatusBoard
  readonly network: NetworkStatus
  /** Raises the leader's term on disk. */
  readonly raiseTerm: () => Promise<number>
  /** Takes care of the errors of what nobody awaits. */
  readonly supervise: (doing: string, work: Promise<unknown>) => void
}

/** Whether this tab has the node's connections; it begins and ends them. */
export interface Lead {
  readonly leads: () => boolean
  /** Whether any tab of this node is visible, as far as this one knows. */
  readonly isSeen: () => boolean
  /** Stands for election from now on. */
  readonly begin: () => void
  /** The network or the page may be back: check at once. */
  readonly wake: () => void
  /** Ends all connections, if this tab has them, and begins them anew. One after the other, or one would connect while another is `between`. */
  readonly restart: (reason: string, between?: () => Promise<void>) => Promise<void>
  /** Gives up the lead; resolves when all connections have ended. */
  readonly close: () => Promise<void>
}

export const createLead = (parts: LeadParts, name: string): Lead => new Stand(parts, name)

class Stand implements Lead {
  readonly #parts: LeadParts
  readonly #name: string
  #leader: Leader | undefined
  #restarting: Promise<void> = Promise.resolve()
  #closed = false

  constructor(parts: LeadParts, name: string) {
    this.#parts = parts
    this.#name = name
  }

  leads(): boolean {
    return this.#leader?.leads() ?? false
  }

  isSeen(): boolean {
    return this.#leader?.isSeen() ?? this.#parts.environment.page.state() === 'visible'
  }

  begin(): void {
    const { environment, supervise } = this.#parts
    this.#leader = createLeader(environment, this.#name, {
      gained: () => this.#take(),
      lost: () => supervise('giving up the lead', this.#follow()),
      failed: (error) => supervise('standing for the lead', Promise.reject(error)),
    })
  }

  wake(): void {
    if (this.leads()) this.#parts.connections()?.wake()
  }

  restart(reason: string, between?: () => Promise<void>): Promise<void> {
    const restart = () => this.#restart(reason, between)
    this.#restarting = this.#restarting.then(restart, restart)
    return this.#restarting
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#leader?.close()
    await this.#parts.connections()?.stop('closed')
  }

  /** A disk that is full takes no term: it is tried again until it does. */
  #take(): void {
    const { environment, supervise } = this.#parts
    const again = () => {
      if (this.leads()) this.#take()
    }
    const led = this.#lead().catch((error: unknown) => {
      environment.after(leadAgainMs, again)
      throw error
    })
    supervise('taking the lead', led)
  }

  async #lead(): Promise<void> {
    const { pages, book, board, raiseTerm, connections } = this.#parts
    await pages.write()
    await book.lead(await raiseTerm())
    if (!this.leads()) return
    board.set({ leader: true, storeFailure: undefined })
    if (connections()?.running() !== undefined) return this.wake()
    await connections()?.start()
  }

  async #follow(): Promise<void> {
    const { board, connections, network } = this.#parts
    board.set({ leader: false })
    await connections()?.stop('closed')
    network.allGone()
  }

  /** Also those that a page kept while it was frozen. */
  async #restart(reason: string, between?: () => Promise<void>): Promise<void> {
    const { connections, network } = this.#parts
    const had = this.leads() || connections()?.running() !== undefined
    if (had) await connections()?.stop(reason)
    if (had) network.allGone()
    await between?.()
    if (had && this.leads() && !this.#closed) await connections()?.start()
  }
}
