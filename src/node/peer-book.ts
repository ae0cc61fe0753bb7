import type { OwnNodeIds } from '../core/event.ts'
import { parseNodeId, parseStreamId, streamIdToNodeId, type NodeId, type Offset, type StreamId } from '../core/ids.ts'
import { offsetsOf, type OffsetMap } from '../core/offset-map.ts'
import type { EventStore } from '../store/event-store.ts'
import type { PeerStatus } from './node.ts'
import type { MeshNode } from './replication-mesh.ts'
import type { SessionPeer } from './replication-events.ts'

const prefix = 'peer/'
/** So many are kept that were once connected; then who was not for the longest time is forgotten. */
const keptMax = 1000

/** What is kept of a peer on disk, so that after a reload without a network the screens are still right. */
interface PeerRecord {
  readonly name: string
  readonly holds: OffsetMap
  readonly heardMicros: number | undefined
  /** When it was last known to be connected. */
  readonly seenMicros: number
}

export interface PeerBook {
  /** In order of name, then id. */
  readonly peers: () => readonly PeerStatus[]
  /** Since when none is connected, though one was known. */
  readonly cutOffSinceMicros: () => number | undefined
  /** What its session knows now. */
  readonly update: (peer: SessionPeer) => void
  /** That node goes on under a new identity: what it holds counts under that one, or its tablet would count twice. */
  readonly renounced: (nodeId: NodeId) => void
  readonly setState: (nodeId: NodeId, state: PeerStatus['state']) => void
  /** What the mesh says of other nodes: names, and how far they are. Whom it does not name is out of reach. */
  readonly setNodes: (nodes: readonly MeshNode[]) => void
  /** For a node that is not known nothing is kept. */
  readonly setStandbys: (nodeId: NodeId, standbys: number) => void
  /** This tab no longer has the connections. */
  readonly allGone: () => void
  /** This tab leads from now on: it goes on from what the leaders before it saved, and what it saves counts until another tab has a higher term. */
  readonly lead: (term: number) => Promise<void>
  /** Writes what has changed since the last call. */
  readonly save: () => Promise<void>
}

/** All other nodes heard of. @param ownIds who holds events of these is never forgotten */
export const openPeerBook = async (store: EventStore, nowMicros: () => number, ownIds: () => OwnNodeIds): Promise<PeerBook> => {
  const statuses = new Map<NodeId, PeerStatus>()
  const seenMicros = new Map<NodeId, number>()
  const unsaved = new Set<NodeId>()
  let named: ReadonlySet<NodeId> = new Set()
  let term = 0
  const load = async () => {
    for (const [name, value] of await store.listMeta(prefix)) {
      const nodeId = parseNodeId(name.slice(prefix.length))
      const record = parseRecord(value)
      if (nodeId === undefined || record === undefined) continue
      // This tab has heard of it later, and had no time to save it; or its connections were kept while it was frozen.
      const here = statuses.get(nodeId)
      if (here !== undefined && (here.state !== 'gone' || (here.heardMicros ?? 0) > (record.heardMicros ?? 0))) continue
      unsaved.delete(nodeId)
      seenMicros.set(nodeId, record.seenMicros)
      statuses.set(nodeId, { ...unknownPeer, nodeId, name: record.name, sinceMicros: record.seenMicros, holds: record.holds, heardMicros: record.heardMicros })
    }
  }
  await load()

  const change = (nodeId: NodeId, changes: Partial<PeerStatus>) => {
    const before = statuses.get(nodeId)
    const after = { ...(before ?? { ...unknownPeer, nodeId, sinceMicros: nowMicros() }), ...changes }
    statuses.set(nodeId, after)
    // Who was never connected is shown while it is tried, and not kept.
    if (isConnected(after)) seenMicros.set(nodeId, nowMicros())
    if (seenMicros.has(nodeId)) unsaved.add(nodeId)
  }
  const setState = (nodeId: NodeId, state: PeerStatus['state']) => {
    const before = statuses.get(nodeId)
    if (before?.state === state) return
    if (before !== undefined && isConnected(before)) seenMicros.set(nodeId, nowMicros())
    change(nodeId, { state, sinceMicros: nowMicros() })
    forget(nodeId)
  }
  /** An attempt that came to nothing leaves no trace, unless the mesh names that node. */
  const forget = (nodeId: NodeId) => {
    if (statuses.get(nodeId)?.state === 'gone' && !seenMicros.has(nodeId) && !named.has(nodeId)) statuses.delete(nodeId)
  }
  const holdsOwn = (nodeId: NodeId) => offsetsOf(statuses.get(nodeId)?.holds ?? {}).some(([stream]) => ownIds().has(streamIdToNodeId(stream)))
  /** What was never connected is not kept in the first place. */
  const forgetOldest = async () => {
    if (seenMicros.size <= keptMax) return
    const oldest = [...seenMicros].sort(([, a], [, b]) => a - b).map(([nodeId]) => nodeId)
    const idle = oldest.filter((nodeId) => statuses.get(nodeId)?.state === 'gone' && !named.has(nodeId) && !holdsOwn(nodeId))
    for (const nodeId of idle.slice(0, seenMicros.size - keptMax)) {
      statuses.delete(nodeId)
      seenMicros.delete(nodeId)
      unsaved.delete(nodeId)
      await store.deleteMeta(`${prefix}${nodeId}`)
    }
  }
  const setNodes = (nodes: readonly MeshNode[]) => {
    const before = named
    named = new Set(nodes.map(({ nodeId }) => nodeId))
    for (const nodeId of before) {
      const status = statuses.get(nodeId)
      if (status === undefined || named.has(nodeId)) continue
      statuses.set(nodeId, { ...status, hops: undefined })
      forget(nodeId)
    }
    for (const { nodeId, name, hops } of nodes) {
      const before = statuses.get(nodeId)
      if (before?.name !== name || before.hops !== hops) change(nodeId, { name, hops })
    }
  }
  return {
    peers: () => [...statuses.values()].sort(byName),
    cutOffSinceMicros: () => {
      const peers = [...statuses.values()]
      if (seenMicros.size === 0 || peers.some(isConnected)) return undefined
      return Math.max(...seenMicros.values())
    },
    update: ({ nodeId, name, roundTripMs, clockSkewMs, holds, saidMicros }) =>
      change(nodeId, { name, roundTripMs, clockSkewMs, ...(holds === undefined ? {} : { holds, heardMicros: saidMicros }) }),
    renounced: (nodeId) => {
      if (statuses.has(nodeId)) change(nodeId, { holds: {}, heardMicros: nowMicros() })
    },
    setState,
    setNodes,
    setStandbys: (nodeId, standbys) => {
      const before = statuses.get(nodeId)
      if (before !== undefined) statuses.set(nodeId, { ...before, standbys })
    },
    allGone: () => {
      for (const nodeId of [...statuses.keys()]) setState(nodeId, 'gone')
      setNodes([])
    },
    lead: async (next) => {
      term = next
      await load()
    },
    save: async () => {
      for (const nodeId of [...unsaved]) {
        const status = statuses.get(nodeId)
        if (status === undefined) continue
        const { name, holds, heardMicros } = status
        const record: PeerRecord = { name, holds, heardMicros, seenMicros: seenMicros.get(nodeId) ?? nowMicros() }
        unsaved.delete(nodeId)
        await store.putMeta(`${prefix}${nodeId}`, record, { name: 'term', atMost: term }).catch((error: unknown) => {
          unsaved.add(nodeId)
          throw error
        })
      }
      await forgetOldest()
    },
  }
}

const unknownPeer: Omit<PeerStatus, 'nodeId' | 'sinceMicros'> = {
  name: '',
  state: 'gone',
  roundTripMs: undefined,
  holds: {},
  heardMicros: undefined,
  clockSkewMs: undefined,
  hops: undefined,
  standbys: 0,
}

const isConnected = ({ state }: PeerStatus): boolean => state === 'connected' || state === 'asleep'

const byName = (a: PeerStatus, b: PeerStatus): number =>
  a.name !== b.name ? (a.name < b.name ? -1 : 1) : a.nodeId < b.nodeId ? -1 : 1

/** `undefined` for what another version of the program may have written. */
const parseRecord = (value: unknown): PeerRecord | undefined => {
  if (typeof value !== 'object' || value === null) return undefined
  const { name, holds, heardMicros, seenMicros } = value as Partial<Record<keyof PeerRecord, unknown>>
  if (typeof name !== 'string' || typeof holds !== 'object' || holds === null || typeof seenMicros !== 'number') return undefined
  return { name, holds: parseOffsets(holds), heardMicros: typeof heardMicros === 'number' ? heardMicros : undefined, seenMicros }
}

const parseOffsets = (value: object): OffsetMap => {
  const offsets: Record<StreamId, Offset> = {}
  for (const [text, last] of Object.entries(value)) {
    const stream = parseStreamId(text)?.id
    if (stream !== undefined && Number.isSafeInteger(last)) offsets[stream] = Number(last)
  }
  return offsets
}
