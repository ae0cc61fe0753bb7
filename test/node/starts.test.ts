import { expect, test } from 'vitest'
import type { StreamId } from '../../src/core/ids.ts'
import { chainUpTo } from '../../src/node/fork-place.ts'
import type { Start } from '../../src/store/event-store.ts'
import { startBytes } from '../../src/stream/swarm.ts'
import { createMember } from './replication-puppet.ts'
import { copyDisk } from './world.ts'
import { createReplicationWorld, swarm, type ReplicationWorld, type TestNode } from './replication-world.ts'

/** What the owner signs when it holds its stream from its third closed segment on alone. */
const signedStart = async ({ crypto }: ReplicationWorld, author: TestNode, change: Partial<Start> = {}): Promise<Start> => {
  const { store, stream, identity } = author
  const record = await store.state(stream)
  const piece = await store.piece(stream, 2)
  if (record === undefined || piece === undefined) throw new Error('three segments')
  const view = new DataView(piece.sealed.header.buffer, piece.sealed.header.byteOffset)
  const place = {
    offset: 2, previous: piece.sealed.header.slice(102, 134), lamportBefore: Number(view.getBigUint64(82)) - 1,
    chain: await chainUpTo({ store, crypto }, stream, record, 2),
  }
  const signature = await crypto.signer(identity).sign(startBytes(swarm.id, stream, place))
  return { ...place, signature, ...change }
}

const join = async (world: ReplicationWorld, a: TestNode, b: TestNode) => {
  world.link(a, b)
  await world.world.advance(5_000)
}

/** An author of four closed segments and an open one, and a node that has the last ones alone. */
const cut = async (world: ReplicationWorld, change?: Partial<Start>) => {
  const author = await world.node('author')
  await author.write(4, 70_000)
  await author.write(3, 60)
  await author.replication.refresh()
  const holder = await world.node('holder')
  await holder.store.begin(author.stream, await signedStart(world, author, change))
  await join(world, author, holder)
  world.drop(author, holder)
  return { author, holder, stream: author.stream }
}

const startOf = async (node: TestNode, stream: StreamId) => (await node.store.heads()).get(stream)?.start
const codes = (node: TestNode) => node.notices.map(({ code }) => code)

test('[R40] who holds nothing of a stream goes on from its signed start, and passes it on', async () => {
  const world = createReplicationWorld(5)
  const { author, holder, stream } = await cut(world)
  const late = await world.node('late')
  const later = await world.node('later')
  await join(world, holder, late)
  await join(world, late, later)
  for (const node of [holder, late, later]) {
    expect([await node.heads(), await startOf(node, stream)]).toEqual([{ [stream]: 7 }, 2])
    expect(await node.read(stream)).toBe((await author.read(stream)).split('\n').slice(2).join('\n'))
    expect(node.notices).toEqual([])
  }
})

test('[R40] while anybody in reach holds what lies before, it is asked for there', async () => {
  const world = createReplicationWorld(6)
  const { author, holder, stream } = await cut(world)
  const whole = await world.node('whole')
  await join(world, author, whole)
  world.drop(author, whole)
  const late = await world.node('late')
  world.link(holder, late)
  await join(world, whole, late)
  expect([await late.heads(), await startOf(late, stream)]).toEqual([{ [stream]: 7 }, 0])
})

test.each([
  ['its chain', { chain: new Uint8Array(32).fill(1) }],
  ['its place', { lamportBefore: 1 }],
  ['its signature', { signature: new Uint8Array(64).fill(1) }],
] as const)('[R40] [F36] a start of which %s is forged begins nothing, and ends the session', async (_, change) => {
  const world = createReplicationWorld(7)
  const { holder } = await cut(world, change)
  const late = await world.node('late')
  await join(world, holder, late)
  expect(await late.heads()).toEqual({})
  expect(late.ended.map(({ reason }) => reason)).toEqual(['segment'])
})

test('[R40] [R12] a start of another stream than was asked for is a violation', async () => {
  const world = createReplicationWorld(10)
  const [node, author] = [await world.node('node'), await world.node('author')]
  await author.write(3, 70_000)
  const member = await createMember(world, node)
  member.say({ type: 'have', heads: [[`${author.nodeId}-7` as StreamId, { next: 9, id: new Uint8Array(16) }]], starts: [], forks: [], more: false })
  await world.world.settle()
  const want = member.heard.find((message) => message.type === 'want')
  if (want === undefined) throw new Error('it is asked for')
  member.say({ type: 'end', want: want.id, reason: 'start', start: { stream: author.stream, ...(await signedStart(world, author)) } })
  await world.world.settle()
  expect(member.heard.at(-1)).toEqual({ type: 'bye', reason: 'violation' })
})

test('[R40] [R42] a start of the own stream that this node did not make is sealed evidence', async () => {
  const world = createReplicationWorld(11)
  const twin = await world.node('twin')
  await twin.write(4, 70_000)
  const node = await world.node('node', { identity: twin.identity })
  const start = await signedStart(world, twin)
  const member = await createMember(world, node)
  member.say({ type: 'have', heads: [[node.stream, { next: 4, id: new Uint8Array(16) }]], starts: [], forks: [], more: false })
  await world.world.settle()
  const want = member.heard.find((message) => message.type === 'want')
  if (want === undefined) throw new Error('it is asked for')
  member.say({ type: 'end', want: want.id, reason: 'start', start: { stream: node.stream, ...start } })
  await world.world.settle()
  expect(node.lost).toEqual(['restored'])
})

test('[R40] who holds a part below stands still and says so, and gives up nothing', async () => {
  const world = createReplicationWorld(8)
  const author = await world.node('author')
  await author.write(1, 70_000)
  const early = await world.node('early')
  await author.replication.refresh()
  await join(world, author, early)
  world.drop(author, early)
  await author.write(3, 70_000)
  const holder = await world.node('holder')
  await holder.store.begin(author.stream, await signedStart(world, author))
  await author.replication.refresh()
  await join(world, author, holder)
  world.drop(author, holder)
  await join(world, holder, early)
  expect([await early.heads(), codes(early)]).toEqual([{ [author.stream]: 1 }, ['STREAM-CUT']])
  await join(world, author, early)
  expect(await early.heads()).toEqual({ [author.stream]: 4 })
})

test('[F36] [F37] who began at a start gives branches the names that they have for who holds all', async () => {
  const world = createReplicationWorld(9)
  const { author, holder, stream } = await cut(world)
  const whole = await world.node('whole')
  await join(world, author, whole)
  world.drop(author, whole)
  const copy = await world.node('copy', { identity: author.identity, disk: await copyDisk(author.disk) })
  for (const [writer, follower] of [[author, holder], [copy, whole]] as const) {
    await writer.write(2, 60, writer.name)
    await writer.replication.refresh()
    await join(world, writer, follower)
    await writer.replication.close('closed')
  }
  await join(world, holder, whole)
  await join(world, holder, whole)
  const heads = await whole.heads()
  expect(Object.values(heads)).toEqual([7, 9, 9])
  expect(await holder.heads()).toEqual(heads)
  expect([await startOf(holder, stream), await startOf(whole, stream)]).toEqual([2, 0])
})
