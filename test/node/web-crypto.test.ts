import { expect, test, vi } from 'vitest'
import { bytesToHex, concatBytes, equalBytes } from '../../src/core/bytes.ts'
import type { SwarmId } from '../../src/core/ids.ts'
import { encodeUtf8 } from '../../src/core/utf8.ts'
import { webCrypto } from '../../src/node/web-crypto.ts'
import { createRandom } from '../random.ts'
import { given } from '../stream/given.ts'
import { hex, publishedIdentity } from '../stream/keys.ts'

const message = encodeUtf8('message')

test('[F21] an identity signs, and its private key cannot be read', async () => {
  const identity = await webCrypto.generateIdentity()
  const seal = await webCrypto.signer(identity).sign(message)
  expect(await webCrypto.verify(identity.publicKey, seal, message)).toBe(true)
  expect(await webCrypto.verify(identity.publicKey, seal, encodeUtf8('massage'))).toBe(false)
  expect(identity.privateKey).toMatchObject({ extractable: false, type: 'private' })
  await expect(crypto.subtle.exportKey('pkcs8', identity.privateKey as CryptoKey)).rejects.toThrow('not extractable')
})

test('[G6] a platform without Ed25519, or an insecure page without WebCrypto, is named as such', async () => {
  const refusing = { subtle: { generateKey: () => Promise.reject(new DOMException('Unrecognized name.', 'NotSupportedError')) } }
  for (const platform of [refusing, {}]) {
    vi.stubGlobal('crypto', platform)
    await expect(webCrypto.generateIdentity()).rejects.toMatchObject({ code: 'NODE-UNSUPPORTED', message: expect.stringContaining('Firefox 136') as string })
  }
  vi.unstubAllGlobals()
})

test('[F21] signatures are those of RFC 8032', async () => {
  const seal = await webCrypto.signer(await publishedIdentity(1)).sign(Uint8Array.of(0x72))
  expect(bytesToHex(seal)).toBe('92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00')
})

test('[F21] a signature of any malformed form does not hold, and nothing is thrown', async () => {
  const { publicKey } = await publishedIdentity(0)
  for (const [key, seal] of [[publicKey, new Uint8Array(0)], [publicKey, new Uint8Array(65)], [new Uint8Array(0), new Uint8Array(64)], [publicKey.subarray(1), new Uint8Array(64)]] as const) {
    expect(await webCrypto.verify(key, seal, message)).toBe(false)
  }
})

test('[F20] bytes within a larger buffer and in shared memory are hashed alike', async () => {
  const hash = await webCrypto.sha256(message)
  expect(bytesToHex(hash)).toBe('ab530a13e45914982b79f9b7e3fba994cfd1f3fb22f71cea1afbf02b460c6d1d')
  expect(await webCrypto.sha256(concatBytes([hash, message, hash]).subarray(32, 39))).toEqual(hash)
  const shared = new Uint8Array(new SharedArrayBuffer(message.length))
  shared.set(message)
  expect(await webCrypto.sha256(shared)).toEqual(hash)
})

test('[F24] deflated bytes inflate to the same, many at once', async () => {
  const random = createRandom(1)
  const bodies = Array.from({ length: 20 }, (_, at) => (at % 2 === 0 ? random.bytes(at * 9000) : new Uint8Array(at * 9000).fill(at)))
  const inflated = await Promise.all(bodies.map(async (body) => webCrypto.inflate(await webCrypto.deflate(body), body.length)))
  for (const [at, body] of bodies.entries()) expect(equalBytes(given(inflated[at]), body)).toBe(true)
})

test('[F24] what inflates to more than was promised is refused', async () => {
  const bomb = await webCrypto.deflate(new Uint8Array(64 * 1024 * 1024))
  expect(bomb.length).toBeLessThan(80_000)
  expect(await webCrypto.inflate(bomb, 1000)).toBeUndefined()
  expect(await webCrypto.inflate(bomb, 64 * 1024 * 1024 - 1)).toBeUndefined()
})

test('[F24] noise does not inflate', async () => {
  const random = createRandom(2)
  for (let count = 0; count < 50; count++) expect(await webCrypto.inflate(random.bytes(200), 100_000)).toBeUndefined()
})

test('[G7] what was encrypted is opened only with its key, nonce and additional data', async () => {
  const random = createRandom(3)
  const [key, nonce, plain, additional] = [random.bytes(32), random.bytes(12), random.bytes(100), random.bytes(5)]
  const cipher = await webCrypto.encrypt(key, nonce, plain, additional)
  expect(cipher.length).toBe(plain.length + 16)
  expect(await webCrypto.decrypt(key, nonce, cipher, additional)).toEqual(plain)
  const flipped = (bytes: Uint8Array): Uint8Array => bytes.map((byte, at) => (at === 0 ? byte ^ 1 : byte))
  expect(await webCrypto.decrypt(flipped(key), nonce, cipher, additional)).toBeUndefined()
  expect(await webCrypto.decrypt(key, flipped(nonce), cipher, additional)).toBeUndefined()
  expect(await webCrypto.decrypt(key, nonce, flipped(cipher), additional)).toBeUndefined()
  expect(await webCrypto.decrypt(key, nonce, cipher, flipped(additional))).toBeUndefined()
  expect(await webCrypto.decrypt(key, nonce, new Uint8Array(3), additional)).toBeUndefined()
})

test('[G7] derived keys are those of HKDF, one for each label and swarm', async () => {
  // HKDF by hand: extract with the swarm id as salt, expand with the label and one counter byte.
  const [swarmKey, swarm] = [hex('0b'.repeat(32)), '000102030405060708090a0b0c0d0e0f' as SwarmId]
  const extracted = await webCrypto.hmac(hex(swarm), swarmKey)
  const expected = await webCrypto.hmac(extracted, concatBytes([encodeUtf8('millpond/auth/1'), Uint8Array.of(1)]))
  expect(await webCrypto.derive(swarmKey, swarm, 'auth')).toEqual(expected)
  expect(await webCrypto.derive(swarmKey, swarm, 'relay')).not.toEqual(expected)
  expect(await webCrypto.derive(swarmKey, 'ff0102030405060708090a0b0c0d0e0f' as SwarmId, 'auth')).not.toEqual(expected)
})

test('[G7] HMAC is that of RFC 4231', async () => {
  expect(bytesToHex(await webCrypto.hmac(hex('0b'.repeat(20)), encodeUtf8('Hi There')))).toBe('b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7')
})
