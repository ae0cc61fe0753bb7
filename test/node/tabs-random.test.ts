import { expect, test } from 'vitest'
import type { Meta } from '../../src/core/event.ts'
import { createNodeWorld, readAll, tagged } from './world.ts'

/** Tabs of one profile that publish, freeze, wake, crash, have their locks stolen and lose power, in an order that the seed gives. */
const live = async (seed: number) => {
  const nodes = await createNodeWorld(seed)
  const { world } = nodes
  const tablet = nodes.tablet()
  const acknowledged = new Map<number, Meta>()
  let published = 0
  let tabs: (Awaited<ReturnType<typeof tablet.open>> & { frozen: boolean })[] = []
  const open = async () => tabs.push({ ...(await tablet.open()), frozen: false })
  const publish = (at: number) => {
    const number = published++
    tabs[at]?.node.publish([tagged(number)]).then(
      ([meta]) => meta !== undefined && acknowledged.set(number, meta),
      // Only a lost disk may refuse; what was stored of it is looked at in the end.
      (error: unknown) => expect(Reflect.get(Object(error), 'code')).toBe('STORE-LOST'),
    )
  }
  const steps: readonly (() => void | Promise<unknown>)[] = [
    ...Array.from({ length: 8 }, () => () => publish(world.random.below(tabs.length))),
    () => world.settle(),
    () => world.advance(world.random.below(3_000)),
    async () => tabs.length < 4 && (await open()),
    () => {
      const tab = tabs[world.random.below(tabs.length)]
      if (tab === undefined) return
      tab.frozen = !tab.frozen
      if (tab.frozen) tab.tab.freeze()
      else tab.tab.resume()
    },
    () => {
      if (tabs.length > 1) for (const { tab } of tabs.splice(world.random.below(tabs.length), 1)) tab.crash()
    },
    async () => {
      const thief = tablet.profile.openTab()
      const lock = await thief.environment.locks.hold(`millpond-${nodes.swarm.id}/append`, { steal: true, lost: () => {} })
      await world.advance(world.random.below(2_500))
      lock.release()
    },
    async () => {
      if (!world.random.chance(0.2)) return
      for (const { tab } of tabs) tab.crash()
      tabs = []
      tablet.disk.powerCut()
      await open()
    },
  ]
  await open()
  for (let step = 0; step < 80; step++) await world.random.pick(steps)()
  for (const tab of tabs) if (tab.frozen) tab.tab.resume()
  await world.advance(20_000)
  const { node } = await tablet.open()
  return { events: await readAll(node), acknowledged, nodeId: node.nodeId, published }
}

test('[G4] [G8] whatever happens to the tabs, the own stream has no gap, no double, and all that was acknowledged', { timeout: 120_000 }, async () => {
  let acknowledgedCount = 0
  for (let seed = 1; seed <= 20; seed++) {
    const { events, acknowledged, nodeId, published } = await live(seed)
    const where = `seed ${seed}, ${published} published`
    expect({ where, offsets: events.map(({ meta }) => meta.offset) }).toEqual({ where, offsets: events.map((_, at) => at) })
    expect({ where, streams: [...new Set(events.map(({ meta }) => meta.stream))] }).toEqual({ where, streams: [`${nodeId}-0`] })
    expect({ where, doubles: events.length - new Set(events.map(({ payload }) => payload)).size }).toEqual({ where, doubles: 0 })
    const byPayload = new Map(events.map(({ payload, meta }) => [payload, meta.eventId]))
    const lost = [...acknowledged].filter(([number, meta]) => byPayload.get(number) !== meta.eventId)
    expect({ where, lost }).toEqual({ where, lost: [] })
    acknowledgedCount += acknowledged.size
  }
  expect(acknowledgedCount).toBeGreaterThan(400)
})
