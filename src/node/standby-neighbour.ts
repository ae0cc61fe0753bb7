import { equalBytes } from '../core/bytes.ts'
import type { StandbyCall, StandbyListener } from '../net/transport.ts'
import { STANDBYS_PER_PEER } from '../protocol/limits.ts'
import type { StandbyRecord } from './standby-records.ts'

/** A standby that this node calls. */
export interface Called extends Pick<StandbyRecord, 'id' | 'page' | 'expiresMicros'> {
  /** Absent: to be made again from its keys. */
  readonly call?: StandbyCall
}

/** Answered, and not yet used. */
export interface Held extends Called, StandbyRecord {
  readonly slot: number
  /** How often this page has used it in vain. */
  readonly tried: number
}

/** A use that may still open. */
export interface Try {
  readonly held: Held
  /** Absent while it is made. */
  call?: StandbyCall
}

/** Not yet answered. */
export interface Calling extends Called {
  readonly call: StandbyCall
  readonly sinceMs: number
}

export interface Listening {
  readonly id: Uint8Array
  /** Absent while its answer is made. */
  listener?: StandbyListener
}

/** What is kept of one neighbour and its standbys. Times are monotonic milliseconds. */
export class Neighbour {
  /** Introduction id of its last session. */
  page: Uint8Array | undefined
  held: readonly Held[] = []
  calling: readonly Calling[] = []
  /** Oldest first. */
  listening: readonly Listening[] = []
  /** Listeners that ended while there was no connection to say so. Oldest first. */
  unsaid: readonly Uint8Array[] = []
  isOffering = false
  /** Before this no offer is made. */
  offerMs = 0
  /** Since when there is no good connection. */
  lostMs: number | undefined
  /** Of this loss. */
  usedMs: number | undefined
  /** A sign of the network that came from it. */
  signMs = -Infinity
  /** A sign before its last connection tells nothing of the loss of that. */
  connectedMs = -Infinity
  tries: readonly Try[] = []
  /** As last told. */
  counted = 0

  /** `undefined`: all are taken. */
  get freeSlot(): number | undefined {
    return Array.from({ length: STANDBYS_PER_PEER }, (_, slot) => slot).find((slot) => !this.held.some((held) => held.slot === slot))
  }

  /** Whether this page was ever connected with it. */
  get isNew(): boolean {
    return this.connectedMs === -Infinity
  }

  get count(): number {
    return this.held.length + this.listening.filter(({ listener }) => listener !== undefined).length
  }

  /** @returns whether it was there */
  removeListening(id: Uint8Array): boolean {
    const removed = this.listening.filter((each) => equalBytes(each.id, id))
    for (const { listener } of removed) listener?.close()
    this.listening = this.listening.filter((each) => !removed.includes(each))
    return removed.length > 0
  }

  removeCalling(id: Uint8Array): Calling | undefined {
    const removed = this.calling.find((each) => equalBytes(each.id, id))
    this.calling = this.calling.filter((each) => each !== removed)
    return removed
  }

  close(): void {
    for (const { call } of [...this.held, ...this.calling]) call?.close()
    for (const { listener } of this.listening) listener?.close()
    for (const { call } of this.tries) call?.close()
    this.tries = []
  }
}
