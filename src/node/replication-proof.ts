import { equalBytes } from '../core/bytes.ts'
import { nodeIdToPublicKey, type NodeId } from '../core/ids.ts'
import { proofBytes, type Role } from '../protocol/proof.ts'
import type { Identity } from '../store/event-store.ts'
import type { NodeCrypto, Swarm } from './crypto.ts'

/** Makes and checks the proofs that open a session. @see PROTOCOL.md [R7] */
export interface Proofs {
  readonly prove: (role: Role, transcript: Uint8Array) => Promise<{ readonly signature: Uint8Array; readonly mac: Uint8Array }>
  readonly check: (claim: { readonly role: Role; readonly nodeId: NodeId; readonly transcript: Uint8Array; readonly signature: Uint8Array; readonly mac: Uint8Array }) => Promise<boolean>
}

export const createProofs = (crypto: NodeCrypto, swarm: Swarm, identity: Identity): Proofs => {
  const authKey = crypto.derive(swarm.key, swarm.id, 'auth')
  const signer = crypto.signer(identity)
  const bytesOf = async (role: Role, nodeId: NodeId, transcript: Uint8Array) => proofBytes(role, nodeId, await crypto.sha256(transcript))
  return {
    prove: async (role, transcript) => {
      const bytes = await bytesOf(role, identity.nodeId, transcript)
      const [signature, mac] = await Promise.all([signer.sign(bytes), crypto.hmac(await authKey, bytes)])
      return { signature, mac }
    },
    check: async ({ role, nodeId, transcript, signature, mac }) => {
      const bytes = await bytesOf(role, nodeId, transcript)
      // The MAC first: it is cheap, and a stranger has none.
      return equalBytes(await crypto.hmac(await authKey, bytes), mac) && crypto.verify(nodeIdToPublicKey(nodeId), signature, bytes)
    },
  }
}
