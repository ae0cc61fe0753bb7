import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { StreamId } from '../../src/core/ids.ts'
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
  const holders: TestNode[] = []
  const versions: Lines[] = []
  for (const [at, disk] of disks.entries()) {
    const author = await world.node(`author ${at}`, { identity, disk })
    const holder = await world.node(`holder ${at}`)
    await author.replication.refresh()
    world.link(author, holder)
    await world.untilEqual([author, holder])
    world.drop(author, holder)
    versions.push(linesOf(await author.read(author.stream)))
    await author.replication.close('closed')
    holders.push(holder)
  }
  return { base: `${identity.nodeId}-0` as StreamId, holders, versions }
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
})
