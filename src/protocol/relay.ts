import { concatBytes } from '../core/bytes.ts'
import { nodeIdToPublicKey, publicKeyToNodeId, type NodeId, type SwarmId } from '../core/ids.ts'
import { fail, type Result } from '../core/result.ts'
import { encodeUtf8 } from '../core/utf8.ts'
import { swarmIdToBytes } from '../stream/header.ts'
import { decodeCbor, encodeCbor, readBytes, readExactBytes, readNodeId, readTuple } from './cbor.ts'
import { RELAY_BYTES_MAX } from './limits.ts'
import type { Envelope } from './message.ts'

/** Addressee of the first envelope over an introduction pipe, when the other end's node id is not known. Never in a `relay`. */
export const whoeverIsThere: NodeId = publicKeyToNodeId(new Uint8Array(32))

/** Random bytes of the cipher before the ciphertext in an envelope's content. */
export const CIPHER_NONCE_BYTES = 12

/** What the sender signs. @see PROTOCOL.md [R50] */
export const envelopeSignedBytes = (swarm: SwarmId, { from, to, nonce, content }: Omit<Envelope, 'signature'>): Uint8Array =>
  concatBytes([encodeUtf8('millpond/relay/1'), swarmIdToBytes(swarm), nodeIdToPublicKey(from), nodeIdToPublicKey(to), nonce, content])

/** Additional data of the content's AES-GCM, under the key with label `relay`. @see PROTOCOL.md [R50] */
export const envelopeAdditional = ({ from, to, nonce }: Pick<Envelope, 'from' | 'to' | 'nonce'>): Uint8Array =>
  concatBytes([nodeIdToPublicKey(from), nodeIdToPublicKey(to), nonce])

/** An envelope by itself, as it travels over an introduction pipe. */
export const encodeEnvelope = (envelope: Envelope): Uint8Array =>
  encodeCbor([nodeIdToPublicKey(envelope.from), nodeIdToPublicKey(envelope.to), envelope.nonce, envelope.content, envelope.signature])

/** Never throws. */
export const decodeEnvelope = (bytes: Uint8Array): Result<Envelope, string> =>
  bytes.length > RELAY_BYTES_MAX ? fail('too large') : decodeCbor(bytes, (value) => {
    const [from, to, nonce, content, signature] = readTuple(value, 5)
    return {
      from: readNodeId(from), to: readNodeId(to), nonce: readExactBytes(nonce, 16),
      content: readBytes(content, RELAY_BYTES_MAX, CIPHER_NONCE_BYTES + 16), signature: readExactBytes(signature, 64),
    }
  })
