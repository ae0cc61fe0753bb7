/** Cryptography and compression, injected: this folder performs none itself. */
export interface StreamCrypto {
  readonly sha256: (bytes: Uint8Array) => Promise<Uint8Array>
  /** Ed25519 over `message`. `false` for anything that does not hold; never rejects for it. Keys and signatures that are not canonical or of small order are refused: FORMAT.md [F28] to [F30]. */
  readonly verify: (publicKey: Uint8Array, signature: Uint8Array, message: Uint8Array) => Promise<boolean>
  /** deflate-raw */
  readonly deflate: (bytes: Uint8Array) => Promise<Uint8Array>
  /** The inflated bytes; `undefined` when `bytes` is not deflate-raw, does not inflate to exactly `length` bytes, or goes on after its end. Stops soon after `length`. */
  readonly inflate: (bytes: Uint8Array, length: number) => Promise<Uint8Array | undefined>
}

/** A node's key: signs, and never shows the private part. */
export interface Signer {
  readonly publicKey: Uint8Array
  readonly sign: (message: Uint8Array) => Promise<Uint8Array>
}
