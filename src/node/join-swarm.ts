import { decodeInvitation, type InvitationError } from '../protocol/invitation.ts'
import { swarmIdOf } from '../stream/swarm.ts'
import type { NodeCrypto } from './crypto.ts'
import type { Membership } from './membership.ts'
import { NodeError } from './node.ts'

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
