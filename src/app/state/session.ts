import { createContext } from 'svelte'
import { createPond, type Node, type NodeStatus, type Pond } from '../../index.ts'
import { liveFish } from '../../svelte/follow.ts'
import { Live } from '../../svelte/live.ts'
import type { LiveValue } from '../../svelte/value.ts'
import { ordersFish, type Orders } from '../orders/orders.ts'
import { archiveName, type SaveFile } from './archive-file.ts'
import { ArchiveRun } from './archive-run.svelte.ts'
import { Entries } from './entries.svelte.ts'
import { ImportRun } from './import-run.svelte.ts'
import type { Leave } from './leaving.svelte.ts'
import { ReunionWatch } from './reunion.ts'
import { keptFor, keptNowhere, type Kept } from './unsaved.ts'
import { splitName, type TabletName } from './tablet-name.ts'
import type { Update } from './updates.svelte.ts'

/** What a session needs besides its node. */
export interface SessionParts {
  readonly now: Live<number>
  readonly update: Update
  /** Where other tablets find the app. */
  readonly address: () => Promise<string>
  readonly leave: Leave
  readonly save: SaveFile
  /** Where what is not saved is noted. */
  readonly kept?: Kept
}

/** Everything of one open node that screens read, as reactive values, and what a person records. */
export class Session {
  readonly node: Node
  readonly #status: Live<NodeStatus>
  readonly #now: Live<number>
  readonly #pond: Pond
  readonly orders: LiveValue<Orders>
  readonly entries: Entries
  readonly reunion: ReunionWatch
  readonly importing: ImportRun
  readonly leave: Leave
  readonly archiving: ArchiveRun
  readonly update: Update
  /** Invitation link of this floor, at the address where other tablets find the app. */
  readonly inviteLink: () => Promise<string>

  constructor(node: Node, { now, update, address, leave, save, kept = keptNowhere }: SessionParts) {
    this.node = node
    this.update = update
    this.#now = now
    this.#status = new Live(() => node.status(), (changed) => node.observe(changed))
    this.#pond = createPond(node, { report: reportError })
    this.orders = liveFish(this.#pond, ordersFish)
    this.entries = new Entries(node, () => now.current, feel, keptFor(node.swarm, kept))
    this.leave = leave
    this.archiving = new ArchiveRun(save)
    this.reunion = new ReunionWatch(node, () => this.orders.current.value, () => now.current)
    this.importing = new ImportRun(node)
    update.finishFirst(this.entries.settled)
    this.inviteLink = async () => `${await address()}#join=${encodeURIComponent(await node.invite())}`
  }

  /** A file of everything here, or of what is only here. */
  readonly archive = (which: 'all' | 'only here'): void =>
    this.archiving.write(this.node.archive(which), this.entries.unsaved, archiveName(this.tablet.code, this.nowMicros))

  /** Asks the browser never to delete what is stored here. */
  readonly persist = (): void => {
    this.node.persist().catch(reportError)
  }

  get status(): NodeStatus {
    return this.#status.current
  }

  /** Something of this page is not yet stored, or is stored nowhere but here. */
  get unfinished(): boolean {
    return this.entries.unsaved.length > 0 || this.importing.current.type === 'running'
  }

  get nowMicros(): number {
    return this.#now.current
  }

  get tablet(): TabletName {
    return splitName(this.status.name)
  }
}

/** A short touch back where the tablet can: a hand with a glove knows that the entry is kept. */
const feel = (): void => {
  if ('vibrate' in navigator) navigator.vibrate(20)
}

export const [getSession, setSession] = createContext<Session>()
