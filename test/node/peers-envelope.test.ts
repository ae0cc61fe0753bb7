import { expect, test } from 'vitest'
import type { Swarm } from '../../src/node/crypto.ts'
import { createEnvelopes, type EnvelopeOptions } from '../../src/node/peers-envelope.ts'
import { webCrypto } from '../../src/node/web-crypto.ts'
import { RELAY_BYTES_MAX } from '../../src/protocol/limits.ts'
import { decodeEnvelope, encodeEnvelope } from '../../src/protocol/relay.ts'
import { SIGNAL_BYTES_MAX, type Signal } from '../../src/protocol/signal.ts'
import { swarmIdOf } from '../../src/stream/swarm.ts'
import { createTestWorld } from '../environment.ts'
import { identityOf } from './peers-page.ts'

const world = createTestWorld()
const { environment } = world.profile().openTab()
const [founder, random] = [world.random.bytes(32), world.random.bytes(16)]
const swarm: Swarm = { id: await swarmIdOf(webCrypto, founder, random), key: world.random.bytes(32), founder, random }

const member = async (change: Partial<EnvelopeOptions> = {}) => {
  const identity = await identityOf(world.random.bytes(32))
  return { nodeId: identity.nodeId, ...createEnvelopes({ crypto: webCrypto, environment, swarm, nodeId: identity.nodeId, signer: webCrypto.signer(identity), ...change }) }
}

const [alice, bob, carol] = [await member(), await member(), await member()]
const greet: Signal = { type: 'greet', own: world.random.bytes(16), peer: world.random.bytes(16) }
const signal: Signal = { type: 'signal', attempt: world.random.bytes(16), index: 3, data: world.random.bytes(SIGNAL_BYTES_MAX) }

test('[R50] what a member seals the addressee opens, the largest signal too, in at most 4 KiB', async () => {
  const sealed = await alice.seal(bob.nodeId, signal)
  expect(sealed.length).toBeLessThanOrEqual(RELAY_BYTES_MAX)
  expect(await bob.open(sealed)).toEqual({ from: alice.nodeId, toWhoever: false, signal })
  expect(await bob.open(await alice.seal(undefined, greet))).toEqual({ from: alice.nodeId, toWhoever: true, signal: greet })
})

test('[R50] nobody opens what is for another, from another swarm, changed, or signed by another', async () => {
  const sealed = await alice.seal(bob.nodeId, signal)
  expect(await carol.open(sealed)).toBeUndefined()
  const stranger = await member({ swarm: { ...swarm, key: world.random.bytes(32) } })
  expect(await bob.open(await stranger.seal(bob.nodeId, signal))).toBeUndefined()
  const thief = await member({ nodeId: alice.nodeId })
  expect(await bob.open(await thief.seal(bob.nodeId, signal))).toBeUndefined()
  const decoded = decodeEnvelope(sealed)
  if (!decoded.ok) throw new Error('not an envelope')
  const { nonce, content } = decoded.value
  const changed = [{ from: carol.nodeId }, { nonce: nonce.map((byte) => byte ^ 1) }, { content: content.map((byte, at) => (at === 20 ? byte ^ 1 : byte)) }]
  for (const change of changed) expect(await bob.open(encodeEnvelope({ ...decoded.value, ...change }))).toBeUndefined()
})

test('[R52] [R53] only a greeting is for whoever is there; over the mesh it is for a node by name', async () => {
  expect(await bob.open(await alice.seal(undefined, signal))).toBeUndefined()
  expect(await bob.open(await alice.seal(bob.nodeId, greet))).toEqual({ from: alice.nodeId, toWhoever: false, signal: greet })
})

test('[R50] noise opens nothing', async () => {
  for (let length = 0; length < 400; length += 7) expect(await bob.open(world.random.bytes(length))).toBeUndefined()
})
