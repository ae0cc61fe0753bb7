import type { Lamport } from '../core/ids.ts'
import { decodeInvitation, type InvitationError } from '../protocol/invitation.ts'
import type { Identity } from '../store/event-store.ts'
import { swarmIdOf } from '../stream/swarm.ts'
import type { NodeCrypto, Swarm } from './crypto.ts'
import { NodeError } from './node.ts'

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

/** The swarm of an invitation, alone or at the end of a link (`…#<invitation>`, `…#join=<invitation>`). @throws NodeError `INVITATION-INVALID` */
export const joinSwarm = async (crypto: NodeCrypto, invitation: string): Promise<Membership> => {
  const decoded = decodeInvitation(invitation.slice(Math.max(invitation.lastIndexOf('#'), invitation.lastIndexOf('=')) + 1))
  if (!decoded.ok) throw new NodeError('INVITATION-INVALID', invitationTexts[decoded.error])
  const { founder, random, swarmKey, lamport, hubs } = decoded.value
  return { swarm: { id: await swarmIdOf(crypto, founder, random), key: swarmKey, founder, random }, lamport, hubs }
}

const invitationTexts: Readonly<Record<InvitationError, string>> = {
  text: 'this text is not an invitation',
  damaged: 'the invitation is cut off or was changed on the way; copy it again, whole',
  newer: 'the invitation was made by a newer version of the app; update this one',
  malformed: 'this is not an invitation',
}
