import { expect, test } from 'vitest'
import { actyxOf } from '../../src/actyx/actyx.ts'
import { openReopeningStore } from '../../src/node/reopening-store.ts'
import { openMemoryStore } from '../../src/store/memory-event-store.ts'
import { eventFnsCases, type EventFnsWorld } from '../contract/event-fns.contract.ts'
import { createNodeWorld } from '../node/world.ts'
import { brokenDisk } from './broken-disk.ts'

/** A node in memory, in virtual time. */
const openWorld = async (): Promise<EventFnsWorld> => {
  const { world, network, swarm, tablet } = await createNodeWorld()
  const [one, two] = [tablet(), tablet()]
  const disk = brokenDisk()
  const { environment } = one.profile.openTab()
  const store = disk.around(await openReopeningStore(async () => openMemoryStore(one.disk, swarm.id), environment))
  const { node } = await one.open({}, { store, environment })
  const other = await two.open()
  await world.until(() => node.status().peers.some(({ state }) => state === 'connected'))
  const clock = { nowMicros: environment.nowMicros, after: world.after }
  return {
    node,
    actyx: actyxOf(node, { appId: 'com.example.app' }, clock),
    other: actyxOf(other.node, { appId: 'com.example.other' }, clock),
    link: { cut: () => network.cut(one.name), heal: () => network.heal(one.name) },
    disk,
    until: world.until,
    settle: () => world.advance(2_000),
  }
}

for (const { rule, title, run } of eventFnsCases) {
  test(`[${rule}] ${title}`, async () => {
    expect.hasAssertions()
    await run(await openWorld())
  })
}
