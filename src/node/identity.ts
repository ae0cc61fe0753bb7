import type { OwnNodeIds } from '../core/event.ts'
import { streamIdOf, type NodeId, type StreamId } from '../core/ids.ts'
import type { EventStore, Identity, StoredIdentity } from '../store/event-store.ts'
import type { NodeCrypto } from './crypto.ts'
import { NodeError } from './node.ts'

/** Why a node takes a new identity. */
export type IdentityLoss = 'restored' | 'twin' | 'damaged' | 'incomplete'

/** Who this node is: the key that signs now, and those it had before. */
export interface Self {
  readonly stored: () => StoredIdentity
  readonly nodeId: () => NodeId
  /** Present and former node ids. */
  readonly ids: () => OwnNodeIds
  /** The stream that application events are appended to. */
  readonly stream: () => StreamId
  /** Looks whether another tab has changed it. @returns whether it did */
  readonly reload: () => Promise<boolean>
  /** Takes a new identity, unless the one shown is already a former one. @returns whether this call changed it */
  readonly replace: (shown: NodeId, reason: IdentityLoss, atMicros: number) => Promise<boolean>
}

/** Loads the identity of this database, or makes one in a new database. `first`: with which the swarm was founded. */
export const openSelf = async (store: EventStore, crypto: NodeCrypto, first?: Identity): Promise<Self> => {
  const found = await store.identity()
  const stored = found ?? (await store.createIdentity(first ?? (await crypto.generateIdentity())))
  if (found === undefined) await tryKey(store, crypto)
  return createSelf(store, crypto, stored)
}

const createSelf = (store: EventStore, crypto: NodeCrypto, opened: StoredIdentity): Self => {
  let stored = opened
  let ids: OwnNodeIds = idsOf(stored)
  const take = (next: StoredIdentity) => {
    const changed = next.identity.nodeId !== stored.identity.nodeId
    stored = next
    ids = idsOf(next)
    return changed
  }
  return {
    stored: () => stored,
    nodeId: () => stored.identity.nodeId,
    ids: () => ids,
    stream: () => streamIdOf(stored.identity.nodeId, 0),
    reload: async () => {
      const next = await store.identity()
      return next !== undefined && take(next)
    },
    replace: async (shown, reason, atMicros) => {
      if (shown !== stored.identity.nodeId) return false
      return take(await store.changeIdentity(shown, await crypto.generateIdentity(), reason, atMicros))
    },
  }
}

const idsOf = (stored: StoredIdentity): OwnNodeIds => new Set([stored.identity.nodeId, ...stored.former])

/** Some private modes give a key but cannot store it: better to refuse at once than to lose events later. */
const tryKey = async (store: EventStore, crypto: NodeCrypto): Promise<void> => {
  const stored = await store.identity()
  const message = new Uint8Array(32)
  const works = async () => {
    if (stored === undefined) return false
    return crypto.verify(stored.identity.publicKey, await crypto.signer(stored.identity).sign(message), message)
  }
  if (!(await works())) throw new NodeError('NODE-UNSUPPORTED', 'this browser cannot keep a signing key (a private window?)')
}
