import { bytesToHex } from '../core/bytes.ts'
import type { EventStore } from '../store/event-store.ts'

const prefix = 'page/'
const keptMax = 64

/** Introduction ids of this profile's page loads, on disk: how a node tells its own other tab from a copy of itself. */
export interface OpenPages {
  /** Of this page load: 16 random bytes. */
  readonly introductionId: Uint8Array
  /** Before anyone is met: without it another tab would take this page for a copy of the node. */
  readonly write: () => Promise<void>
  readonly isOwnPage: (introductionId: Uint8Array) => Promise<boolean>
  readonly close: () => Promise<void>
}

/** A page that crashed leaves its id behind; only the newest are kept. */
export const createOpenPages = (store: EventStore, introductionId: Uint8Array, nowMicros: () => number): OpenPages => {
  const name = (id: Uint8Array) => `${prefix}${bytesToHex(id)}`
  return {
    introductionId,
    write: async () => {
      await store.putMeta(name(introductionId), nowMicros())
      const others = (await store.listMeta(prefix)).filter(([other]) => other !== name(introductionId))
      const oldestFirst = others.map(([other, atMicros]) => [other, typeof atMicros === 'number' ? atMicros : 0] as const).sort(([, a], [, b]) => a - b)
      for (const [other] of oldestFirst.slice(0, -keptMax)) await store.deleteMeta(other)
    },
    isOwnPage: async (id) => (await store.getMeta(name(id))) !== undefined,
    close: () => store.deleteMeta(name(introductionId)),
  }
}
