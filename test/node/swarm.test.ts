import { expect, test } from 'vitest'
import { joinSwarm } from '../../src/node/join-swarm.ts'
import { copiesOfOwn } from '../../src/node/node.ts'
import { webCrypto } from '../../src/node/web-crypto.ts'
import { openMemoryStore } from '../../src/store/memory-event-store.ts'
import { createNodeWorld, follow, payloads, readAll, sortedTexts, tagged } from './world.ts'

test('[G3] what one node publishes is on all of them, in the same order', async () => {
  const { world, tablet } = await createNodeWorld()
  const nodes = [(await tablet().open()).node, (await tablet().open()).node, (await tablet().open()).node]
  for (const [at, node] of nodes.entries()) await node.publish([tagged(`of ${at}`)])
  await world.until(async () => (await Promise.all(nodes.map(async (node) => (await readAll(node)).length))).every((length) => length === 3))
  const [first, ...others] = await Promise.all(nodes.map(async (node) => (await readAll(node)).map(({ meta }) => meta.eventId)))
  for (const other of others) expect(other).toEqual(first)
  await world.until(() => nodes.every((node) => copiesOfOwn(node.status()) === 3))
  await Promise.all(nodes.map((node) => node.close()))
})

test('[G1] a tablet without link goes on, is reloaded, shows what it knew, and catches up', async () => {
  const { world, network, tablet } = await createNodeWorld()
  const [mine, theirs] = [tablet(), tablet()]
  const [{ node: first }, { node: far }] = [await mine.open(), await theirs.open()]
  await first.publish([tagged('together')])
  await far.publish([tagged('together, far')])
  await world.until(() => copiesOfOwn(first.status()) === 2 && copiesOfOwn(far.status()) === 2)
  await world.advance(1_000)
  const holds = first.status().peers[0]?.holds

  network.cut(mine.name)
  await first.publish([tagged('alone')])
  await world.advance(30_000)
  expect(first.status().cutOffSinceMicros).toBeDefined()
  expect(copiesOfOwn(first.status())).toBe(1)
  await first.close()

  const { node: again } = await mine.open()
  const seen = follow(again)
  await world.advance(5_000)
  expect(sortedTexts(seen.given)).toEqual(['alone', 'together', 'together, far'])
  expect(again.status().peers).toMatchObject([{ nodeId: far.nodeId, name: theirs.name, state: 'gone', holds }])
  expect(again.status().cutOffSinceMicros).toBeDefined()
  expect(copiesOfOwn(again.status())).toBe(1)
  await far.publish([tagged('meanwhile, far')])

  network.heal(mine.name, undefined, 'dead')
  await world.until(() => copiesOfOwn(again.status()) === 2)
  expect(again.status().cutOffSinceMicros).toBeUndefined()
  await world.until(() => seen.given.length === 4)
  expect((await readAll(far)).map(({ meta }) => meta.eventId)).toEqual((await readAll(again)).map(({ meta }) => meta.eventId))
})

test('[G3] what an offline peer made comes over a third node', async () => {
  const { world, network, tablet } = await createNodeWorld()
  const [a, b, c] = [tablet(), tablet(), tablet()]
  network.cut(a.name, c.name)
  const [{ node: first }, { node: middle }, { node: last }] = [await a.open(), await b.open(), await c.open()]
  await first.publish([tagged('over two hops')])
  await world.until(async () => (await readAll(last)).length === 1)
  await world.until(() => copiesOfOwn(first.status()) >= 2)
  expect(middle.status().peers.filter(({ state }) => state === 'connected')).toHaveLength(2)
})

test('[G5] a new node joins an old swarm, gets everything, and its clock starts at the inviter', async () => {
  const { world, swarm, tablet } = await createNodeWorld()
  const old = tablet()
  const { node: founder, store } = await old.open({ hubs: ['http://hub'] })
  await store.raiseClockTo(3_000_000)
  for (let at = 0; at < 5; at++) await founder.publish([tagged(at)])
  const { swarm: invited, lamport, hubs } = await joinSwarm(webCrypto, `https://any.place/#${await founder.invite()}`)
  expect(invited).toEqual(swarm)
  expect(hubs).toEqual(['http://hub'])
  const { node: joined } = await tablet().open({ ...(lamport === undefined ? {} : { lamport }) })
  const [meta] = await joined.publish([tagged('new')])
  expect(meta?.lamport).toBeGreaterThan(3_000_005)
  await world.until(async () => (await readAll(joined)).length === 6 && (await readAll(founder)).length === 6)
  expect(payloads(await readAll(founder)).at(-1)).toBe('new')
})

test('[G2] after a power cut a node comes back with lower heads, catches up, and nobody counts more than it still holds', async () => {
  const { world, swarm, tablet } = await createNodeWorld()
  const [mine, theirs] = [tablet(), tablet()]
  const [{ node: far }, { node: before, tab }] = [await theirs.open(), await mine.open()]
  for (let at = 0; at < 20; at++) await far.publish([tagged(at)])
  await before.publish([tagged('own')])
  await world.until(() => copiesOfOwn(far.status()) === 2)
  await far.publish([tagged(20)])
  const claimed = () => far.status().peers.find(({ nodeId }) => nodeId === before.nodeId)?.holds[`${far.nodeId}-0` as never] ?? -1
  const held = async () => (await openMemoryStore(mine.disk, swarm.id).present())[`${far.nodeId}-0` as never] ?? -1
  await world.until(async () => (await readAll(before)).length === 22)
  mine.disk.powerCut()
  tab.crash()
  expect(await held()).toBe(19)
  expect(claimed()).toBeLessThanOrEqual(await held())

  const { node: after } = await mine.open()
  expect(after.nodeId).toBe(before.nodeId)
  expect(payloads((await readAll(after)).filter(({ meta }) => meta.isLocalEvent))).toEqual(['own'])
  await world.until(async () => (await readAll(after)).length === 22)
  await world.until(() => copiesOfOwn(far.status()) === 2)
})

test('[G6] a hole in a replicated stream is reported, lowered to where it begins, and fetched again', async () => {
  const { world, tablet } = await createNodeWorld()
  const [mine, theirs] = [tablet(), tablet()]
  const [{ node }, { node: far }] = [await mine.open(), await theirs.open()]
  const pad = '.'.repeat(10_000)
  for (let at = 0; at < 20; at++) await far.publish([tagged({ at, pad })])
  await world.until(async () => (await readAll(node)).length === 20)
  const [segment] = mine.disk.entries('segments')
  if (segment === undefined) throw new Error('there is a closed segment')
  mine.disk.spoil('segments', segment[0])
  await expect(readAll(node)).rejects.toMatchObject({ code: 'STORE-UNREADABLE' })
  expect(node.status().notices.map(({ code }) => code)).toContain('STORE-UNREADABLE')
  const seen = follow(node)
  await world.until(() => seen.given.length === 20)
  expect(seen.errors).toEqual([])
  expect(await readAll(node)).toHaveLength(20)
  expect(node.status().notices.some(({ about }) => about === `${far.nodeId}-0`)).toBe(true)
})

test('[G7] layers of two nodes exchange messages; an unknown channel harms nothing', async () => {
  const { world, tablet } = await createNodeWorld()
  const [{ node: a }, { node: b }] = [await tablet().open(), await tablet().open()]
  await world.until(() => a.status().peers.some(({ state }) => state === 'connected'))
  const heard: unknown[] = []
  const stop = b.channel('blob').listen((peer, bytes) => heard.push([peer, [...bytes]]))
  expect(a.channel('blob').send(b.nodeId, Uint8Array.of(1, 2))).toBe(true)
  expect(a.channel('nobody listens').send(b.nodeId, Uint8Array.of(3))).toBe(true)
  expect(a.channel('blob').send(a.nodeId, Uint8Array.of(4))).toBe(false)
  await world.settle()
  stop()
  a.channel('blob').send(b.nodeId, Uint8Array.of(5))
  await a.publish([tagged('and goes on')])
  await world.until(async () => (await readAll(b)).length === 1)
  expect(heard).toEqual([[a.nodeId, [1, 2]]])
})

test('[G8] what a layer keeps locally is there for all tabs and after a reload', async () => {
  const { tablet } = await createNodeWorld()
  const profile = tablet()
  const { node } = await profile.open()
  await node.local('pond').put([['a', Uint8Array.of(1)], ['b', Uint8Array.of(2)]])
  await node.close()
  const { node: again } = await profile.open()
  expect(await again.local('pond').get('b')).toEqual(Uint8Array.of(2))
  expect(await again.local('other').get('b')).toBeUndefined()
  expect(await again.local('pond').range('a', 'b')).toEqual([['a', Uint8Array.of(1)]])
})
