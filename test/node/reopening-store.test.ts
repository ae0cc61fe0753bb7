import { expect, test } from 'vitest'
import { openReopeningStore } from '../../src/node/reopening-store.ts'
import { StoreError } from '../../src/store/errors.ts'
import { openMemoryStore } from '../../src/store/memory-event-store.ts'
import { createNodeWorld, follow, payloads, readAll, tagged } from './world.ts'

test('[G2] a node goes on when the browser cuts its connection to the disk', async () => {
  const nodes = await createNodeWorld()
  const tablet = nodes.tablet()
  const store = await openReopeningStore(async () => openMemoryStore(tablet.disk, nodes.swarm.id), nodes.world)
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
  const { disk } = tablet()
  const answers: (StoreError | undefined)[] = [undefined, new StoreError('STORE-FAILED', 'not yet'), new StoreError('STORE-BLOCKED', 'not yet'), undefined, new StoreError('STORE-NEWER', 'update')]
  const open = async () => {
    const error = answers.shift()
    if (error !== undefined) throw error
    return openMemoryStore(disk, swarm.id)
  }
  const store = await openReopeningStore(open, world)
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
  const { world, swarm, tablet } = await createNodeWorld()
  const { disk } = tablet()
  const store = await openReopeningStore(async () => openMemoryStore(disk, swarm.id), world)
  await store.close()
  await store.close()
  await expect(store.clock()).rejects.toMatchObject({ code: 'STORE-CLOSED' })
})
