import { expect, test } from 'vitest'
import { streamIdOf } from '../../src/core/ids.ts'
import { createFillers } from '../../src/node/fillers.ts'
import type { Node } from '../../src/node/node.ts'
import { openMemoryStore, type MemoryDisk } from '../../src/store/memory-event-store.ts'
import { HEADER_BYTES } from '../../src/stream/header.ts'
import type { Key, TableName } from '../../src/store/tables.ts'
import { copyDisk, createNodeWorld, follow, payloads, readAll, tagged } from './world.ts'

const codes = (node: Node) => node.status().notices.map(({ code }) => code)

const change = async (disk: MemoryDisk, table: TableName, key: Key, to: (bytes: Uint8Array) => Uint8Array) => {
  const tables = disk.open()
  await tables.run({ tables: [table], mode: 'readwrite', durability: 'strict' }, async (transaction) => {
    const value = await transaction.get(table, key)
    if (!(value instanceof Uint8Array)) throw new Error('there is such a record')
    transaction.put(table, key, to(value))
  })
  await tables.close()
}

const firstKey = (disk: MemoryDisk, table: TableName): Key => {
  const [entry] = disk.entries(table)
  if (entry === undefined) throw new Error(`there is a record in ${table}`)
  return entry[0]
}

/** A tablet with a closed segment of another's events, and the other. */
const withClosed = async () => {
  const nodes = await createNodeWorld()
  const [mine, theirs] = [nodes.tablet(), nodes.tablet()]
  const [{ node }, { node: far }] = [await mine.open(), await theirs.open()]
  for (let at = 0; at < 10; at++) await far.publish([tagged({ at, pad: '.'.repeat(10_000) }, 'rare')])
  await nodes.world.until(async () => (await readAll(node)).length === 10)
  return { nodes, mine, node, far }
}

test('[G6] [S13] a summary that says no wrongly is found and made again, and whoever follows a query, in any tab, is given what was passed over', async () => {
  const { nodes, mine, node } = await withClosed()
  const { node: tab } = await mine.open()
  // The last bytes of the page are the filter of the closed segment.
  await change(mine.disk, 'summaries', firstKey(mine.disk, 'summaries'), (page) => page.map((byte, at) => (at >= page.length - 3 ? 0 : byte)))
  const rare = { where: [{ tags: ['rare'] }] }
  const [here, there] = [follow(node, rare), follow(tab, rare)]
  await nodes.world.settle()
  const open = here.given.length
  expect(open).toBeLessThan(10)
  await nodes.world.until(() => codes(node).includes('SUMMARY-WRONG'), 200_000)
  await nodes.world.settle()
  for (const seen of [here, there]) expect([seen.given.length, seen.travels.length]).toEqual([10, 1])
  expect(await readAll(node, rare)).toHaveLength(10)
  await nodes.world.advance(200_000)
  expect(codes(node).filter((code) => code === 'SUMMARY-WRONG')).toHaveLength(1)
})

test('[G6] a page of summaries that is nonsense hides nothing and stops nothing, and is made again', async () => {
  const { nodes, mine, node } = await withClosed()
  await change(mine.disk, 'summaries', firstKey(mine.disk, 'summaries'), (page) => page.map((byte, at) => (at < 4 ? 255 : byte)))
  const rare = { where: [{ tags: ['rare'] }] }
  expect(await readAll(node, rare)).toHaveLength(10)
  await nodes.world.until(() => codes(node).includes('SUMMARY-WRONG'), 200_000)
  expect(await readAll(node, rare)).toHaveLength(10)
})

/** Where they lie in a packed segment: after 28 bytes of numbers and the header id. */
const headerAt = 28 + 32
test.each([
  ['the seal', headerAt + HEADER_BYTES],
  ['the swarm id in the header', headerAt + 18],
])('[G6] a change of %s alone, which no reader meets, is found and fetched again', async (_, at) => {
  const { nodes, mine, node, far } = await withClosed()
  await change(mine.disk, 'segments', firstKey(mine.disk, 'segments'), (record) => record.map((byte, place) => (place === at ? byte ^ 1 : byte)))
  expect(await readAll(node)).toHaveLength(10)
  await nodes.world.until(() => codes(node).includes('STORE-UNREADABLE'), 200_000)
  await nodes.world.until(async () => (await node.present())[streamIdOf(far.nodeId, 0)] === 9)
  expect(payloads(await readAll(node))).toEqual(payloads(await readAll(far)))
})

test('[G1] [G2] own events beyond a hole, which nobody else holds, come back when the hole is filled', async () => {
  const { nodes } = await withClosed()
  const [mine, theirs] = [nodes.tablet(), nodes.tablet()]
  const [{ node: before }, { node: far }] = [await mine.open(), await theirs.open()]
  for (let at = 0; at < 8; at++) await before.publish([tagged({ at, pad: '.'.repeat(10_000) })])
  const stream = streamIdOf(before.nodeId, 0)
  await nodes.world.until(async () => (await far.present())[stream] === 7)
  nodes.network.cut(mine.name)
  for (let at = 8; at < 11; at++) await before.publish([tagged({ at, alone: true })])
  await before.close()
  mine.disk.spoil('segments', [stream, 0])
  const { node } = await mine.open()
  await readAll(node).catch(() => [])
  await nodes.world.until(() => node.nodeId !== before.nodeId)
  expect((await node.present())[stream]).toBeUndefined()
  nodes.network.heal(mine.name)
  for (const each of [node, far]) await nodes.world.until(async () => (await each.present())[stream] === 10, 120_000)
  expect(payloads(await readAll(far)).filter((payload) => JSON.stringify(payload).includes('alone'))).toHaveLength(3)
})

test('[G4] an own piece that a peer asks for and that cannot be read is damage, not a restored copy', async () => {
  const nodes = await createNodeWorld()
  const [mine, theirs] = [nodes.tablet(), nodes.tablet()]
  const { node } = await mine.open()
  const before = node.nodeId
  for (let at = 0; at < 10; at++) await node.publish([tagged({ at, pad: '.'.repeat(10_000) })])
  mine.disk.spoil('segments', [streamIdOf(before, 0), 0])
  await theirs.open()
  await nodes.world.until(() => node.nodeId !== before)
  expect(node.status().notices.find(({ code }) => code === 'IDENTITY-CHANGED')?.text).toContain('(damaged)')
})

test('[G6] who fills a quarter of the quota is named once, own streams never', async () => {
  const { mine, node, far } = await withClosed()
  const told: string[] = []
  const store = openMemoryStore(await copyDisk(mine.disk), node.swarm)
  const [{ closedBytes } = { closedBytes: 0 }] = (await store.records()).filter(({ stream }) => stream.startsWith(far.nodeId))
  expect(closedBytes).toBeGreaterThan(100)
  const fillers = createFillers(store, (nodeId, bytes) => told.push(`${nodeId} ${bytes}`))
  await fillers.look(undefined, new Set([node.nodeId]))
  await fillers.look(closedBytes * 4 + 4, new Set([node.nodeId]))
  expect(told).toEqual([])
  for (let times = 0; times < 2; times++) await fillers.look(closedBytes * 4, new Set([node.nodeId]))
  await fillers.look(closedBytes * 4, new Set([far.nodeId]))
  expect(told).toEqual([`${far.nodeId} ${closedBytes}`])
  await fillers.look(closedBytes * 8, new Set([node.nodeId]))
  await fillers.look(closedBytes * 4, new Set([node.nodeId]))
  expect(told).toHaveLength(2)
})

test('[G6] a node tells who fills its disk', async () => {
  const nodes = await createNodeWorld()
  const [small, other] = [nodes.tablet(), nodes.tablet()]
  const storage = { estimate: async () => ({ usedBytes: 10, quotaBytes: 400 }), persisted: async () => false, persist: async () => true }
  const [{ node }, { node: far }] = [await small.open({}, { storage }), await other.open()]
  for (let at = 0; at < 10; at++) await far.publish([tagged({ at, pad: '.'.repeat(10_000) })])
  await nodes.world.until(() => codes(node).includes('STORE-FILLED'), 120_000)
  expect(node.status().notices.find(({ code }) => code === 'STORE-FILLED')?.about).toBe(far.nodeId)
})
