import { expect, test } from 'vitest'
import { createReplicationWorld } from './replication-world.ts'

test('[R26] two nodes come to hold each other’s events', async () => {
  const { world, node, link, untilEqual } = createReplicationWorld()
  const [a, b] = [await node('a'), await node('b')]
  await a.publish(3)
  await b.publish(2)
  link(a, b)
  await untilEqual([a, b])
  expect(await a.heads()).toEqual({ [a.stream]: 3, [b.stream]: 2 })
  await world.advance(3_000)
  expect(b.holdsOf(a)).toEqual({ [a.stream]: 2, [b.stream]: 1 })
  expect(a.notices).toEqual([])
})

test('[R33] a new event is pushed at once to who is up to date, closings and long batches too', async () => {
  const { world, node, link, untilEqual } = createReplicationWorld()
  const [a, b] = [await node('a'), await node('b')]
  link(a, b)
  await world.advance(1_500)
  for (const [batches, bytes] of [[1, 60], [1, 60], [40, 3_000], [2, 100_000], [300, 60], [1, 20]] as const) {
    await a.publish(batches, bytes)
    await world.settle()
    expect(await b.heads()).toEqual(await a.heads())
  }
  await untilEqual([a, b])
  expect(await b.read(a.stream)).toBe(await a.read(a.stream))
  expect(b.notices).toEqual([])
})

test('[G3] three nodes catch up 5,000 events of three streams, over a connection that is lost midway', async () => {
  const { world, node, link, drop, untilEqual } = createReplicationWorld(3)
  const [a, b, c] = [await node('a'), await node('b'), await node('c')]
  for (const one of [a, b, c]) for (let at = 0; at < 5; at++) await one.publish(334, 170)
  link(a, b)
  link(b, c)
  await world.until(async () => Object.keys(await c.heads()).length > 1)
  drop(b, c)
  drop(a, b)
  await world.advance(1_000)
  link(a, b)
  link(a, c)
  await untilEqual([a, b, c])
  expect(Object.values(await a.heads())).toEqual([1670, 1670, 1670])
  for (const stream of [a.stream, b.stream, c.stream]) expect(new Set(await Promise.all([a, b, c].map((one) => one.read(stream)))).size).toBe(1)
  await world.advance(3_000)
  expect(a.holdsOf(c)).toEqual({ [a.stream]: 1669, [b.stream]: 1669, [c.stream]: 1669 })
  expect([...a.notices, ...b.notices, ...c.notices]).toEqual([])
})

test('[R26] part of an open segment is asked for, not all of it again', async () => {
  const { world, node, link, drop, untilEqual } = createReplicationWorld(4)
  const [a, b] = [await node('a'), await node('b')]
  await a.publish(100, 200)
  link(a, b)
  await untilEqual([a, b])
  drop(a, b)
  await a.publish(3, 200)
  const [near] = link(a, b)
  let sentBytes = 0
  const send = near.send.bind(near)
  Object.assign(near, { send: (message: Uint8Array) => { sentBytes += message.length; send(message) } })
  await untilEqual([a, b])
  await world.advance(1_000)
  expect(sentBytes).toBeLessThan(4_000)
})

test('[R23] a peer that lost power comes back with lower heads, is not turned away, and what it acknowledged is lowered', async () => {
  const { world, node, link, drop, untilEqual } = createReplicationWorld(5)
  const [a, b] = [await node('a'), await node('b')]
  link(a, b)
  await a.publish(20)
  await untilEqual([a, b])
  await world.advance(3_000)
  expect(a.holdsOf(b)?.[a.stream]).toBe(19)
  await a.publish(5)
  await world.settle()
  await a.publish(5)
  await world.settle()
  expect((await b.heads())[a.stream]).toBe(30)
  b.disk.powerCut()
  drop(a, b)
  await b.replication.close('closed')
  const again = await node('b', { disk: b.disk, identity: b.identity })
  const lowered = (await again.heads())[a.stream] ?? 0
  expect(lowered).toBeLessThan(30)
  expect(lowered).toBeGreaterThan(a.holdsOf(b)?.[a.stream] ?? 19)
  link(a, again)
  await untilEqual([a, again])
  await world.advance(2_500)
  expect(a.holdsOf(again)?.[a.stream]).toBe(29)
  expect([...a.lost, ...again.lost]).toEqual([])
})
