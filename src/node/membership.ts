import type { Lamport } from '../core/ids.ts'
import type { Identity } from '../store/event-store.ts'
import { swarmIdOf } from '../stream/swarm.ts'
import type { NodeCrypto, Swarm } from './crypto.ts'

/** A swarm to open a node in, and what a new node in it begins with. */
export interface Membership {
  readonly swarm: Swarm
  /** The founder's own. */
  readonly identity?: Identity
  /** The inviter's Lamport time. */
  readonly lamport?: Lamport
  readonly hubs?: readonly string[]
}

/** A new swarm with this node as its founder. */
export const foundSwarm = async (crypto: NodeCrypto, randomBytes: (count: number) => Uint8Array): Promise<Membership> => {
  const identity = await crypto.generateIdentity()
  const random = randomBytes(16)
  const founder = identity.publicKey
  return { swarm: { id: await swarmIdOf(crypto, founder, random), key: randomBytes(32), founder, random }, identity }
}
