import { expect, test } from 'vitest'
import { loadSettings, loadSwarm } from '../../src/node/settings.ts'
import { createMemoryDisk, openMemoryStore, type MemoryDisk } from '../../src/store/memory-event-store.ts'
import { copyDisk, createNodeWorld, follow, payloads, readAll, tagged } from './world.ts'

test('[G1] a node alone publishes, queries and is followed', async () => {
  const { world, tablet } = await createNodeWorld()
  const { node } = await tablet().open()
  const before = follow(node)
  const metas = await node.publish([tagged('first', 'a'), tagged({ second: 2 }, 'b')])
  await node.publish([tagged('third', 'a')], { appId: 'other' })
  expect(metas.map(({ offset, lamport, stream, isLocalEvent }) => ({ offset, lamport, stream, isLocalEvent }))).toEqual([
    { offset: 0, lamport: 1001, stream: `${node.nodeId}-0`, isLocalEvent: true },
    { offset: 1, lamport: 1002, stream: `${node.nodeId}-0`, isLocalEvent: true },
  ])
  expect(payloads(await readAll(node))).toEqual(['first', { second: 2 }, 'third'])
  expect(payloads(await readAll(node, {}, 'descending'))).toEqual(['third', { second: 2 }, 'first'])
  expect(payloads(await readAll(node, { where: [{ tags: ['a'] }] }))).toEqual(['first', 'third'])
  expect(payloads(await readAll(node, { where: [{ tags: [], appId: 'other' }] }))).toEqual(['third'])
  await world.settle()
  expect(payloads(before.given)).toEqual(['first', { second: 2 }, 'third'])
  expect(before.travels).toEqual([])
  expect(before.errors).toEqual([])
  expect(await node.present()).toEqual({ [`${node.nodeId}-0`]: 2 })
  expect(node.status().own).toEqual({ [`${node.nodeId}-0`]: 2 })
  await node.close()
})

test('[G1] what is on disk when a node says that it is stored opens it again, with its name and hubs', async () => {
  const { swarm, tablet } = await createNodeWorld()
  const first = tablet()
  const images: Promise<MemoryDisk>[] = []
  const { node } = await first.open({ name: 'Press 1', hubs: ['https://hub:8443'], stored: () => images.push(copyDisk(first.disk)) })
  const [image] = await Promise.all(images)
  const store = openMemoryStore(image ?? createMemoryDisk(), swarm.id)
  expect([await loadSwarm(store), await loadSettings(store), (await store.identity())?.identity.publicKey]).toEqual([swarm, { name: 'Press 1', hubs: ['https://hub:8443'] }, expect.any(Uint8Array)])
  await store.close()
  await node.close()
})
