import { expect, test } from 'vitest'
import { nodeIdToPublicKey, type NodeId } from '../../src/core/ids.ts'
import { memberSignedBytes } from '../../src/protocol/members.ts'
import type { Envelope, Message } from '../../src/protocol/message.ts'
import { envelopeSignedBytes } from '../../src/protocol/relay.ts'
import type { Identity } from '../../src/store/event-store.ts'
import { pureCrypto } from '../seeded-crypto.ts'
import { createMember, type Puppet } from './replication-puppet.ts'
import { createReplicationWorld, swarm } from './replication-world.ts'

const features = ['relay', 'members']
const relaysOf = (puppet: Puppet): readonly Extract<Message, { type: 'relay' }>[] => puppet.heard.flatMap((message) => (message.type === 'relay' ? [message] : []))

const envelopeFrom = async (identity: Identity, to: NodeId, nonce: Uint8Array): Promise<Envelope> => {
  const unsigned = { from: identity.nodeId, to, nonce, content: new Uint8Array(100) }
  return { ...unsigned, signature: await pureCrypto.signer(identity).sign(envelopeSignedBytes(swarm.id, unsigned)) }
}

/** One node between two puppets, and one that has not announced anything. */
const between = async () => {
  const here = createReplicationWorld(21)
  const node = await here.node('node')
  const [left, right] = [await here.crypto.generateIdentity(), await here.crypto.generateIdentity()]
  const puppets = { left: await createMember(here, node, { identity: left, features }), right: await createMember(here, node, { identity: right, features }), old: await createMember(here, node) }
  return { ...here, node, leftId: left, rightId: right, ...puppets }
}

test('[R51] [R13] an envelope is passed on as it came, once, with one hop less, and not to who has not announced it', async () => {
  const { world, crypto, left, right, old, leftId } = await between()
  const envelope = await envelopeFrom(leftId, (await crypto.generateIdentity()).nodeId, world.random.bytes(16))
  for (let time = 0; time < 3; time++) left.say({ type: 'relay', envelope, hops: 4 })
  await world.advance(200)
  expect(relaysOf(right)).toEqual([{ type: 'relay', envelope, hops: 3 }])
  expect([...relaysOf(left), ...relaysOf(old)]).toEqual([])
})

test('[R51] one with a forged signature goes nowhere and ends the session that brought it, the others live on', async () => {
  const { world, crypto, node, left, right, rightId } = await between()
  const genuine = await envelopeFrom(rightId, (await crypto.generateIdentity()).nodeId, world.random.bytes(16))
  left.say({ type: 'relay', envelope: { ...genuine, content: genuine.content.map((byte) => byte ^ 1) }, hops: 4 })
  await world.advance(200)
  expect([relaysOf(right), left.heard.at(-1)]).toEqual([[], { type: 'bye', reason: 'violation' }])
  expect([node.peers.size, right.closed]).toEqual([2, []])
})

test('[R14] [R51] a flood reaches others as a trickle, and ends the session of who goes on with it', async () => {
  const { world, crypto, left, right, leftId } = await between()
  const to = (await crypto.generateIdentity()).nodeId
  const envelopes = await Promise.all(Array.from({ length: 60 }, () => envelopeFrom(leftId, to, world.random.bytes(16))))
  for (const envelope of envelopes) left.say({ type: 'relay', envelope, hops: 4 })
  await world.advance(500)
  expect([left.closed, relaysOf(right).length]).toEqual([[], 20])
  for (const envelope of Array.from({ length: 20 }, () => envelopes).flat()) left.say({ type: 'relay', envelope, hops: 4 })
  await world.advance(500)
  expect(left.heard.at(-1)).toEqual({ type: 'bye', reason: 'violation' })
  expect(right.closed).toEqual([])
})

test('[R55] [R56] an entry is told on with its own signature, one that was changed ends the session of who told it', async () => {
  const { world, crypto, node, left, right } = await between()
  const far = await crypto.generateIdentity()
  const unsigned = { nodeId: far.nodeId, name: 'Far', links: [], counter: 7 }
  const member = { ...unsigned, signature: await pureCrypto.signer(far).sign(memberSignedBytes(swarm.id, unsigned)) }
  left.say({ type: 'members', members: [{ member, heardSecondsAgo: 3 }] })
  await world.advance(2500)
  const told = right.heard.flatMap((message) => (message.type === 'members' ? message.members : []))
  expect(told.filter(({ member: { nodeId } }) => nodeId === far.nodeId).map((each) => each.member)).toEqual([member])
  expect(node.replication.nodes().map(({ name, hops }) => [name, hops])).toEqual([['Far', undefined]])
  const own = told.findLast(({ member: { nodeId } }) => nodeId === node.nodeId)?.member
  expect(own !== undefined && (await pureCrypto.verify(nodeIdToPublicKey(node.nodeId), own.signature, memberSignedBytes(swarm.id, own)))).toBe(true)
  left.say({ type: 'members', members: [{ member: { ...member, counter: 8 }, heardSecondsAgo: 3 }] })
  await world.advance(500)
  expect([left.heard.at(-1), node.replication.nodes().length, right.closed]).toEqual([{ type: 'bye', reason: 'violation' }, 1, []])
})

test('[R56] a node whose clock was set back goes above the entry that others have of it', async () => {
  const { world, node, left } = await between()
  const later = { nodeId: node.nodeId, name: 'before', links: [], counter: 2 ** 52 }
  const member = { ...later, signature: await pureCrypto.signer(node.identity).sign(memberSignedBytes(swarm.id, later)) }
  left.say({ type: 'members', members: [{ member, heardSecondsAgo: 3 }] })
  await world.advance(2500)
  const counters = left.heard.flatMap((message) => (message.type === 'members' ? message.members : [])).filter(({ member: { nodeId } }) => nodeId === node.nodeId)
  expect(counters.at(-1)?.member.counter).toBe(2 ** 52 + 1)
})
