import { expect, test } from 'vitest'
import { actyxOf } from '../../src/actyx/actyx.ts'
import { testNode, testSwarm } from '../../src/testing.ts'

test('[G1] a test node does all that a node does, AQL too', async () => {
  const node = await testNode({ appId: 'com.example.press', nowMicros: () => Date.UTC(2026, 0, 1) * 1000 })
  const actyx = actyxOf(node, { appId: 'com.example.press' })
  const [meta] = await actyx.publish([{ tags: ['piece'], event: { weight: 2 } }, { tags: ['piece'], event: { weight: 3 } }])
  expect(meta?.timestampAsDate().toISOString()).toBe('2026-01-01T00:00:00.000Z')
  expect(await actyx.queryAql("FROM 'piece' & TIME > 1D ago AGGREGATE SUM(_.weight)")).toMatchObject([{ type: 'event', payload: 5 }, { type: 'offsets' }])
  expect(node.status().name).toBe('Test 1')
  await node.close()
})

test('[G3] nodes of a test swarm find each other, are parted, and come together again', async () => {
  const swarm = await testSwarm()
  const [one, two] = [await swarm.node({ name: 'one' }), await swarm.node()]
  const held = async () => [Object.keys(await one.present()).length, Object.keys(await two.present()).length]
  await one.publish([{ tags: [], event: 1 }])
  await expect.poll(held, { timeout: 10_000, interval: 10 }).toEqual([1, 1])
  swarm.cut(one)
  await two.publish([{ tags: [], event: 2 }])
  expect(await held()).toEqual([1, 2])
  swarm.heal(one)
  await expect.poll(held, { timeout: 10_000, interval: 10 }).toEqual([2, 2])
  const stranger = await testNode()
  expect(() => swarm.cut(stranger)).toThrow(RangeError)
  await Promise.all([swarm.close(), stranger.close()])
})
