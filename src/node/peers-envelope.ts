import { concatBytes, equalBytes } from '../core/bytes.ts'
import { nodeIdToPublicKey, type NodeId } from '../core/ids.ts'
import { CIPHER_NONCE_BYTES, decodeEnvelope, encodeEnvelope, envelopeAdditional, envelopeSignedBytes, whoeverIsThere } from '../protocol/relay.ts'
import { decodeSignal, encodeSignal, type Signal } from '../protocol/signal.ts'
import type { Signer } from '../stream/crypto.ts'
import type { NodeCrypto, Swarm } from './crypto.ts'
import type { Environment } from './environment.ts'

/** Seals and opens what is said to agree on a connection: hidden from who has not the swarm's key, signed by the node that says it. */
export interface Envelopes {
  /** @param to `undefined`: whoever is at the other end of the pipe. */
  readonly seal: (to: NodeId | undefined, signal: Signal) => Promise<Uint8Array>
  /** `undefined` for anything that is not meant for this node or was not made by a member. */
  readonly open: (bytes: Uint8Array) => Promise<Opened | undefined>
}

export interface Opened {
  readonly from: NodeId
  /** Whether it was meant for whoever is at this end of a pipe, as the greeting is there. */
  readonly toWhoever: boolean
  readonly signal: Signal
}

export interface EnvelopeOptions {
  readonly crypto: NodeCrypto
  readonly environment: Environment
  readonly swarm: Swarm
  readonly nodeId: NodeId
  readonly signer: Signer
}

export const createEnvelopes = ({ crypto, environment, swarm, nodeId, signer }: EnvelopeOptions): Envelopes => {
  const key = crypto.derive(swarm.key, swarm.id, 'relay')
  return {
    seal: async (to, signal) => {
      const address = { from: nodeId, to: to ?? whoeverIsThere, nonce: environment.randomBytes(16) }
      const cipherNonce = environment.randomBytes(CIPHER_NONCE_BYTES)
      const cipher = await crypto.encrypt(await key, cipherNonce, encodeSignal(signal), envelopeAdditional(address))
      const unsigned = { ...address, content: concatBytes([cipherNonce, cipher]) }
      return encodeEnvelope({ ...unsigned, signature: await signer.sign(envelopeSignedBytes(swarm.id, unsigned)) })
    },
    open: async (bytes) => {
      const decoded = decodeEnvelope(bytes)
      if (!decoded.ok) return undefined
      const { from, to, content, signature } = decoded.value
      if (to !== nodeId && to !== whoeverIsThere) return undefined
      if (!(await crypto.verify(nodeIdToPublicKey(from), signature, envelopeSignedBytes(swarm.id, decoded.value)))) return undefined
      const cipherNonce = content.subarray(0, CIPHER_NONCE_BYTES)
      const plain = await crypto.decrypt(await key, cipherNonce, content.subarray(CIPHER_NONCE_BYTES), envelopeAdditional(decoded.value))
      const signal = plain === undefined ? undefined : decodeSignal(plain)
      const toWhoever = to === whoeverIsThere
      if (signal?.ok !== true || (toWhoever && signal.value.type !== 'greet')) return undefined
      return { from, toWhoever, signal: signal.value }
    },
  }
}

/** Whether a greeting belongs to this very pipe: the other page says its own id, and means this page. */
export const greetsHere = (greet: { readonly own: Uint8Array; readonly peer: Uint8Array }, ownId: Uint8Array, peerId: Uint8Array): boolean =>
  equalBytes(greet.own, peerId) && equalBytes(greet.peer, ownId)
