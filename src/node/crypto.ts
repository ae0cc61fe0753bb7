import type { SwarmId } from '../core/ids.ts'
import type { Identity } from '../store/event-store.ts'
import type { Signer, StreamCrypto } from '../stream/crypto.ts'

/** All cryptography that a node needs; `web-crypto.ts` is its implementation, in browsers and Node.js alike. */
export interface NodeCrypto extends StreamCrypto {
  /** A new non-extractable Ed25519 key pair. @throws NodeError `NODE-UNSUPPORTED` where the browser has none */
  readonly generateIdentity: () => Promise<Identity>
  readonly signer: (identity: Identity) => Signer
  /** HKDF-SHA-256 of the swarm key: salt swarm id, info 'millpond/' ‖ label ‖ '/1', 32 bytes. */
  readonly derive: (swarmKey: Uint8Array, swarm: SwarmId, label: 'auth' | 'relay' | 'intro') => Promise<Uint8Array>
  readonly hmac: (key: Uint8Array, message: Uint8Array) => Promise<Uint8Array>
  /** AES-256-GCM: ciphertext with its tag, without the nonce (12 bytes, never used twice with one key). */
  readonly encrypt: (key: Uint8Array, nonce: Uint8Array, plain: Uint8Array, additional: Uint8Array) => Promise<Uint8Array>
  /** `undefined` when it was not made with this key, nonce and additional data. */
  readonly decrypt: (key: Uint8Array, nonce: Uint8Array, cipher: Uint8Array, additional: Uint8Array) => Promise<Uint8Array | undefined>
}

/** A swarm as its members know it. The id is safe to show, the key is not. */
export interface Swarm {
  readonly id: SwarmId
  readonly key: Uint8Array
  readonly founder: Uint8Array
  readonly random: Uint8Array
}
