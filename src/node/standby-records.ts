import { parseNodeId, type NodeId } from '../core/ids.ts'
import { STANDBYS_PER_PEER } from '../protocol/limits.ts'
import type { EventStore } from '../store/event-store.ts'

const prefix = 'standby/'

/** What a caller needs to come back after its page is gone. */
export interface StandbyRecord {
  /** 16 bytes that name the standby. */
  readonly id: Uint8Array
  /** Introduction id of the listener's page: it listens as long as that lives. */
  readonly page: Uint8Array
  readonly answer: Uint8Array
  /** The connector's, opaque here. */
  readonly keys: unknown
  readonly expiresMicros: number
}

/** The standbys on disk, one record each: two tasks that write one shared record lose entries. */
export interface StandbyRecords {
  readonly load: () => Promise<readonly (StandbyRecord & { readonly peer: NodeId; readonly slot: number })[]>
  /** @param slot from 0 to `STANDBYS_PER_PEER` - 1 */
  readonly put: (peer: NodeId, slot: number, record: StandbyRecord) => Promise<void>
  readonly delete: (peer: NodeId, slot: number) => Promise<void>
}

export const createStandbyRecords = (store: Pick<EventStore, 'listMeta' | 'putMeta' | 'deleteMeta'>): StandbyRecords => ({
  load: async () => (await store.listMeta(prefix)).flatMap(([name, value]) => parseEntry(name.slice(prefix.length), value)),
  put: async (peer, slot, { id, page, answer, keys, expiresMicros }) => void (await store.putMeta(nameOf(peer, slot), { id, page, answer, keys, expiresMicros })),
  delete: (peer, slot) => store.deleteMeta(nameOf(peer, slot)),
})

const nameOf = (peer: NodeId, slot: number): string => `${prefix}${peer}/${slot}`

/** Empty for what another version of the program may have written. */
const parseEntry = (name: string, value: unknown): readonly (StandbyRecord & { readonly peer: NodeId; readonly slot: number })[] => {
  const [text = '', digits = ''] = name.split('/')
  const peer = parseNodeId(text)
  const slot = Number(digits)
  const { id, page, answer, keys, expiresMicros } = (typeof value === 'object' && value !== null ? value : {}) as Partial<Record<keyof StandbyRecord, unknown>>
  const isWhole = id instanceof Uint8Array && page instanceof Uint8Array && answer instanceof Uint8Array && typeof expiresMicros === 'number'
  return peer !== undefined && isWhole && slot < STANDBYS_PER_PEER ? [{ peer, slot, id, page, answer, keys, expiresMicros }] : []
}
