import { expect, test } from 'vitest'
import type { StreamId } from '../../src/core/ids.ts'
import { tableNames, type Key, type TableName } from '../../src/store/tables.ts'
import { createMemoryDisk, type MemoryDisk } from '../../src/store/memory-event-store.ts'
import old from '../fixtures/forked-1.json' with { type: 'json' }
import { createReplicationWorld, type TestNode } from './replication-world.ts'

// Two disks as the program left them before it made branches: each holds one version of a stream, ended it where they differ and set the rest aside.

const bytesIn = (value: unknown): unknown => {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(bytesIn)
  if ('$bytes' in value && typeof value.$bytes === 'string') return new Uint8Array(Buffer.from(value.$bytes, 'base64'))
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, bytesIn(inner)]))
}

const diskOf = async (dump: Partial<Record<TableName, unknown>>): Promise<MemoryDisk> => {
  const disk = createMemoryDisk()
  const tables = disk.open()
  await tables.run({ tables: tableNames, mode: 'readwrite', durability: 'strict' }, async (transaction) => {
    for (const table of tableNames) for (const [key, value] of (dump[table] ?? []) as [Key, unknown][]) transaction.put(table, key, bytesIn(value))
  })
  await tables.close()
  return disk
}

const linesOf = async (node: TestNode, stream: StreamId) => (await node.read(stream)).split('\n').map((line) => line.replace(/\.+/g, ''))
const branchesOn = async (node: TestNode) => Object.keys(await node.heads()).filter((name) => name.startsWith(`${old.stream}~`)) as StreamId[]

/** Versions of the whole stream, the longest first. */
const versionsOn = async (node: TestNode) => {
  const common = (await linesOf(node, old.stream as StreamId)).slice(0, -1)
  const versions = await Promise.all((await branchesOn(node)).map(async (branch) => [...common, ...(await linesOf(node, branch))]))
  return versions.toSorted((a, b) => b.length - a.length)
}

test('[R44] [S23] what a version without branches has set aside goes on in them, on every node the same', async () => {
  const world = createReplicationWorld(12)
  const nodes = [await world.node('one', { disk: await diskOf(old.dump.one) }), await world.node('other', { disk: await diskOf(old.dump.other) })] as const
  const [full, short] = old.lines
  for (const node of nodes) {
    await node.replication.refresh()
    expect(node.notices).toEqual([])
    expect(await node.store.setAsideByForks()).toEqual([])
    for (const kind of ['fork', 'segment', 'tail']) expect(await node.store.listAside(kind)).toEqual([])
  }
  // Each alone has its own version whole, and of the other what its proof holds.
  expect((await versionsOn(nodes[0])).map((lines) => lines.length)).toEqual([full?.length, short?.length])
  expect(await versionsOn(nodes[0])).toEqual([full, short])
  expect(await versionsOn(nodes[1])).toContainEqual(short)
  expect(await branchesOn(nodes[1])).toEqual(await branchesOn(nodes[0]))
  world.link(...nodes)
  await world.untilEqual(nodes)
  expect(await versionsOn(nodes[1])).toEqual([full, short])
})

test('[G6] what cannot be stored now stays aside until there is room', async () => {
  const world = createReplicationWorld(13)
  const disk = await diskOf(old.dump.one)
  const before = disk.entries('aside').length
  disk.setQuota(disk.usedBytes() + 700)
  const node = await world.node('one', { disk })
  await node.replication.refresh()
  expect(disk.entries('aside').filter(([, value]) => typeof value === 'object' && value !== null && 'reason' in value && value.reason === 'forked')).toHaveLength(before - 1)
  await node.replication.close('closed')
  disk.setQuota(undefined)
  const again = await world.node('again', { disk, identity: node.identity })
  await again.replication.refresh()
  expect(await versionsOn(again)).toEqual(old.lines)
  expect(disk.entries('aside')).toEqual([])
})
