import type { NodeId, StreamId, SwarmId } from '../core/ids.ts'
import { StoreError } from '../store/errors.ts'
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
  /** The same on evidence that came over a connection. A disk that is full is asked again until it takes one: nobody is connected with under the old one. */
  readonly renounce: (shown: NodeId, reason: IdentityLoss) => void
  /** The own stream is another one, by this tab or another. Connections are made again under the new id; publishing does not wait for them. */
  readonly identityChanged: (former: NodeId | undefined, reason?: IdentityLoss) => void
  /** Looks whether another tab has changed the identity. */
  readonly look: () => Promise<void>
  /** A hole: the stream is lowered to where it begins, and fetched again. In the own stream, the node first takes another identity. */
  readonly fill: (error: UnreadableError) => Promise<void>
}

const renounceAgainMs = 5_000

export const createMending = (parts: MendingParts): Mending => {
  const { store, crypto, environment, self, board, supervise } = parts
  const lowering = new Map<StreamId, Promise<void>>()
  /** The identity that everybody here was told of: whoever finds another first tells, whoever has read it. */
  let told = self.nodeId()

  const identityChanged = (former: NodeId | undefined, reason?: IdentityLoss) => {
    told = self.nodeId()
    board.set({ nodeId: self.nodeId() })
    board.setPresent(board.status().present, self.ids())
    board.note('IDENTITY-CHANGED', former, `this node goes on under a new identity${reason === undefined ? '' : ` (${reason})`}; its earlier entries stay its own`)
    supervise('connecting under the new identity', parts.restart('identity'))
  }
  const tell = (reason?: IdentityLoss) => {
    if (self.nodeId() !== told) identityChanged(told, reason)
  }
  const look = async () => {
    await self.reload()
    tell()
  }
  const replaceIdentity = async (shown: NodeId, reason: IdentityLoss) => {
    const former = self.stream()
    const { identity } = self.stored()
    const made = await self.replace(shown, reason, environment.nowMicros())
    // Before others meet the new id. A key that cannot sign any more tells nobody.
    if (made) await noteFormer(parts.store, crypto, parts.swarm, identity, self.nodeId()).catch((error: unknown) => supervise('saying which id was given up', Promise.reject(error)))
    if (made) parts.changed()
    tell(reason)
    if (!made) return
    // Publishing does not wait for it.
    if (reason === 'damaged') supervise('looking at the earlier entries', mend(former))
  }
  const renounce = (shown: NodeId, reason: IdentityLoss): void => {
    const replaced = replaceIdentity(shown, reason).catch((error: unknown) => {
      if (error instanceof StoreError && error.code === 'STORE-QUOTA') environment.after(renounceAgainMs, () => renounce(shown, reason))
      throw error
    })
    supervise('taking a new identity', replaced)
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
  return { replaceIdentity, renounce, identityChanged, look, fill }
}
