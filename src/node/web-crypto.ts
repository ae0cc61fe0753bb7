import { concatBytes } from '../core/bytes.ts'
import { publicKeyToNodeId } from '../core/ids.ts'
import { encodeUtf8 } from '../core/utf8.ts'
import type { Identity } from '../store/event-store.ts'
import { swarmIdToBytes } from '../stream/header.ts'
import { isCanonicalSignature, isSigningKey } from '../stream/point.ts'
import type { NodeCrypto } from './crypto.ts'
import { NodeError } from './node.ts'

/** WebCrypto takes no view of shared memory; everything else is passed on without a copy. */
const unshared = (bytes: Uint8Array): Uint8Array<ArrayBuffer> =>
  bytes.buffer instanceof ArrayBuffer ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength) : new Uint8Array(bytes)

const sha256 = async (bytes: Uint8Array): Promise<Uint8Array> => new Uint8Array(await crypto.subtle.digest('SHA-256', unshared(bytes)))

const verify = async (publicKey: Uint8Array, signature: Uint8Array, message: Uint8Array): Promise<boolean> => {
  if (!isSigningKey(publicKey) || !isCanonicalSignature(signature)) return false
  try {
    const key = await crypto.subtle.importKey('raw', unshared(publicKey), 'Ed25519', false, ['verify'])
    return await crypto.subtle.verify('Ed25519', key, unshared(signature), unshared(message))
  } catch (error) {
    // Some platforms refuse to import a point that is not on the curve (DataError), others only say no later.
    if (error instanceof DOMException && error.name !== 'NotSupportedError') return false
    throw unsupported(error)
  }
}

const unsupported = (cause: unknown): NodeError =>
  new NodeError('NODE-UNSUPPORTED', 'this browser cannot make or use Ed25519 keys. Chrome or Edge 137, Firefox 136 or Safari 17, or newer, over HTTPS, can.', { cause })

/** The bytes of a stream, joined. `undefined` as soon as there are more than `lengthMax`. */
const collect = async (readable: ReadableStream<Uint8Array>, lengthMax: number): Promise<Uint8Array | undefined> => {
  const parts: Uint8Array[] = []
  let length = 0
  const reader = readable.getReader()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return parts.length === 1 && parts[0] !== undefined ? parts[0] : concatBytes(parts)
    length += value.length
    if (length > lengthMax) {
      await reader.cancel()
      return undefined
    }
    parts.push(value)
  }
}

/** A browser inflates all that it is given at once, up to a thousandfold, before the first part can be read. An honest body is mostly smaller: a second write costs as much as six bodies. */
const inflatedAtOnceBytes = 16 * 1024

const writeAll = async (writer: WritableStreamDefaultWriter<BufferSource>, bytes: Uint8Array<ArrayBuffer>, atOnce: number): Promise<void> => {
  for (let at = 0; at < bytes.length; at += atOnce) await writer.write(bytes.subarray(at, at + atOnce))
  await writer.close()
}

/** Writes to the stream itself: a source to pipe from would cost as much as a third of the work. */
const transform = async (bytes: Uint8Array, through: CompressionStream | DecompressionStream, lengthMax: number): Promise<Uint8Array | undefined> => {
  const written = writeAll(through.writable.getWriter(), unshared(bytes), through instanceof DecompressionStream ? inflatedAtOnceBytes : Infinity)
  const [collected] = await Promise.allSettled([collect(through.readable, lengthMax), written])
  if (collected.status === 'rejected') throw collected.reason
  return collected.value
}

const deflate = async (bytes: Uint8Array): Promise<Uint8Array> => {
  const deflated = await transform(bytes, new CompressionStream('deflate-raw'), Infinity)
  return deflated ?? new Uint8Array(0)
}

const inflateTo = async (bytes: Uint8Array, length: number): Promise<Uint8Array | undefined> => {
  try {
    const inflated = await transform(bytes, new DecompressionStream('deflate-raw'), length)
    return inflated?.length === length ? inflated : undefined
  } catch {
    // The source lies in memory: only the bytes themselves can be at fault. Browsers throw a TypeError here, Node.js errors of its own.
    return undefined
  }
}

/** Browsers refuse bytes after the end, Node.js ignores them: an empty deflate stream with one byte more tells. */
let junkIgnored: Promise<boolean> | undefined
const ignoresJunk = async (): Promise<boolean> => (await inflateTo(Uint8Array.of(3, 0, 0), 0)) !== undefined

const inflate = async (bytes: Uint8Array, length: number): Promise<Uint8Array | undefined> => {
  const inflated = await inflateTo(bytes, length)
  junkIgnored ??= ignoresJunk()
  if (inflated === undefined || !(await junkIgnored)) return inflated
  // What inflates without its last byte as well had that byte after the end.
  return (await inflateTo(bytes.subarray(0, -1), length)) === undefined ? inflated : undefined
}

const generateIdentity = async (): Promise<Identity> => {
  try {
    const pair = await crypto.subtle.generateKey('Ed25519', false, ['sign', 'verify'])
    if (!('privateKey' in pair)) throw new TypeError('no key pair')
    const publicKey = new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey))
    const identity: Identity = { nodeId: publicKeyToNodeId(publicKey), publicKey, privateKey: pair.privateKey }
    const message = encodeUtf8('millpond')
    if (!(await verify(publicKey, await signer(identity).sign(message), message))) throw new TypeError('a signature of the new key does not hold')
    return identity
  } catch (error) {
    throw unsupported(error)
  }
}

const signer = ({ publicKey, privateKey }: Identity): ReturnType<NodeCrypto['signer']> => ({
  publicKey,
  sign: async (message) => {
    if (!(privateKey instanceof CryptoKey)) throw new NodeError('NODE-UNSUPPORTED', 'the private key did not survive in the database')
    return new Uint8Array(await crypto.subtle.sign('Ed25519', privateKey, unshared(message)))
  },
})

const derive: NodeCrypto['derive'] = async (swarmKey, swarm, label) => {
  const key = await crypto.subtle.importKey('raw', unshared(swarmKey), 'HKDF', false, ['deriveBits'])
  const parameters = { name: 'HKDF', hash: 'SHA-256', salt: unshared(swarmIdToBytes(swarm)), info: encodeUtf8(`millpond/${label}/1`) }
  return new Uint8Array(await crypto.subtle.deriveBits(parameters, key, 256))
}

const hmac: NodeCrypto['hmac'] = async (key, message) => {
  const imported = await crypto.subtle.importKey('raw', unshared(key), { name: 'HMAC', hash: 'SHA-256' }, false, ['sign'])
  return new Uint8Array(await crypto.subtle.sign('HMAC', imported, unshared(message)))
}

const aesGcm = async (key: Uint8Array, nonce: Uint8Array, additional: Uint8Array): Promise<readonly [AesGcmParams, CryptoKey]> => [
  { name: 'AES-GCM', iv: unshared(nonce), additionalData: unshared(additional) },
  await crypto.subtle.importKey('raw', unshared(key), 'AES-GCM', false, ['encrypt', 'decrypt']),
]

const encrypt: NodeCrypto['encrypt'] = async (key, nonce, plain, additional) =>
  new Uint8Array(await crypto.subtle.encrypt(...(await aesGcm(key, nonce, additional)), unshared(plain)))

const decrypt: NodeCrypto['decrypt'] = async (key, nonce, cipher, additional) => {
  try {
    return new Uint8Array(await crypto.subtle.decrypt(...(await aesGcm(key, nonce, additional)), unshared(cipher)))
  } catch (error) {
    if (error instanceof DOMException && error.name === 'OperationError') return undefined
    throw error
  }
}

/** All cryptography by the platform's WebCrypto and Compression Streams: browsers (secure contexts) and Node.js from 20 on. Calls may overlap. */
export const webCrypto: NodeCrypto = { sha256, verify, deflate, inflate, generateIdentity, signer, derive, hmac, encrypt, decrypt }

