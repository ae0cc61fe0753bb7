import { expect, test } from 'vitest'
import { actyxOf } from '../../src/actyx/actyx.ts'
import { openReopeningStore } from '../../src/node/reopening-store.ts'
import { StoreError } from '../../src/store/errors.ts'
import { openMemoryStore } from '../../src/store/memory-event-store.ts'
import { eventFnsCases, type EventFnsWorld } from '../contract/event-fns.contract.ts'
import { createNodeWorld } from '../node/world.ts'
import { failing } from './failing-store.ts'

/** A node in memory, in virtual time. */
const openWorld = async (): Promise<EventFnsWorld> => {
  const { world, network, swarm, tablet } = await createNodeWorld()
  const [one, two] = [tablet(), tablet()]
  const disk = { isFailing: false }
  const { environment } = one.profile.openTab()
  const store = failing(await openReopeningStore(async () => openMemoryStore(one.disk, swarm.id), environment), () => disk.isFailing && new StoreError('STORE-FAILED', 'the disk does not answer'))
  const { node } = await one.open({}, { store, environment })
  const other = await two.open()
  await world.until(() => node.status().peers.some(({ state }) => state === 'connected'))
  const clock = { nowMicros: environment.nowMicros, after: world.after }
  return {
    node,
    actyx: actyxOf(node, { appId: 'com.example.app' }, clock),
    other: actyxOf(other.node, { appId: 'com.example.other' }, clock),
    link: { cut: () => network.cut(one.name), heal: () => network.heal(one.name) },
    disk: { fail: () => (disk.isFailing = true), mend: () => (disk.isFailing = false) },
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
