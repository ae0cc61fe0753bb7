import { getHeapStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect } from 'vitest'
import type { StreamId } from '../../src/core/ids.ts'
import type { MemoryDisk } from '../../src/store/memory-event-store.ts'
import { createReplicationWorld, type ReplicationWorld, type TestNode } from './replication-world.ts'

/** A node that is attacked, and an honest one that is connected with it all the while. */
export interface Siege {
  readonly world: ReplicationWorld
  readonly node: TestNode
  readonly honest: TestNode
  /** Codes of what the node has reported since the siege began. */
  readonly reported: () => readonly string[]
}

/** What an attack may leave: streams of its own, if they are valid. */
export interface Left {
  readonly streams?: readonly StreamId[]
}

const heapMaxBytes = 32 * 1024 * 1024

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

const heapBytes = (): number => {
  collect()
  const { used_heap_size: heap, external_memory: external } = getHeapStatistics()
  return heap + external
}

/** What the node holds of every stream, and all that is set aside. */
const dump = async (node: TestNode, disk: MemoryDisk) => {
  const streams = Object.keys(await node.heads()) as StreamId[]
  const texts = await Promise.all(streams.map(async (stream) => [stream, await node.read(stream)] as const))
  return { texts: new Map(texts), aside: disk.entries('aside'), identity: disk.entries('meta').filter(([key]) => key === 'identity') }
}

export const beginSiege = async (seed: number): Promise<Siege> => {
  const world = createReplicationWorld(seed)
  const [node, honest] = [await world.node('node'), await world.node('honest')]
  world.link(node, honest)
  await node.publish(3)
  await honest.publish(3)
  await world.world.advance(3_000)
  return { world, node, honest, reported: () => node.notices.map(({ code }) => code) }
}

/** These say that the program has failed, not that somebody was turned away. */
const bugs: readonly string[] = ['REPLICATION-FAILED', 'CHANNEL-FAILED', 'STORE-FAILED', 'READ-FAILED']

/**
 * Runs an attack. Meanwhile the honest node publishes, and hears that it is held; afterwards nothing of what was stored is otherwise,
 * nothing is set aside, the identity is the same, and the memory that is still in use has grown by less than 32 MiB.
 */
export const withstand = async (siege: Siege, attack: () => Promise<void>, { streams = [] }: Left = {}): Promise<void> => {
  const { world, node, honest, reported } = siege
  const before = await dump(node, node.disk)
  const idle = heapBytes()
  await honest.publish(1)
  await attack()
  await honest.publish(1)
  await node.publish(1)
  const heapGrowth = heapBytes() - idle
  await world.world.until(() => (honest.holdsOf(node)?.[honest.stream] ?? -1) >= (before.texts.get(honest.stream)?.split('\n').length ?? 0), 10_000)
  await world.world.until(async () => (await honest.heads())[node.stream] === (await node.heads())[node.stream], 10_000)
  const after = await dump(node, node.disk)
  expect([...after.texts.keys()].filter((stream) => !before.texts.has(stream) && !streams.includes(stream))).toEqual([])
  for (const [stream, text] of before.texts) expect(after.texts.get(stream)?.startsWith(text)).toBe(true)
  expect(after.aside).toEqual(before.aside)
  expect([after.identity, node.lost]).toEqual([before.identity, []])
  expect(reported().filter((code) => bugs.includes(code))).toEqual([])
  expect(heapGrowth).toBeLessThan(heapMaxBytes)
}
