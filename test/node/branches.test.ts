import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { StreamId } from '../../src/core/ids.ts'
import { readForkStatus } from '../../src/node/fork-status.ts'
import type { Transport } from '../../src/net/transport.ts'
import { decodeMessage } from '../../src/protocol/codec.ts'
import { createMemoryDisk, type MemoryDisk } from '../../src/store/memory-event-store.ts'
import type { Identity } from '../../src/store/event-store.ts'
import { createRandom, type Random } from '../random.ts'
import { createReplicationWorld, type ReplicationWorld, type TestNode } from './replication-world.ts'
import { copyDisk } from './world.ts'

// One key on several disks, copied from each other at any time and written on: which streams that gives is worked out here from the lines alone.

type Lines = readonly string[]

/** The branches of `versions`, which have their first `at` lines in common, and the streams of those. */
const streamsOf = (base: string, versions: readonly Lines[], at = 0, name = base): readonly (readonly [string, Lines])[] => {
  let end = at
  const following = () => [...new Set(versions.map((lines) => lines[end]).filter((line) => line !== undefined))]
  while (following().length === 1) end++
  const longest = versions.reduce((one, other) => (other.length > one.length ? other : one))
  const branches = following().map((line) => versions.filter((lines) => lines[end] === line))
  const inner = branches.flatMap((group) => streamsOf(base, group, end, nameOf(base, group[0]?.slice(0, end + 1) ?? [])))
  return end === at ? inner : [[name, longest.slice(at, end)], ...inner]
}

/** As FORMAT.md [F37] says. */
const nameOf = (base: string, lines: Lines): string => {
  const chain = lines.reduce((before, line) => createHash('sha256').update(before).update(line).digest(), Buffer.alloc(32))
  return `${base}~${chain.toString('base64url').slice(0, 22)}`
}

const linesOf = (text: string): Lines => text.split('\n').slice(0, -1).map((line) => `${line}\n`)

const sorted = (streams: Iterable<readonly [string, Lines]>) => [...streams].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([name, lines]) => [name, lines.map((line) => createHash('sha256').update(line).digest('hex').slice(0, 8))])

const heldBy = async (node: TestNode, base: StreamId) => {
  const names = Object.keys(await node.heads()).filter((name) => name.startsWith(base)) as StreamId[]
  return sorted(await Promise.all(names.map(async (name) => [name, linesOf(await node.read(name))] as const)))
}

/** So many disks of one identity that have gone apart, and who holds the version of each: it heard nobody else. */
const apart = async (world: ReplicationWorld, random: Random, count: number) => {
  const identity: Identity = await world.crypto.generateIdentity()
  const disks: MemoryDisk[] = [createMemoryDisk()]
  const write = async (disk: MemoryDisk, text: string) => {
    const author = await world.node(`author ${text}`, { identity, disk })
    await author.write(1 + random.below(6), random.pick([60, 60, 3_000, 30_000]), text)
    await author.replication.close('closed')
  }
  if (random.chance(0.8)) await write(disks[0] ?? createMemoryDisk(), 'common')
  for (let step = 0; disks.length < count || step < 4 * count; step++) {
    if (disks.length < count && random.chance(0.4)) disks.push(await copyDisk(random.pick(disks)))
    else await write(random.pick(disks), `step ${step}`)
  }
  const held = await Promise.all(disks.map((disk, at) => hold(world, identity, disk, `${at}`)))
  return { base: `${identity.nodeId}-0` as StreamId, holders: held.map(({ holder }) => holder), versions: held.map(({ lines }) => lines) }
}

/** Somebody who holds what lies on a disk of `identity`, and has heard nobody else. */
const hold = async (world: ReplicationWorld, identity: Identity, disk: MemoryDisk, name: string) => {
  const author = await world.node(`author ${name}`, { identity, disk })
  const holder = await world.node(`holder ${name}`)
  await author.replication.refresh()
  world.link(author, holder)
  await world.untilEqual([author, holder])
  world.drop(author, holder)
  const lines = linesOf(await author.read(author.stream))
  await author.replication.close('closed')
  return { holder, lines }
}

/** Writes on a disk of `identity`, unseen. */
const writeOn = async (world: ReplicationWorld, identity: Identity, disk: MemoryDisk, batches: number, text: string) => {
  const author = await world.node(`author ${text}`, { identity, disk })
  await author.write(batches, 60, text)
  await author.replication.close('closed')
}

const copyAndWrite = async (world: ReplicationWorld, identity: Identity, disk: MemoryDisk, batches: number, text: string): Promise<MemoryDisk> => {
  const copy = await copyDisk(disk)
  await writeOn(world, identity, copy, batches, text)
  return copy
}

const isLinked = (world: ReplicationWorld, a: TestNode, b: TestNode) => world.network.connections().some((names) => names.includes(a.name) && names.includes(b.name))

/** Any two meet and part, for some rounds; then all in a row until nothing changes. */
const mingle = async (world: ReplicationWorld, random: Random, nodes: readonly TestNode[]) => {
  for (let round = 0; round < 6; round++) {
    const [a, b] = [random.pick(nodes), random.pick(nodes)]
    if (a === b) continue
    if (isLinked(world, a, b)) world.drop(a, b)
    else world.link(a, b)
    await world.world.advance(random.pick([50, 700, 3_000]))
  }
  let before = ''
  for (let round = 0, quiet = 0; quiet < 3; round++) {
    if (round > 40) throw new Error('they do not come to rest')
    for (const [at, node] of nodes.entries()) {
      const next = nodes[at + 1]
      if (next !== undefined && !isLinked(world, node, next)) world.link(node, next)
    }
    await world.world.advance(1_500)
    const now = JSON.stringify(await Promise.all(nodes.map((node) => node.heads())))
    quiet = now === before ? quiet + 1 : 0
    before = now
  }
}

/** Proofs of forks in a message on its way. */
const proofIn = (bytes: Uint8Array): string | undefined => {
  const decoded = decodeMessage(bytes)
  return decoded.ok && decoded.value.type === 'fork' ? [decoded.value.one, decoded.value.other].map(({ header }) => createHash('sha256').update(header).digest('hex').slice(0, 8)).toSorted().join() : undefined
}

describe('several versions of one stream', { timeout: 30_000 }, () => {
  test.each(Array.from({ length: 8 }, (_, at) => at + 1))('[F37] [R44] [R45] whoever meets whom first, all come to hold the same branches, each line once (seed %i)', async (seed) => {
    const world = createReplicationWorld(seed)
    const random = createRandom(seed)
    const { base, holders, versions } = await apart(world, random, 2 + random.below(3))
    const nodes = [...holders, await world.node('late'), await world.node('later')].toSorted(() => random.next() - 2 ** 31)
    await mingle(world, random, nodes)
    const expected = sorted(streamsOf(base, versions))
    for (const node of nodes) {
      expect([node.name, await heldBy(node, base)]).toEqual([node.name, expected])
      for (const kind of ['tail', 'segment', 'fork-early']) expect((await node.store.listAside(kind)).map(([name]) => name)).toEqual([])
      expect(node.notices.filter(({ code }) => code !== 'STREAM-FORKED')).toEqual([])
      expect(node.ended.map(({ reason }) => reason).filter((reason) => !['lost', 'lowered'].includes(reason))).toEqual([])
    }
  })

  test.each(Array.from({ length: 6 }, (_, at) => at + 1))('[F37] [G3] three versions with a fork within a fork: who was off that day comes to hold what all hold (seed %i)', async (seed) => {
    const world = createReplicationWorld(seed)
    const random = createRandom(100 + seed)
    const identity = await world.crypto.generateIdentity()
    const common = createMemoryDisk()
    await writeOn(world, identity, common, 1 + random.below(9), 'common')
    const { holder: off } = await hold(world, identity, common, 'off')
    const a = await copyAndWrite(world, identity, common, 1 + random.below(9), 'A')
    const held = [
      await hold(world, identity, await copyAndWrite(world, identity, a, 1 + random.below(400), 'A first'), 'first'),
      await hold(world, identity, await copyAndWrite(world, identity, a, 1 + random.below(9), 'A second'), 'second'),
      await hold(world, identity, await copyAndWrite(world, identity, common, 1 + random.below(9), 'B'), 'B'),
    ]
    const base = `${identity.nodeId}-0` as StreamId
    const nodes = held.map(({ holder }) => holder)
    await mingle(world, random, nodes)
    const expected = sorted(streamsOf(base, held.map(({ lines }) => lines)))
    expect(expected).toHaveLength(5)
    await mingle(world, random, [random.pick(nodes), off])
    for (const node of [...nodes, off]) expect([node.name, await heldBy(node, base)]).toEqual([node.name, expected])
  })

  test.each([1, 2, 3])('[R44] [S26] [G6] of seven versions the four with the smallest names are kept, the same ones everywhere; one that gives way lies aside and is reported (seed %i)', async (seed) => {
    const world = createReplicationWorld(seed)
    const random = createRandom(200 + seed)
    const identity = await world.crypto.generateIdentity()
    const common = createMemoryDisk()
    await writeOn(world, identity, common, 5, 'common')
    const held: Awaited<ReturnType<typeof hold>>[] = []
    for (let at = 0; at < 7; at++) held.push(await hold(world, identity, await copyAndWrite(world, identity, common, 3, `version ${at}`), `${at}`))
    const base = `${identity.nodeId}-0` as StreamId
    const nodes = held.map(({ holder }) => holder).toSorted(() => random.next() - 2 ** 31)
    await mingle(world, random, nodes)
    const [whole, ...branches] = sorted(streamsOf(base, held.map(({ lines }) => lines)))
    expect(branches).toHaveLength(7)
    for (const node of nodes) expect(await heldBy(node, base)).toEqual([whole, ...branches.slice(0, 4)])
    // Nothing is thrown away: what nobody has any more as a branch lies aside where it was held.
    const statuses = await Promise.all(nodes.map(async ({ store }) => ({ status: await readForkStatus({ store, crypto: world.crypto }, await store.heads()), aside: await store.listAside('tail') })))
    const aside = new Set(statuses.flatMap((each) => each.aside.map(([name]) => name.split('/')[0])))
    expect([...aside].toSorted()).toEqual(branches.slice(4).map(([name]) => name))
    for (const [at, { status, aside: own }] of statuses.entries()) {
      expect(status.map(({ entries, displaced }) => [entries, displaced])).toEqual([[[3, 3, 3, 3], own.length]])
      if (own.length > 0) expect(nodes[at]?.notices.map(({ code }) => code)).toContain('BRANCH-DISPLACED')
    }
  })

  test.each(Array.from({ length: 6 }, (_, at) => at + 1))('[R45] a proof is passed on once: over each connection at most once, and then never again (seed %i)', async (seed) => {
    const world = createReplicationWorld(seed)
    const random = createRandom(300 + seed)
    const identity = await world.crypto.generateIdentity()
    const common = createMemoryDisk()
    await writeOn(world, identity, common, 3, 'common')
    const [a, b] = [await copyAndWrite(world, identity, common, 3, 'A'), await copyAndWrite(world, identity, common, 3, 'B')]
    const { holder: bearer } = await hold(world, identity, b, 'bearer')
    const nodes = [(await hold(world, identity, a, 'first')).holder]
    const said: string[] = []
    const edges: (readonly [TestNode, TestNode])[] = []
    const overheard = (end: Transport, way: string): Transport => {
      const send = end.send.bind(end)
      return Object.assign(end, {
        send: (bytes: Uint8Array) => {
          const proof = proofIn(bytes)
          if (proof !== undefined) said.push(`${way}: ${proof}`)
          send(bytes)
        },
      })
    }
    const link = (one: TestNode, other: TestNode): void => {
      const [near, far] = world.network.connectPair(one.name, other.name)
      one.replication.add(overheard(near, `${one.name} to ${other.name}`))
      other.replication.add(overheard(far, `${other.name} to ${one.name}`))
    }
    const join = (one: TestNode, other: TestNode): void => {
      edges.push([one, other])
      link(one, other)
    }
    for (let at = 1; at < 6; at++) {
      const node = await world.node(`node ${at}`)
      const before = random.pick(nodes)
      join(node, before)
      const another = nodes.find((each) => each !== before)
      if (another !== undefined && random.chance(0.5)) join(node, another)
      nodes.push(node)
    }
    await world.untilEqual(nodes)
    join(bearer, random.pick(nodes))
    const everyone = [bearer, ...nodes]
    await world.world.advance(10_000)
    const total = said.length
    expect(total).toBeGreaterThan(0)
    expect(new Set(said).size).toBe(total)
    // Sessions that were told more than the stream has now have ended. In the next ones all know the fork.
    for (let round = 0; round < 10; round++) {
      for (const [one, other] of edges) if (!isLinked(world, one, other)) link(one, other)
      await world.world.advance(6_000)
    }
    expect(said.slice(total)).toEqual([])
    for (const node of everyone) expect((await node.store.state(`${identity.nodeId}-0` as StreamId))?.standing).toMatchObject({ type: 'forked', end: 3 })
  })
})
