import { afterEach, expect, test } from 'vitest'
import { actyxOf } from '../../src/actyx/actyx.ts'
import { leaveSwarm } from '../../src/index.ts'
import { openIdbStore } from '../../src/store/idb-event-store.ts'
import { testSwarm, type TestSwarm } from '../../src/testing.ts'
import { brokenDisk } from '../actyx/broken-disk.ts'
import { eventFnsCases, type EventFnsWorld } from '../contract/event-fns.contract.ts'

let swarm: TestSwarm | undefined

/** A node over IndexedDB, in real time; the one that it is connected with is in memory. */
const openWorld = async (): Promise<EventFnsWorld> => {
  swarm = await testSwarm()
  const disk = brokenDisk()
  const node = await swarm.node({ openStore: async (id) => disk.around(await openIdbStore(id)) })
  const other = await swarm.node()
  const { cut, heal } = swarm
  await expect.poll(() => node.status().peers.some(({ state }) => state === 'connected'), { timeout: 10_000, interval: 10 }).toBe(true)
  return {
    node,
    actyx: actyxOf(node, { appId: 'com.example.app' }),
    other: actyxOf(other, { appId: 'com.example.other' }),
    link: { cut: () => cut(node), heal: () => heal(node) },
    disk,
    until: (holds) => expect.poll(holds, { timeout: 20_000, interval: 5 }).toBe(true),
    settle: async () => {
      for (let at = 0; at < 30; at++) await node.present()
    },
  }
}

afterEach(async () => {
  const nodes = swarm
  swarm = undefined
  await nodes?.close()
})

for (const { rule, title, run } of eventFnsCases) {
  test(`[${rule}] ${title}`, async () => {
    expect.hasAssertions()
    const world = await openWorld()
    await run(world)
    await swarm?.close()
    await leaveSwarm(world.node.swarm)
  }, 30_000)
}
