import { createCipheriv, createDecipheriv, createHash, createHmac, createPrivateKey, createPublicKey, hkdfSync, KeyObject, sign, verify } from 'node:crypto'
import { deflateRawSync, inflateRawSync } from 'node:zlib'
import { equalBytes } from '../src/core/bytes.ts'
import { publicKeyToNodeId } from '../src/core/ids.ts'
import type { NodeCrypto } from '../src/node/crypto.ts'
import type { Identity } from '../src/store/event-store.ts'
import { swarmIdToBytes } from '../src/stream/header.ts'
import { isCanonicalSignature, isSigningKey } from '../src/stream/point.ts'
import type { Random } from './random.ts'

/**
 * Node.js's own cryptography, with keys from a seed. Every call is answered in the same turn, so that one seed is one run:
 * what WebCrypto does on threads ends in an order of its own.
 */
export const createSeededCrypto = (random: Pick<Random, 'bytes'>): NodeCrypto => ({ ...pureCrypto, generateIdentity: async () => seededIdentity(random.bytes(32)) })

/** All of it that needs no chance. */
export const pureCrypto: Omit<NodeCrypto, 'generateIdentity'> = {
  sha256: async (bytes) => plainBytes(createHash('sha256').update(bytes).digest()),
  verify: async (publicKey, signature, message) => verifyOnce(publicKey, signature, message),
  deflate: async (bytes) => plainBytes(deflateRawSync(bytes)),
  inflate: async (bytes, length) => inflate(bytes, length),
  signer: ({ publicKey, privateKey }) => ({
    publicKey,
    sign: async (message) => plainBytes(sign(null, message, keyOf(privateKey))),
  }),
  derive: async (swarmKey, swarm, label) => new Uint8Array(hkdfSync('sha256', swarmKey, swarmIdToBytes(swarm), `millpond/${label}/1`, 32)),
  hmac: async (key, message) => plainBytes(createHmac('sha256', key).update(message).digest()),
  encrypt: async (key, nonce, plain, additional) => {
    const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(additional)
    return plainBytes(Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]))
  },
  decrypt: async (key, nonce, cipher, additional) => {
    if (cipher.length < tagBytes) return undefined
    const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes }).setAAD(additional).setAuthTag(cipher.subarray(-tagBytes))
    try {
      return plainBytes(Buffer.concat([decipher.update(cipher.subarray(0, -tagBytes)), decipher.final()]))
    } catch {
      // The key and the nonce have their lengths by now: only the tag can be at fault.
      return undefined
    }
  },
}

const tagBytes = 16
const pkcs8Prefix = Buffer.from('302e020100300506032b657004220420', 'hex')
const spkiPrefix = Buffer.from('302a300506032b6570032100', 'hex')

export const seededIdentity = (seed: Uint8Array): Identity => {
  const privateKey = createPrivateKey({ key: Buffer.concat([pkcs8Prefix, seed]), format: 'der', type: 'pkcs8' })
  const publicKey = plainBytes(createPublicKey(privateKey).export({ format: 'der', type: 'spki' }).subarray(spkiPrefix.length))
  return { nodeId: publicKeyToNodeId(publicKey), publicKey, privateKey }
}

/** Keys of WebCrypto are taken, too. */
const keyOf = (privateKey: unknown): KeyObject => {
  if (privateKey instanceof KeyObject) return privateKey
  if (privateKey instanceof CryptoKey) return KeyObject.from(privateKey)
  throw new TypeError('not a private key')
}

/** Making one takes as long as verifying with it. */
const publicKeys = new Map<string, KeyObject>()

const publicKeyOf = (bytes: Uint8Array): KeyObject => {
  const der = Buffer.concat([spkiPrefix, bytes])
  const name = der.toString('base64')
  const key = publicKeys.get(name) ?? createPublicKey({ key: der, format: 'der', type: 'spki' })
  if (publicKeys.size > 1_000) publicKeys.clear()
  publicKeys.set(name, key)
  return key
}

interface Verdict {
  readonly publicKey: Uint8Array
  readonly message: Uint8Array
  readonly holds: boolean
}

/** By signature: every node of a world looks at the same ones. */
const verdicts = new Map<string, Verdict>()

const verifyOnce = (publicKey: Uint8Array, signature: Uint8Array, message: Uint8Array): boolean => {
  const name = Buffer.from(signature).toString('latin1')
  const known = verdicts.get(name)
  if (known !== undefined && equalBytes(known.publicKey, publicKey) && equalBytes(known.message, message)) return known.holds
  const holds = isSigningKey(publicKey) && isCanonicalSignature(signature) && verify(null, message, publicKeyOf(publicKey), signature)
  if (verdicts.size > 20_000) verdicts.clear()
  verdicts.set(name, { publicKey: publicKey.slice(), message: message.slice(), holds })
  return holds
}

const inflate = (bytes: Uint8Array, length: number): Uint8Array | undefined => {
  try {
    const { buffer, engine } = inflateRawSync(bytes, { maxOutputLength: Math.max(1, length), info: true }) as unknown as { readonly buffer: Buffer; readonly engine: { readonly bytesWritten: number } }
    return buffer.length === length && engine.bytesWritten === bytes.length ? plainBytes(buffer) : undefined
  } catch {
    // The source lies in memory: only the bytes themselves can be at fault.
    return undefined
  }
}

/** Tests compare with `Uint8Array`, which a `Buffer` is not quite. */
const plainBytes = (buffer: Buffer): Uint8Array => new Uint8Array(buffer)
