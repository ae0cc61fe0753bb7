import type { NodeStatus, PeerStatus } from '../../index.ts'
import { splitName, type TabletName } from './tablet-name.ts'

/** How much of one tablet's entries one holder has, as it last said. */
export interface CopyCell {
  readonly owner: string
  readonly own: boolean
  readonly state: 'all' | 'part' | 'none' | 'empty'
  readonly held: number
  readonly lacks: number
}

export interface CopyRow extends TabletName {
  readonly id: string
  readonly self: boolean
  /** Not in reach: shown as it was when last heard. */
  readonly still: boolean
  readonly heardMicros: number | undefined
  readonly cells: readonly CopyCell[]
}

export interface Copies {
  readonly owners: readonly (TabletName & { readonly id: string })[]
  readonly rows: readonly CopyRow[]
}

interface Holder extends TabletName {
  readonly id: string
  readonly self: boolean
  readonly still: boolean
  readonly heardMicros: number | undefined
  readonly holds: ReadonlyMap<string, number>
}

/** Who holds how much of whose entries. Entries of this tablet's former identities count as its own. */
export const copiesOf = (status: NodeStatus): Copies => {
  const holders = [selfHolder(status), ...status.peers.map(peerHolder)]
  const ownNodes = new Set([status.nodeId, ...Object.keys(status.own).map(nodeOf)].map(String))
  const ownerOf = (stream: string): string => (ownNodes.has(nodeOf(stream)) ? status.nodeId : nodeOf(stream))
  const lastByStream = new Map<string, number>()
  for (const { holds } of holders) for (const [stream, last] of holds) lastByStream.set(stream, Math.max(last, lastByStream.get(stream) ?? -1))
  const streamsByOwner = new Map<string, string[]>(holders.map(({ id }) => [id, []]))
  for (const stream of [...lastByStream.keys()].sort()) streamsByOwner.set(ownerOf(stream), [...(streamsByOwner.get(ownerOf(stream)) ?? []), stream])
  const nameById = new Map(holders.map(({ id, code, name }) => [id, { code, name }]))
  const owners = [...streamsByOwner.keys()].map((id) => ({ id, ...(nameById.get(id) ?? { code: id.slice(0, 3).toUpperCase(), name: id.slice(0, 8) }) }))
  const cell = (holder: Holder, owner: string): CopyCell => {
    const streams = streamsByOwner.get(owner) ?? []
    const total = count(streams.map((stream) => lastByStream.get(stream) ?? -1))
    const held = count(streams.map((stream) => holder.holds.get(stream) ?? -1))
    const state = total === 0 ? 'empty' : held === total ? 'all' : held === 0 ? 'none' : 'part'
    return { owner, own: owner === holder.id, state, held, lacks: total - held }
  }
  return {
    owners,
    rows: holders.map(({ id, code, name, self, still, heardMicros, ...rest }) => ({
      id, code, name, self, still, heardMicros, cells: owners.map((owner) => cell({ id, code, name, self, still, heardMicros, ...rest }, owner.id)),
    })),
  }
}

const selfHolder = (status: NodeStatus): Holder => ({
  id: status.nodeId, self: true, still: false, heardMicros: undefined, holds: new Map(Object.entries(status.present)), ...splitName(status.name),
})

const peerHolder = (peer: PeerStatus): Holder => ({
  id: peer.nodeId, self: false, still: peer.state !== 'connected', heardMicros: peer.heardMicros, holds: new Map(Object.entries(peer.holds)), ...splitName(peer.name),
})

const nodeOf = (stream: string): string => stream.slice(0, 43)
const count = (lasts: readonly number[]): number => lasts.reduce((total, last) => total + last + 1, 0)
