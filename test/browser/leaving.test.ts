import { afterEach, beforeAll, expect, test } from 'vitest'
import { findStored, leaveSwarm, openNode, wipeProfile, type Node } from '../../src/index.ts'
import { databaseName } from '../../src/store/idb-schema.ts'
import { answer } from '../store/idb-factory.ts'

// What a profile holds of a swarm, in all places of the browser: leaving takes all of it, a browser that clears takes only some.

const opened: Node[] = []
const open = async (...parameters: Parameters<typeof openNode>): Promise<Node> => {
  const node = await openNode(...parameters)
  opened.push(node)
  return node
}

// Other files of tests share the origin.
beforeAll(wipeProfile)
afterEach(async () => {
  for (const node of opened.splice(0)) await node.close()
  await wipeProfile()
})

const databases = async (): Promise<readonly string[]> => (await indexedDB.databases()).flatMap(({ name = '' }) => (name.startsWith('millpond-') ? [name] : []))
const leftOvers = async () => [await databases(), Object.keys(localStorage).filter((key) => key.startsWith('millpond')), await caches.keys()]
const codeOf = (node: Node) => node.status().storeFailure?.code

test('[G6] [G8] who leaves a swarm ends its node in all tabs, and nothing of it is left in any place', async () => {
  const first = await open({ found: true, name: 'Press 1' })
  const second = await open({ swarm: first.swarm })
  await first.publish([{ tags: [], event: 1 }])
  expect(await findStored()).toEqual({ type: 'here', swarm: first.swarm })
  expect(await leaveSwarm(first.swarm)).toBe(true)
  await expect.poll(() => [codeOf(first), codeOf(second)]).toEqual(['STORE-LEFT', 'STORE-LEFT'])
  for (const node of [first, second]) await expect(node.publish([{ tags: [], event: 2 }])).rejects.toMatchObject({ code: 'NODE-CLOSED' })
  expect(await findStored()).toEqual({ type: 'new' })
  // Long enough for a store that would open itself again.
  await new Promise((later) => setTimeout(later, 1_500))
  expect(await leftOvers()).toEqual([[], [], []])
})

test('[G6] a wiped profile holds nothing, also of swarms that it was in before', async () => {
  const before = await open({ found: true })
  await before.close()
  const node = await open({ found: true })
  localStorage.setItem('millpond.theme', 'dark')
  sessionStorage.setItem('millpond.unsaved', '[]')
  expect(await databases()).toHaveLength(2)
  await wipeProfile()
  await expect.poll(() => codeOf(node)).toBe('STORE-LEFT')
  expect([...(await leftOvers()), sessionStorage.length]).toEqual([[], [], [], 0])
})

test('[G6] a database that the browser has cleared is missed by what lies elsewhere, whichever place that is; a new tablet misses nothing', async () => {
  const node = await open({ found: true, name: 'Press 1' })
  await node.publish([{ tags: [], event: 1 }, { tags: [], event: 2 }])
  await new Promise((later) => setTimeout(later, 5_500))
  await node.close()
  await answer(indexedDB.deleteDatabase(databaseName(node.swarm)))
  const cleared = { type: 'cleared', swarm: node.swarm, mark: { name: 'Press 1', own: 2, onlyHere: 2, nodeId: node.nodeId } }
  expect(await findStored()).toMatchObject(cleared)
  await expect(openNode()).rejects.toMatchObject({ code: 'SWARM-CLEARED' })
  expect(await databases()).toEqual([])
  const kept = { ...localStorage } as Record<string, string>
  localStorage.clear()
  expect(await findStored()).toMatchObject({ type: 'cleared', swarm: node.swarm, mark: { name: 'Press 1' } })
  for (const [key, text] of Object.entries(kept)) localStorage.setItem(key, text)
  for (const name of await caches.keys()) await caches.delete(name)
  expect(await findStored()).toMatchObject(cleared)
  localStorage.clear()
  expect(await findStored()).toEqual({ type: 'new' })
})

test('[G6] a database whose marks are gone is found again, by the cache or by its name', async () => {
  const node = await open({ found: true, name: 'Press 1' })
  await node.publish([{ tags: [], event: 1 }])
  await node.close()
  localStorage.clear()
  expect(await findStored()).toEqual({ type: 'here', swarm: node.swarm })
  for (const name of await caches.keys()) await caches.delete(name)
  expect(await findStored()).toEqual({ type: 'here', swarm: node.swarm })
  const again = await open()
  expect(again.nodeId).toBe(node.nodeId)
})

test('[G4] a database that was set back behind what was noted is not written on: a new identity before the first word to anyone', async () => {
  const node = await open({ found: true, name: 'Press 1' })
  await node.publish([{ tags: [], event: 1 }])
  await node.close()
  const key = `millpond/mark/${node.swarm}`
  localStorage.setItem(key, JSON.stringify({ ...(JSON.parse(localStorage.getItem(key) ?? '{}') as object), next: 5, atMicros: Date.now() * 1000 }))
  const again = await open()
  expect(again.nodeId).not.toBe(node.nodeId)
  expect(again.status().notices.find(({ code }) => code === 'IDENTITY-CHANGED')?.text).toContain('restored')
})

test('[G8] a new name is seen in all tabs', async () => {
  const first = await open({ found: true, name: 'Press 1' })
  const second = await open({ swarm: first.swarm })
  await second.rename('Press 2')
  await expect.poll(() => [first.status().name, second.status().name]).toEqual(['Press 2', 'Press 2'])
})
