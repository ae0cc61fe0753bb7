import { expect, test } from 'vitest'
import type { SwarmId } from '../../src/core/ids.ts'
import { webCrypto } from '../../src/node/web-crypto.ts'
import { createRandom } from '../random.ts'
import { createSeededCrypto } from '../seeded-crypto.ts'
import { validityCases } from '../stream/validity-cases.ts'

const swarm = '000102030405060708090a0b0c0d0e0f' as SwarmId

test('[G7] the seeded cryptography of the tests and that of the browsers take each other’s bytes', async () => {
  const random = createRandom(1)
  const seeded = createSeededCrypto(random)
  const [key, nonce, message, salt] = [random.bytes(32), random.bytes(12), random.bytes(3000), random.bytes(9)]
  const [mine, theirs] = [await seeded.generateIdentity(), await webCrypto.generateIdentity()]
  for (const [crypto, other, identity] of [[seeded, webCrypto, mine], [webCrypto, seeded, theirs]] as const) {
    const seal = await crypto.signer(identity).sign(message)
    expect(await other.verify(identity.publicKey, seal, message)).toBe(true)
    expect(await other.verify(identity.publicKey, seal, message.subarray(1))).toBe(false)
    expect(await other.inflate(await crypto.deflate(message), message.length)).toEqual(message)
    expect(await other.decrypt(key, nonce, await crypto.encrypt(key, nonce, message, salt), salt)).toEqual(message)
    expect(await other.decrypt(key, nonce, await crypto.encrypt(key, nonce, message, salt), message)).toBeUndefined()
    expect([await other.sha256(message), await other.hmac(key, message)]).toEqual([await crypto.sha256(message), await crypto.hmac(key, message)])
    expect(await other.derive(key, swarm, 'relay')).toEqual(await crypto.derive(key, swarm, 'relay'))
  }
})

test('[G7] the same seed gives the same keys and seals', async () => {
  const once = async () => {
    const seeded = createSeededCrypto(createRandom(7))
    const identity = await seeded.generateIdentity()
    return [identity.nodeId, await seeded.signer(identity).sign(identity.publicKey), (await seeded.generateIdentity()).nodeId]
  }
  expect(await once()).toEqual(await once())
})

test('[G7] the seeded cryptography inflates to the promised length alone, and nothing beyond the end', async () => {
  const seeded = createSeededCrypto(createRandom(2))
  const deflated = await seeded.deflate(new Uint8Array(5000))
  expect(await seeded.inflate(deflated, 4999)).toBeUndefined()
  expect(await seeded.inflate(deflated, 5001)).toBeUndefined()
  expect(await seeded.inflate(Uint8Array.of(...deflated, 0), 5000)).toBeUndefined()
  expect(await seeded.inflate(deflated.subarray(0, -1), 5000)).toBeUndefined()
})

test.each(validityCases)('$title: $expected', async ({ verdict, expected }) => {
  expect(await verdict(createSeededCrypto(createRandom(3)))).toBe(expected)
})
