import { Actyx, Pond, Tag, type Fish } from '@actyx/pond'
import { afterEach, expect, test } from 'vitest'
import { actyxOf } from '../../src/actyx/actyx.ts'
import type { Node } from '../../src/node/node.ts'
import { deleteDatabase } from '../../src/store/idb-schema.ts'
import { openIdbTables } from '../../src/store/idb-tables.ts'
import { createEventStore } from '../../src/store/tables-event-store.ts'
import { testSwarm, type TestSwarm } from '../../src/testing.ts'

// The package as it is published, over nodes that keep their events in IndexedDB.

const manifest = { appId: 'com.example.stock', displayName: 'Stock', version: '1.0.0' }
type Step = { readonly by: string; readonly step: number }
const step = Tag<Step>('step')
const item = Tag<{ readonly item: string }>('item')

/** Every step in order. */
const steps: Fish<readonly string[], Step> = {
  fishId: { entityType: 'steps', name: 'all', version: 1 },
  where: step,
  initialState: [],
  onEvent: (state, { by, step: number }) => [...state, `${by}${number}`],
}
const itemFish = (name: string): Fish<number, unknown> => ({ fishId: { entityType: 'item', name, version: 1 }, where: item.withId(name), initialState: 0, onEvent: (state) => state + 1 })

const databases: string[] = []
const ponds: Pond[] = []
let swarm: TestSwarm

const openPond = async (name: string): Promise<{ readonly node: Node; readonly pond: Pond }> => {
  const openStore = async (id: Parameters<typeof createEventStore>[1]) => {
    const database = `millpond-test-${name}-${id}`
    databases.push(database)
    return createEventStore(await openIdbTables(database), id)
  }
  const node = await swarm.node({ name, openStore })
  // How an application that is not changed gets another event service. Its class NodeInfo has private members, which nothing else can have.
  Actyx.of = () => Promise.resolve(actyxOf(node, manifest) as unknown as Awaited<ReturnType<typeof Actyx.of>>)
  const pond = await Pond.default(manifest)
  ponds.push(pond)
  return { node, pond }
}

const expectSoon = (holds: () => unknown) => expect.poll(holds, { timeout: 30_000, interval: 10 })

afterEach(async () => {
  for (const pond of ponds.splice(0)) pond.dispose()
  await swarm.close()
  for (const database of databases.splice(0)) await deleteDatabase(database)
})

test('[C19] [C21] observe: the first state comes though there is no event; after a partition both have the same state, in order', async () => {
  swarm = await testSwarm()
  const [one, two] = [await openPond('one'), await openPond('two')]
  const seen: (readonly string[])[][] = [[], []]
  one.pond.observe(steps, (state) => seen[0]?.push(state))
  two.pond.observe(steps, (state) => seen[1]?.push(state))
  await expectSoon(() => seen.map((states) => states.length > 0)).toEqual([true, true])
  expect(seen.map(([first]) => first)).toEqual([[], []])
  await expectSoon(() => [one, two].every(({ node }) => node.status().peers.some(({ state }) => state === 'connected'))).toBe(true)
  swarm.cut(one.node)
  for (let number = 0; number < 3; number++) await one.pond.publish(step.apply({ by: 'a', step: number }))
  for (let number = 0; number < 5; number++) await two.pond.publish(step.apply({ by: 'b', step: number }))
  await expectSoon(() => seen.map((states) => states.at(-1)?.length)).toEqual([3, 5])
  swarm.heal(one.node)
  await expectSoon(() => seen.map((states) => states.at(-1)?.length)).toEqual([8, 8])
  const ordered: string[] = []
  for await (const { payload } of one.node.query({})) ordered.push(`${(payload as Step).by}${(payload as Step).step}`)
  expect(seen.map((states) => states.at(-1))).toEqual([ordered, ordered])
  expect(await two.pond.currentState(steps)).toEqual(ordered)
})

test('[C8] run and keepRunning: each effect sees what those before it have published', async () => {
  swarm = await testSwarm()
  const { pond } = await openPond('one')
  await Promise.all([1, 2, 3].map(() => pond.run<readonly string[], Step>(steps, (state, enqueue) => enqueue(step, { by: 'r', step: state.length })).toPromise()))
  await expectSoon(() => pond.currentState(steps)).toEqual(['r0', 'r1', 'r2'])
  pond.keepRunning<readonly string[], Step>(steps, (state, enqueue) => enqueue(step, { by: 'k', step: state.length }), (state) => state.length >= 6)
  await expectSoon(() => pond.currentState(steps)).toEqual(['r0', 'r1', 'r2', 'k3', 'k4', 'k5'])
  expect(await pond.currentState(steps)).toHaveLength(6)
})

test('[C27] observeAll and observeOne: fish of what was published before and after', async () => {
  swarm = await testSwarm()
  const { pond } = await openPond('one')
  await pond.publish(item.withId('bolt').apply({ item: 'bolt' }))
  let all: readonly number[] = []
  let one = 0
  pond.observeAll(item, ({ item: name }) => itemFish(name), {}, (states) => (all = states))
  pond.observeOne(item.withId('nut'), ({ item: name }) => itemFish(name), (state) => (one = state))
  await expectSoon(() => all).toEqual([1])
  await pond.publish([item.withId('nut').apply({ item: 'nut' }), item.withId('bolt').apply({ item: 'bolt' })])
  await expectSoon(() => [[...all].toSorted(), one]).toEqual([[1, 2], 1])
  expect(one).toBe(1)
})
