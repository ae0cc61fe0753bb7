import type { OwnNodeIds } from '../core/event.ts'
import { streamIdToNodeId, type NodeId } from '../core/ids.ts'
import type { EventStore } from '../store/event-store.ts'

/** From this share of the quota on a person is told whose entries take it. @see REPLICATION.md, Bounds */
const toldShare = 0.25

/** Watches who else fills this disk. */
export interface Fillers {
  /** @param quotaBytes `undefined` where the browser does not say: then nobody is named */
  readonly look: (quotaBytes: number | undefined, ownIds: OwnNodeIds) => Promise<void>
}

/** @param filled hears of each node once; again only when it took less meanwhile */
export const createFillers = (store: Pick<EventStore, 'records'>, filled: (nodeId: NodeId, bytes: number) => void): Fillers => {
  const told = new Set<NodeId>()
  return {
    look: async (quotaBytes, ownIds) => {
      if (quotaBytes === undefined) return
      const bytesOf = new Map<NodeId, number>()
      for (const { stream, closedBytes } of await store.records()) {
        const nodeId = streamIdToNodeId(stream)
        bytesOf.set(nodeId, (bytesOf.get(nodeId) ?? 0) + closedBytes)
      }
      for (const [nodeId, bytes] of bytesOf) {
        if (bytes < quotaBytes * toldShare) told.delete(nodeId)
        else if (!ownIds.has(nodeId) && !told.has(nodeId)) {
          told.add(nodeId)
          filled(nodeId, bytes)
        }
      }
    },
  }
}
