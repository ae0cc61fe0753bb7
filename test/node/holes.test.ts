import { expect, test } from 'vitest'
import { streamIdOf } from '../../src/core/ids.ts'
import type { Key, TableName } from '../../src/store/tables.ts'
import type { MemoryDisk } from '../../src/store/memory-event-store.ts'
import { createNodeWorld, follow, payloads, readAll, sortedTexts, tagged } from './world.ts'

const codes = (node: { status: () => { notices: readonly { code: string }[] } }) => node.status().notices.map(({ code }) => code)

/** Changes one bit of a record behind everybody's back: of its last byte, or so far before it. */
const flip = async (disk: MemoryDisk, table: TableName, key: Key, fromEnd = 1) => {
  const tables = disk.open()
  await tables.run({ tables: [table], mode: 'readwrite', durability: 'strict' }, async (transaction) => {
    const value = await transaction.get(table, key)
    if (!(value instanceof Uint8Array)) throw new Error('there is such a record')
    transaction.put(table, key, value.map((byte, at) => (at === value.length - fromEnd ? byte ^ 1 : byte)))
  })
  await tables.close()
}

const keyAt = (disk: MemoryDisk, table: TableName, at: number): Key => {
  const entry = disk.entries(table)[at]
  if (entry === undefined) throw new Error(`there is a record ${at} in ${table}`)
  return entry[0]
}

test('[G1] [G4] a hole in the own tail gives a new identity, publishing goes on, what lies beyond is set aside and comes back from peers', async () => {
  const { world, network, tablet } = await createNodeWorld()
  const [mine, theirs] = [tablet(), tablet()]
  const [{ node: before }, { node: far }] = [await mine.open(), await theirs.open()]
  for (const at of [1, 2, 3, 4]) await before.publish([tagged(at)])
  await world.until(async () => (await readAll(far)).length === 4)
  await before.close()
  network.cut(mine.name)
  mine.disk.spoil('tail', keyAt(mine.disk, 'tail', 1))
  const { node } = await mine.open()
  expect(node.nodeId).not.toBe(before.nodeId)
  await node.publish([tagged(5)])
  await world.settle()
  expect(payloads(await readAll(node))).toEqual([1, 5])
  expect(codes(node)).toEqual(expect.arrayContaining(['IDENTITY-CHANGED', 'STORE-UNREADABLE']))
  expect(mine.disk.entries('aside')).toHaveLength(3)
  network.heal(mine.name)
  await world.until(async () => (await readAll(node)).length === 5)
  expect(payloads(await readAll(node))).toEqual([1, 2, 3, 4, 5])
  await world.until(async () => (await readAll(far)).length === 5)
})

test('[G1] a publish that meets a hole of its own tail for the first time is stored under the new identity, not refused', async () => {
  const { tablet } = await createNodeWorld()
  const mine = tablet()
  const { node, store } = await mine.open()
  const before = node.nodeId
  for (const at of [1, 2, 3]) await node.publish([tagged(at)])
  mine.disk.spoil('tail', keyAt(mine.disk, 'tail', 1))
  // Somebody else has read it meanwhile, so the store knows of the hole.
  await store.state(streamIdOf(before, 0))
  await node.publish([tagged(4)])
  expect(node.nodeId).not.toBe(before)
  expect(payloads(await readAll(node))).toEqual([1, 4])
})

test('[G1] a hole that comes while the node runs does the same', async () => {
  const { world, tablet } = await createNodeWorld()
  const mine = tablet()
  const [{ node: one, tab }, { node: other }] = [await mine.open(), await mine.open()]
  for (const at of [1, 2, 3]) await one.publish([tagged(at)])
  tab.crash()
  mine.disk.remove('tail', keyAt(mine.disk, 'tail', 1))
  await Promise.all([other.publish([tagged(4)]), world.advance(3_000)])
  expect(other.nodeId).not.toBe(one.nodeId)
  await world.settle()
  expect(payloads(await readAll(other))).toEqual([1, 4])
})

test('[G6] an own open segment that was silently changed is set aside, reported and fetched again', async () => {
  const { world, network, tablet } = await createNodeWorld()
  const [mine, theirs] = [tablet(), tablet()]
  const [{ node: before }, { node: far }] = [await mine.open(), await theirs.open()]
  await before.publish([tagged('first')])
  await before.publish([tagged('changed')])
  await world.until(async () => (await readAll(far)).length === 2)
  await before.close()
  network.cut(mine.name)
  await flip(mine.disk, 'tail', keyAt(mine.disk, 'tail', 1), 7)
  const { node } = await mine.open()
  await world.settle()
  expect(codes(node)).toEqual(expect.arrayContaining(['IDENTITY-CHANGED', 'STORE-UNREADABLE']))
  expect(await readAll(node)).toEqual([])
  network.heal(mine.name)
  await world.until(async () => (await readAll(node)).length === 2)
  expect(payloads(await readAll(node))).toEqual(['first', 'changed'])
})

test('[G6] what nobody reads is read now and then: what was silently changed is found, reported and fetched again', async () => {
  const { world, tablet } = await createNodeWorld()
  const [mine, theirs] = [tablet(), tablet()]
  const [{ node }, { node: far }] = [await mine.open(), await theirs.open()]
  const pad = '.'.repeat(10_000)
  for (let at = 0; at < 20; at++) await far.publish([tagged({ at, pad })])
  await world.until(async () => (await node.present())[streamIdOf(far.nodeId, 0)] === 19)
  await flip(mine.disk, 'segments', keyAt(mine.disk, 'segments', 0))
  await world.until(() => codes(node).includes('STORE-UNREADABLE'), 200_000)
  await world.until(async () => (await node.present())[streamIdOf(far.nodeId, 0)] === 19)
  expect((await readAll(node)).map(({ payload }) => payload)).toEqual(Array.from({ length: 20 }, (_, at) => ({ at, pad })))
  expect(node.nodeId).toBe(node.status().nodeId)
  expect(codes(node)).not.toContain('IDENTITY-CHANGED')
})

test('[G6] [G4] the same in the own stream: the node goes on under a new identity', async () => {
  const { world, tablet } = await createNodeWorld()
  const [mine, theirs] = [tablet(), tablet()]
  const [{ node }, { node: far }] = [await mine.open(), await theirs.open()]
  const before = node.nodeId
  const pad = '.'.repeat(10_000)
  for (let at = 0; at < 20; at++) await node.publish([tagged({ at, pad })])
  await world.until(async () => (await far.present())[streamIdOf(before, 0)] === 19)
  mine.disk.spoil('segments', keyAt(mine.disk, 'segments', 1))
  await world.until(() => node.nodeId !== before, 200_000)
  await world.until(async () => (await node.present())[streamIdOf(before, 0)] === 19)
  expect(await readAll(node)).toHaveLength(20)
})

test('[G6] an unreadable record of a stream, and of the summaries, harms nothing else', async () => {
  const { world, tablet } = await createNodeWorld()
  const [mine, theirs, third] = [tablet(), tablet(), tablet()]
  const [{ node: before }, { node: far }, { node: other }] = [await mine.open(), await theirs.open(), await third.open()]
  const pad = '.'.repeat(10_000)
  for (let at = 0; at < 20; at++) await far.publish([tagged({ at, pad }, 'far')])
  await other.publish([tagged('other')])
  await before.publish([tagged('own')])
  await world.until(async () => (await readAll(before)).length === 22)
  await before.close()
  mine.disk.spoil('streams', `${far.nodeId}-0`)
  mine.disk.spoil('summaries', keyAt(mine.disk, 'summaries', 0))
  const { node } = await mine.open()
  expect(node.nodeId).toBe(before.nodeId)
  const seen = follow(node, { where: [{ tags: ['far'] }] })
  await node.publish([tagged('goes on')])
  await world.until(async () => (await readAll(node)).length === 23)
  expect(sortedTexts((await readAll(node)).filter(({ meta }) => meta.tags.length === 0))).toEqual(['goes on', 'other', 'own'])
  await world.until(() => seen.given.length === 20)
  expect(seen.errors).toEqual([])
})
