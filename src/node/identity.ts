import type { OwnNodeIds } from '../core/event.ts'
import { streamIdOf, type NodeId, type StreamId } from '../core/ids.ts'
import { StoreError } from '../store/errors.ts'
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
  /** Takes a new identity, unless the one shown is already a former one. @returns whether this call made it, whoever read it first */
  readonly replace: (shown: NodeId, reason: IdentityLoss, atMicros: number) => Promise<boolean>
}

/** An identity that could not be used: `shown` where its id is still known. */
export interface LostIdentity {
  readonly shown: NodeId | undefined
}

/**
 * Loads the identity of this database, or makes one in a new database. A key that cannot be read, or signs wrongly, is never written with: another takes its place.
 * @param first with which the swarm was founded @returns `lost` where the one stored could not be used
 */
export const openSelf = async (store: EventStore, crypto: NodeCrypto, nowMicros: number, first?: Identity): Promise<{ readonly self: Self; readonly lost: LostIdentity | undefined }> => {
  const found = await foundIdentity(store)
  const isUsable = found !== undefined && found !== 'unreadable' && (await signs(found.identity, crypto))
  if (isUsable) return { self: createSelf(store, crypto, found), lost: undefined }
  const shown = found === 'unreadable' ? undefined : found?.identity.nodeId
  const next = first ?? (await crypto.generateIdentity())
  const made = found === undefined ? await store.createIdentity(next) : await store.changeIdentity(shown, await crypto.generateIdentity(), 'damaged', nowMicros)
  // Some private modes give a key but cannot store it: better to refuse at once than to lose events later.
  const stored = await store.identity()
  if (stored === undefined || !(await signs(stored.identity, crypto))) throw new NodeError('NODE-UNSUPPORTED', 'this browser cannot keep a signing key (a private window?)')
  return { self: createSelf(store, crypto, made), lost: found === undefined ? undefined : { shown: shown ?? made.former.at(-1) } }
}

const foundIdentity = async (store: EventStore): Promise<StoredIdentity | 'unreadable' | undefined> => {
  try {
    return await store.identity()
  } catch (error) {
    if (error instanceof StoreError && error.code === 'STORE-UNREADABLE') return 'unreadable'
    throw error
  }
}

/** A key that is not one fails in many ways. */
const signs = async (identity: Identity, crypto: NodeCrypto): Promise<boolean> => {
  const message = new Uint8Array(32)
  const seal = await crypto.signer(identity).sign(message).catch((error: unknown) => console.error('the key does not sign', error))
  return seal !== undefined && crypto.verify(identity.publicKey, seal, message)
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
      const made = await crypto.generateIdentity()
      const next = await store.changeIdentity(shown, made, reason, atMicros)
      take(next)
      return next.identity.nodeId === made.nodeId
    },
  }
}

const idsOf = (stored: StoredIdentity): OwnNodeIds => new Set([stored.identity.nodeId, ...stored.former])
