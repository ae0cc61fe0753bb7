import { describe, expect, test } from 'vitest'
import type { StreamId } from '../../src/core/ids.ts'
import type { Message } from '../../src/protocol/message.ts'
import { createMember, type Puppet } from './replication-puppet.ts'
import { createReplicationWorld, type ReplicationWorld, type TestNode } from './replication-world.ts'

const wantsOf = (puppet: Puppet) => puppet.heard.filter((message): message is Extract<Message, { type: 'want' }> => message.type === 'want')

/** One identity on two disks: both hold the same beginning, then each goes on for itself. Each is known to one other node. */
const twoVersions = async (world: ReplicationWorld, common: readonly [number, number], ends: readonly [(node: TestNode) => Promise<void>, (node: TestNode) => Promise<void>]) => {
  const identity = await world.crypto.generateIdentity()
  const holders: TestNode[] = []
  for (const [at, end] of ends.entries()) {
    const author = await world.node(`author ${at}`, { identity })
    if (common[0] > 0) await author.write(common[0], common[1], 'common')
    await end(author)
    const holder = await world.node(`holder ${at}`)
    world.link(author, holder)
    await author.replication.refresh()
    await world.untilEqual([author, holder])
    world.drop(author, holder)
    await author.replication.close('closed')
    holders.push(holder)
  }
  const [one, other] = holders
  if (one === undefined || other === undefined) throw new Error('two holders')
  return { one, other, stream: `${identity.nodeId}-0` as StreamId }
}

const linkAgain = async (world: ReplicationWorld, nodes: readonly (readonly [TestNode, TestNode])[]) => {
  for (let round = 0; round < 8; round++) {
    for (const [a, b] of nodes) if (!world.network.connections().some((names) => names.includes(a.name) && names.includes(b.name))) world.link(a, b)
    await world.world.advance(1_500)
  }
}

describe('forks', () => {
  const cases = [
    { title: 'in the open segment', common: [5, 60], lines: 5, ends: [[3, 60], [4, 60]] },
    { title: 'in the first batch', common: [0, 60], lines: 0, ends: [[2, 60], [3, 60]] },
    { title: 'one side closed, the other open', common: [5, 60], lines: 5, ends: [[1, 80_000], [4, 60]] },
    { title: 'many closed segments after it', common: [400, 400], lines: 400, ends: [[9, 70_000], [1_500, 400]] },
    { title: 'in a closed segment, with another cut', common: [10, 60], lines: 10, ends: [[500, 300], [3, 100_000]] },
  ] as const
  test.each(cases)('[R44] [F37] the stream ends at the first batch that differs, and both versions go on as branches, the same ones on both nodes: $title', async ({ common, lines, ends }) => {
    const world = createReplicationWorld(21)
    const { one, other, stream } = await twoVersions(world, common, [
      (node) => node.write(ends[0][0], ends[0][1], 'A'),
      (node) => node.write(ends[1][0], ends[1][1], 'B'),
    ])
    const versions = [await one.read(stream), await other.read(stream)]
    await linkAgain(world, [[one, other]])
    const heads = await one.heads()
    expect(await other.heads()).toEqual(heads)
    expect(heads[stream] ?? 0).toBe(lines)
    const branches = Object.keys(heads).filter((id) => id.startsWith(`${stream}~`)) as StreamId[]
    expect(branches.map((branch) => heads[branch]).toSorted()).toEqual([lines + ends[0][0], lines + ends[1][0]].toSorted())
    for (const node of [one, other]) {
      const kept = await node.read(stream)
      expect(kept.split('\n').length - 1).toBe(lines)
      expect((await Promise.all(branches.map((branch) => node.read(branch)))).map((rest) => kept + rest).toSorted()).toEqual(versions.toSorted())
      expect(node.notices.map(({ code, about }) => [code, about])).toEqual([['STREAM-FORKED', stream]])
      expect((await node.store.state(stream))?.standing).toMatchObject({ type: 'forked', end: lines })
      for (const kind of ['tail', 'segment', 'fork', 'fork-early']) expect((await node.store.listAside(kind)).map(([name]) => name)).toEqual([])
    }
  })

  test.each([0, 5])('[R45] [G3] a node that holds nothing of a stream that has forked after %i entries gets all of it', async (lines) => {
    const world = createReplicationWorld(23)
    const { one, other } = await twoVersions(world, [lines, 60], [(node) => node.write(3, 60, 'A'), (node) => node.write(2, 60, 'B')])
    await linkAgain(world, [[one, other]])
    const late = await world.node('late')
    await linkAgain(world, [[one, late]])
    expect(await late.heads()).toEqual(await one.heads())
  })

  test('[R45] who holds one version learns of the fork by word of it, and passes it on', async () => {
    const world = createReplicationWorld(22)
    const { one, other, stream } = await twoVersions(world, [5, 60], [(node) => node.write(3, 60, 'A'), (node) => node.write(3, 60, 'B')])
    const third = await world.node('third')
    world.link(one, third)
    await world.untilEqual([one, third])
    world.drop(one, third)
    const fourth = await world.node('fourth')
    await linkAgain(world, [[one, other], [other, third], [third, fourth]])
    for (const node of [one, other, third, fourth]) {
      expect((await node.store.state(stream))?.standing).toMatchObject({ type: 'forked', end: 5 })
      expect(await node.heads()).toEqual(await one.heads())
    }
    expect(Object.keys(await fourth.heads()).filter((id) => id.startsWith(stream))).toHaveLength(3)
  })
})

describe('own stream', () => {
  test('[R42] a node restored from an older image learns it from what is sealed, and its stream is not written again', async () => {
    const world = createReplicationWorld(31)
    const identity = await world.crypto.generateIdentity()
    const old = await world.node('old', { identity })
    const peer = await world.node('peer')
    await old.write(10, 60, 'same')
    await old.replication.refresh()
    world.link(old, peer)
    await world.untilEqual([old, peer])
    world.drop(old, peer)
    const restored = await world.node('restored', { identity })
    await restored.write(5, 60, 'same')
    await restored.replication.refresh()
    world.link(restored, peer)
    await world.world.advance(3_000)
    expect(restored.lost).toEqual(['restored'])
    expect(restored.peers.size).toBe(0)
    expect(peer.ended.at(-1)).toMatchObject({ reason: 'identity' })
    expect(peer.lost).toEqual([])
  })

  test('[R42] so does one whose image went another way at a lower offset', async () => {
    const world = createReplicationWorld(32)
    const identity = await world.crypto.generateIdentity()
    const old = await world.node('old', { identity })
    const peer = await world.node('peer')
    await old.write(5, 60, 'same')
    await old.write(2, 60, 'old')
    await old.replication.refresh()
    world.link(old, peer)
    await world.untilEqual([old, peer])
    world.drop(old, peer)
    const restored = await world.node('restored', { identity })
    await restored.write(5, 60, 'same')
    await restored.write(4, 60, 'new')
    await restored.replication.refresh()
    world.link(restored, peer)
    await world.world.advance(4_000)
    expect(restored.lost).toEqual(['restored'])
  })

  test('[R42] unsealed word of more than the own disk holds, or other, changes nothing and is asked for once', async () => {
    const world = createReplicationWorld(33)
    const node = await world.node('node')
    const other = await world.crypto.generateIdentity()
    await node.publish(5)
    const liar = await createMember(world, node)
    const id = new Uint8Array(16).fill(9)
    const said: Message = { type: 'have', heads: [[node.stream, { next: 50, id }], [`${other.nodeId}-0` as StreamId, { next: 7, id }]], starts: [], forks: [], more: false }
    liar.say(said)
    await world.world.settle()
    expect(wantsOf(liar).map((want) => want.stream).sort()).toEqual([node.stream, `${other.nodeId}-0`].sort())
    for (const want of wantsOf(liar)) liar.say({ type: 'end', want: want.id, reason: 'all', start: undefined })
    await world.world.advance(5_000)
    expect(wantsOf(liar)).toHaveLength(2)
    expect(await node.heads()).toEqual({ [node.stream]: 5 })
    expect(node.lost).toEqual([])
    expect(node.peers.size).toBe(1)
  })

  test('[R42] a lower head of the own stream that this disk has otherwise is asked for', async () => {
    const world = createReplicationWorld(34)
    const node = await world.node('node')
    await node.publish(5)
    const liar = await createMember(world, node)
    liar.say({ type: 'have', heads: [[node.stream, { next: 3, id: new Uint8Array(16).fill(9) }]], starts: [], forks: [], more: false })
    await world.world.settle()
    expect(wantsOf(liar).map(({ stream, place }) => [stream, place.first, place.next])).toEqual([[node.stream, 0, 0]])
    expect(node.lost).toEqual([])
  })

  test('[R10] the same identity on two disks: both take a new one', async () => {
    const world = createReplicationWorld(35)
    const identity = await world.crypto.generateIdentity()
    const [a, b] = [await world.node('a', { identity }), await world.node('b', { identity })]
    world.link(a, b)
    await world.world.settle()
    expect([a.lost, b.lost]).toEqual([['twin'], ['twin']])
  })

  test('[R10] another tab of the same profile is no twin', async () => {
    const world = createReplicationWorld(36)
    const node = await world.node('node')
    const [near, far] = world.network.connectPair('node', 'node again')
    node.replication.add(near)
    node.replication.add(far)
    await world.world.settle()
    expect(node.lost).toEqual([])
    expect(node.ended.map(({ reason }) => reason)).toEqual(['self', 'self'])
  })
})
