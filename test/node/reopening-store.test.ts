import { expect, test } from 'vitest'
import type { NodeCrypto } from '../../src/node/crypto.ts'
import { openReopeningStore } from '../../src/node/reopening-store.ts'
import { loadSwarm } from '../../src/node/settings.ts'
import { StoreError } from '../../src/store/errors.ts'
import { createMemoryDisk, openMemoryStore } from '../../src/store/memory-event-store.ts'
import { createEventStore } from '../../src/store/tables-event-store.ts'
import { createNodeWorld, follow, payloads, readAll, tagged } from './world.ts'

test('[G2] a node goes on when the browser cuts its connection to the disk', async () => {
  const nodes = await createNodeWorld()
  const tablet = nodes.tablet()
  const store = await openReopeningStore(async () => openMemoryStore(tablet.disk, nodes.swarm.id), tablet.profile.openTab().environment)
  const { node } = await tablet.open({}, { store })
  const seen = follow(node)
  await node.publish([tagged(1)])
  tablet.disk.disconnect()
  const published = node.publish([tagged(2)])
  expect(node.status().storeFailure?.code).toBe('STORE-LOST')
  await nodes.world.advance(1_000)
  await published
  await nodes.world.settle()
  expect(payloads(await readAll(node))).toEqual([1, 2])
  expect(payloads(seen.given)).toEqual([1, 2])
  expect(node.status().storeFailure).toBeUndefined()
  expect(node.status().notices.map(({ code }) => code)).toContain('STORE-LOST')
})

test('[S18] it is opened again until that succeeds, and not when a newer version holds it', async () => {
  const { world, swarm, tablet } = await createNodeWorld()
  const { disk, profile } = tablet()
  const { environment } = profile.openTab()
  const answers: (StoreError | undefined)[] = [undefined, new StoreError('STORE-FAILED', 'not yet'), new StoreError('STORE-BLOCKED', 'not yet'), undefined, new StoreError('STORE-NEWER', 'update')]
  const open = async () => {
    const error = answers.shift()
    if (error !== undefined) throw error
    return openMemoryStore(disk, swarm.id)
  }
  const store = await openReopeningStore(open, environment)
  const lost: string[] = []
  store.onLost((error) => lost.push(error.message))
  disk.disconnect()
  const clock = store.clock()
  await world.advance(500 + 1_000 + 2_000)
  expect(await clock).toBe(0)
  expect(lost).toHaveLength(1)

  disk.disconnect()
  const refused = store.clock().catch((error: unknown) => error)
  await world.advance(500)
  expect(await refused).toMatchObject({ code: 'STORE-NEWER' })
  expect(answers).toEqual([])
})

test('[S21] one that is closed stays closed', async () => {
  const { swarm, tablet } = await createNodeWorld()
  const { disk, profile } = tablet()
  const { environment } = profile.openTab()
  const store = await openReopeningStore(async () => openMemoryStore(disk, swarm.id), environment)
  await store.close()
  await store.close()
  await expect(store.clock()).rejects.toMatchObject({ code: 'STORE-CLOSED' })
})

test('[G8] while the page is frozen no transaction begins, also where the work had begun before', async () => {
  const { world, swarm, crypto: seeded, tablet } = await createNodeWorld()
  const { disk, profile, open } = tablet()
  const tab = profile.openTab()
  const begun: string[] = []
  const frozen = () => tab.environment.page.state() === 'frozen'
  const tables = disk.open()
  const watched = createEventStore({ ...tables, run: (options, work) => (begun.push(`${options.mode}${frozen() ? ' while frozen' : ''}`), tables.run(options, work)) }, swarm.id)
  const store = await openReopeningStore(async () => watched, tab.environment)
  let hashed = Promise.resolve()
  const crypto: NodeCrypto = { ...seeded, sha256: async (bytes) => hashed.then(() => seeded.sha256(bytes)) }
  const { node } = await open({}, { store, crypto, environment: tab.environment })
  const seen = follow(node)
  await node.publish([tagged(1)])
  let finish = () => {}
  hashed = new Promise((resolve) => (finish = resolve))
  const published = node.publish([tagged(2)])
  await world.settle()
  begun.length = 0
  tab.freeze()
  // The ends of WebCrypto calls reach a frozen page.
  finish()
  await world.advance(10_000)
  expect(begun).toEqual([])
  const read = readAll(node)
  await world.advance(10_000)
  expect(begun).toEqual([])
  tab.resume()
  await published
  await world.settle()
  expect(payloads(await read)).toEqual([1, 2])
  expect(payloads(seen.given)).toEqual([1, 2])
  expect(begun.filter((what) => what.endsWith('frozen'))).toEqual([])
})

test('[G6] a node whose database was deleted under it says so, goes on in its swarm, and gets its entries back', async () => {
  const nodes = await createNodeWorld()
  const { world, swarm } = nodes
  const [mine, theirs] = [nodes.tablet(), nodes.tablet()]
  const { node: far } = await theirs.open()
  const empty = createMemoryDisk()
  const disks = [mine.disk, empty]
  const store = await openReopeningStore(async () => openMemoryStore(disks.shift() ?? empty, swarm.id), mine.profile.openTab().environment)
  const { node } = await mine.open({}, { store })
  const before = node.nodeId
  await node.publish([tagged(1)])
  await world.until(async () => (await readAll(far)).length === 1)
  nodes.network.cut(mine.name)
  await world.advance(3_000)
  mine.disk.disconnect()
  await world.advance(3_000)
  expect(node.nodeId).not.toBe(before)
  expect(node.status().notices.map(({ code }) => code)).toEqual(expect.arrayContaining(['STORE-DELETED', 'STREAM-LOWERED', 'IDENTITY-CHANGED']))
  await node.publish([tagged(2)])
  expect(await loadSwarm(openMemoryStore(empty, swarm.id))).toEqual(swarm)
  nodes.network.heal(mine.name)
  await world.until(async () => (await readAll(node)).length === 2)
  expect(payloads((await readAll(node)).filter(({ meta }) => meta.isLocalEvent))).toEqual([1, 2])
  await node.close()
})
