import type { OwnNodeIds } from '../core/event.ts'
import type { NodeId } from '../core/ids.ts'
import type { SignalingState } from '../net/signaling.ts'
import type { Environment } from './environment.ts'
import type { HubStatus, Notice, PeerStatus, Unreached } from './node.ts'
import type { PeerBook } from './peer-book.ts'
import type { MeshNode } from './replication-mesh.ts'
import type { SessionPeer } from './replication-events.ts'
import { createSharedStatus } from './shared-status.ts'
import type { StatusBoard } from './status.ts'

const saveAfterMs = 250
const noticesMax = 100

/** Keeps the part of the status that is about the network: on the board, on disk, and the same in all tabs. */
export interface NetworkStatus {
  readonly update: (peer: SessionPeer) => void
  /** That node goes on under a new identity. */
  readonly renounced: (nodeId: NodeId) => void
  readonly peerState: (nodeId: NodeId, state: PeerStatus['state']) => void
  readonly hubState: (url: string, state: SignalingState) => void
  readonly unreached: (unreached: readonly Unreached[]) => void
  readonly nodes: (nodes: readonly MeshNode[]) => void
  readonly standbys: (nodeId: NodeId, standbys: number) => void
  readonly returnAllowed: (allowed: boolean) => void
  readonly notice: (notice: Notice) => void
  /** This tab has no connections any more. */
  readonly allGone: () => void
  /** @param isKept whether what is not saved yet is saved */
  readonly close: (isKept: boolean) => Promise<void>
}

export interface NetworkStatusParts {
  readonly environment: Environment
  readonly board: StatusBoard
  readonly book: PeerBook
  readonly ownIds: () => OwnNodeIds
  readonly leads: () => boolean
  /** Takes care of the errors of what nobody awaits. */
  readonly supervise: (doing: string, work: Promise<unknown>) => void
}

export const createNetworkStatus = (parts: NetworkStatusParts, scope: string): NetworkStatus => {
  const { environment, board, book, leads } = parts
  const hubs = new Map<string, HubStatus>()
  let unreached: readonly Unreached[] = []
  let returnAllowed: boolean | undefined
  let cancel: (() => void) | undefined
  /** Of this tab and of those that led before: whoever leads tells them a tab that is opened later. */
  const notices: Notice[] = []
  const addNotice = (notice: Notice) => {
    notices.push(notice)
    notices.splice(0, notices.length - noticesMax)
    board.addNotice(notice)
  }
  // A copy of this node's disk may have been met under an id that is now a former own one.
  const current = () => ({ peers: book.peers().filter(({ nodeId }) => !parts.ownIds().has(nodeId)), hubs: [...hubs.values()], unreached, online: environment.page.online(), cutOffSinceMicros: book.cutOffSinceMicros(), returnAllowed })
  const shared = createSharedStatus(environment, scope, {
    asked: () => {
      if (leads()) shared.post({ ...current(), notices })
    },
    heard: ({ notices: told, ...status }) => {
      if (leads()) return
      board.set(status)
      for (const notice of told) if (!notices.some((known) => isSame(known, notice))) addNotice(notice)
    },
  })
  const save = () => {
    cancel = undefined
    if (leads()) parts.supervise('keeping what peers hold', book.save())
  }
  const show = (fresh: readonly Notice[] = []) => {
    board.set(current())
    if (leads()) shared.post({ ...current(), notices: fresh })
    cancel ??= environment.after(saveAfterMs, save)
  }
  board.set(current())
  const stopWatching = environment.page.listen((change) => {
    if ((change === 'online' || change === 'offline') && leads()) show()
  })
  return {
    update: (peer) => {
      book.update(peer)
      show()
    },
    renounced: (nodeId) => {
      book.renounced(nodeId)
      show()
    },
    peerState: (nodeId, state) => {
      book.setState(nodeId, state)
      show()
    },
    hubState: (url, state) => {
      if (hubs.get(url)?.state === state.type) return
      hubs.set(url, { url, state: state.type, sinceMicros: state.type === 'unreachable' ? state.sinceMicros : environment.nowMicros() })
      show()
    },
    unreached: (now) => {
      unreached = now
      show()
    },
    nodes: (nodes) => {
      book.setNodes(nodes)
      show()
    },
    standbys: (nodeId, standbys) => {
      book.setStandbys(nodeId, standbys)
      show()
    },
    returnAllowed: (allowed) => {
      returnAllowed = allowed
      show()
    },
    notice: (notice) => {
      addNotice(notice)
      show([notice])
    },
    allGone: () => {
      hubs.clear()
      unreached = []
      book.allGone()
      board.set(current())
      shared.ask()
    },
    close: async (isKept) => {
      cancel?.()
      stopWatching()
      shared.close()
      if (isKept) await book.save()
    },
  }
}

const isSame = (a: Notice, b: Notice): boolean => a.code === b.code && a.about === b.about && a.atMicros === b.atMicros && a.text === b.text
