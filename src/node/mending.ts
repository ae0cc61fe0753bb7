import type { NodeId, StreamId, SwarmId } from '../core/ids.ts'
import type { EventStore } from '../store/event-store.ts'
import type { NodeCrypto } from './crypto.ts'
import type { Environment } from './environment.ts'
import { noteFormer } from './formers.ts'
import type { IdentityLoss, Self } from './identity.ts'
import { firstUnreadable } from './replication-reads.ts'
import type { StatusBoard } from './status.ts'
import { UnreadableError } from './stream-cursor.ts'

export interface MendingParts {
  readonly store: EventStore
  readonly crypto: NodeCrypto
  readonly environment: Environment
  readonly self: Self
  readonly swarm: SwarmId
  readonly board: StatusBoard
  /** The node goes on under another identity: tells the other tabs. */
  readonly changed: () => void
  /** This stream is about to be lowered here. */
  readonly lowering: (stream: StreamId) => void
  /** Compares with the disk. */
  readonly compare: () => Promise<void>
  readonly restart: (reason: string, between?: () => Promise<void>) => Promise<void>
  /** Takes care of the errors of what nobody awaits. */
  readonly supervise: (doing: string, work: Promise<unknown>) => void
}

/** What is done when the disk does not hold what it should, or the identity cannot be gone on with. */
export interface Mending {
  /** The node goes on under a new identity, unless it does already. */
  readonly replaceIdentity: (shown: NodeId, reason: IdentityLoss) => Promise<void>
  /** The own stream is another one, by this tab or another. Connections are made again under the new id; publishing does not wait for them. */
  readonly identityChanged: (former: NodeId | undefined, reason?: IdentityLoss) => void
  /** A hole: the stream is lowered to where it begins, and fetched again. In the own stream, the node first takes another identity. */
  readonly fill: (error: UnreadableError) => Promise<void>
}

export const createMending = (parts: MendingParts): Mending => {
  const { store, crypto, environment, self, board, supervise } = parts
  const lowering = new Map<StreamId, Promise<void>>()

  const identityChanged = (former: NodeId | undefined, reason?: IdentityLoss) => {
    board.set({ nodeId: self.nodeId() })
    board.setPresent(board.status().present, self.ids())
    board.note('IDENTITY-CHANGED', former, `this node goes on under a new identity${reason === undefined ? '' : ` (${reason})`}; its earlier entries stay its own`)
    supervise('connecting under the new identity', parts.restart('identity'))
  }
  const replaceIdentity = async (shown: NodeId, reason: IdentityLoss) => {
    const former = self.stream()
    const { identity } = self.stored()
    const changed = await self.replace(shown, reason, environment.nowMicros())
    if (!changed) return
    // Before others meet the new id. A key that cannot sign any more tells nobody.
    await noteFormer(parts.store, crypto, parts.swarm, identity, self.nodeId()).catch((error: unknown) => supervise('saying which id was given up', Promise.reject(error)))
    parts.changed()
    identityChanged(shown, reason)
    // Publishing does not wait for it.
    if (reason === 'damaged') supervise('looking at the earlier entries', mend(former))
  }
  /** What of a former own stream cannot be read is fetched again. */
  const mend = async (stream: StreamId) => {
    const first = await firstUnreadable({ store, crypto }, stream)
    if (first !== undefined) await fill(new UnreadableError(stream, first, 'they are not what was written; they are set aside, and fetched from whoever holds them'))
  }
  const fill = (error: UnreadableError) => {
    const filling = lowering.get(error.stream) ?? lower(error).finally(() => lowering.delete(error.stream))
    lowering.set(error.stream, filling)
    return filling
  }
  const lower = async ({ stream, first, message }: UnreadableError) => {
    board.note('STORE-UNREADABLE', stream, message)
    if (stream === self.stream()) await replaceIdentity(self.nodeId(), 'damaged')
    // The sessions end first, for heads never fall within one; the new ones begin with what is held then.
    parts.lowering(stream)
    await parts.restart('lowered', async () => void (await store.lower(stream, first, message, environment.nowMicros())))
    await parts.compare()
  }
  return { replaceIdentity, identityChanged, fill }
}
