import { expect, test } from 'vitest'
import type { Message } from '../../src/protocol/message.ts'
import { createMember, createPuppet, type Puppet } from './replication-puppet.ts'
import { createReplicationWorld, type ReplicationWorld, type TestNode } from './replication-world.ts'

interface Scene {
  readonly world: ReplicationWorld
  readonly node: TestNode
}

const scene = async (): Promise<Scene> => {
  const world = createReplicationWorld(11)
  const node = await world.node('node')
  await node.publish(3)
  return { world, node }
}

/** What came of an intruder. */
const outcomeOf = async ({ world, node }: Scene, puppet: Puppet) => {
  await world.world.settle()
  return {
    heard: puppet.heard.filter((message) => message.type !== 'hello' && message.type !== 'proof'), peers: node.peers.size, holds: await node.heads(),
    reported: node.notices.map((notice) => notice.code),
  }
}

/** It heard no more than hello, a proof and `bye`; nothing was stored; it was reported. */
const turnedAway = ({ node }: Scene, reason: string) => ({ heard: [{ type: 'bye', reason }], peers: 0, holds: { [node.stream]: 3 }, reported: ['SESSION-ENDED'] })

test('[R7] a member that proves itself is told what the node holds', async () => {
  const { world, node } = await scene()
  const member = await createMember(world, node)
  expect(member.heard.map((message) => message.type)).toEqual(['hello', 'proof', 'about', 'have'])
  expect(node.peers.size).toBe(1)
})

test('[R7] who has another swarm key is turned away', async () => {
  const { world, node } = await scene()
  const puppet = await createPuppet(world, node)
  puppet.say(puppet.hello)
  puppet.say(await puppet.prove({ swarmKey: new Uint8Array(32).fill(8) }))
  expect(await outcomeOf({ world, node }, puppet)).toEqual(turnedAway({ world, node }, 'proof'))
})

test('[R7] a proof that is echoed proves nothing', async () => {
  const { world, node } = await scene()
  const puppet = await createPuppet(world, node, { claim: node.nodeId })
  puppet.say(puppet.hello)
  await world.world.settle()
  const proof = puppet.heard.find((message) => message.type === 'proof')
  if (proof === undefined) throw new Error('no proof')
  puppet.say(proof)
  expect(await outcomeOf({ world, node }, puppet)).toEqual(turnedAway({ world, node }, 'proof'))
})

test('[R7] hello and proof reflected as they are prove nothing', async () => {
  const { world, node } = await scene()
  const puppet = await createPuppet(world, node)
  puppet.sayBytes(puppet.heardBytes[0] ?? new Uint8Array(0))
  await world.world.settle()
  puppet.sayBytes(puppet.heardBytes[1] ?? new Uint8Array(0))
  expect(await outcomeOf({ world, node }, puppet)).toEqual(turnedAway({ world, node }, 'proof'))
})

test('[R7] a proof replayed from an earlier connection proves nothing', async () => {
  const { world, node } = await scene()
  const identity = await world.crypto.generateIdentity()
  const nonce = world.world.random.bytes(32)
  const first = await createPuppet(world, node, { identity, nonce })
  first.say(first.hello)
  const proof = await first.prove()
  first.transport.close('closed')
  await world.world.settle()
  const second = await createPuppet(world, node, { identity, nonce })
  second.say(second.hello)
  second.say(proof)
  expect(await outcomeOf({ world, node }, second)).toEqual(turnedAway({ world, node }, 'proof'))
})

test('[R7] a member’s proof for the other role proves nothing', async () => {
  const { world, node } = await scene()
  const puppet = await createPuppet(world, node)
  puppet.say(puppet.hello)
  puppet.say(await puppet.prove({ role: 'a' }))
  expect(await outcomeOf({ world, node }, puppet)).toEqual(turnedAway({ world, node }, 'proof'))
})

test('[R7] a key of small order proves nothing', async () => {
  const { world, node } = await scene()
  const puppet = await createPuppet(world, node, { claim: 'AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA' as never })
  puppet.say(puppet.hello)
  const { mac } = await puppet.prove()
  puppet.say({ type: 'proof', signature: Uint8Array.from({ length: 64 }, (_, at) => (at === 0 ? 1 : 0)), mac })
  expect(await outcomeOf({ world, node }, puppet)).toEqual(turnedAway({ world, node }, 'proof'))
})

const early: readonly (readonly [string, Message])[] = [
  ['about', { type: 'about', name: 'x', software: 'x', hubs: [] }],
  ['have', { type: 'have', heads: [], starts: [], forks: [], more: false }],
  ['ping', { type: 'ping', timeMicros: 1, page: 'visible' }],
]
test.each(early)('[R8] %s before the proofs ends the session', async (_, message) => {
  const { world, node } = await scene()
  const puppet = await createPuppet(world, node)
  puppet.say(puppet.hello)
  puppet.say(message)
  expect(await outcomeOf({ world, node }, puppet)).toEqual(turnedAway({ world, node }, 'violation'))
})

test('[R8] more than 4 KiB before the proofs ends the session', async () => {
  const { world, node } = await scene()
  const puppet = await createPuppet(world, node)
  puppet.sayBytes(new Uint8Array(4_097))
  expect(await outcomeOf({ world, node }, puppet)).toEqual(turnedAway({ world, node }, 'violation'))
})

test('[R9] who does not prove itself within 10 s is turned away', async () => {
  const { world, node } = await scene()
  const puppet = await createPuppet(world, node)
  puppet.say(puppet.hello)
  await world.world.advance(9_500)
  expect(puppet.heard.map((message) => message.type)).toEqual(['hello', 'proof'])
  await world.world.advance(1_000)
  expect(await outcomeOf({ world, node }, puppet)).toEqual(turnedAway({ world, node }, 'timeout'))
})

test('[R6] another swarm and another version are turned away', async () => {
  const { world, node } = await scene()
  const puppet = await createPuppet(world, node, { swarm: 'ff112233445566778899aabbccddeeff' as never })
  puppet.say(puppet.hello)
  expect(await outcomeOf({ world, node }, puppet)).toEqual(turnedAway({ world, node }, 'swarm'))
  const other = await createPuppet(world, node)
  other.say({ ...other.hello, versions: [2] })
  await world.world.settle()
  expect(other.heard.at(-1)).toEqual({ type: 'bye', reason: 'version' })
})
