import { expect, test } from 'vitest'
import { copiesOfOwn } from '../../src/node/node.ts'
import { createNodeWorld, follow, payloads, readAll, tagged } from './world.ts'

test('[G8] tabs of a profile are one node with one history, whoever publishes', async () => {
  const { world, tablet } = await createNodeWorld()
  const profile = tablet()
  const tabs = [await profile.open(), await profile.open(), await profile.open()] as const
  const seen = tabs.map(({ node }) => follow(node))
  const publishes: Promise<unknown>[] = []
  for (let at = 0; at < 30; at++) {
    const tab = tabs[world.random.below(3)]
    if (tab !== undefined) publishes.push(tab.node.publish([tagged(at)]))
    if (world.random.chance(0.5)) await world.settle()
  }
  await Promise.all(publishes)
  await world.advance(100)
  expect(new Set(tabs.map(({ node }) => node.nodeId)).size).toBe(1)
  const [{ node }] = tabs
  const all = await readAll(node)
  expect(all.map(({ meta }) => meta.offset)).toEqual(Array.from({ length: 30 }, (_, at) => at))
  for (const { given, travels } of seen) {
    expect(payloads(given)).toEqual(payloads(all))
    expect(travels).toEqual([])
  }
  for (const { node } of tabs) expect(node.status().own).toEqual({ [`${node.nodeId}-0`]: 29 })
})

test('[G5] an event sorts after all that another tab had been given', async () => {
  const { world, tablet } = await createNodeWorld()
  const profile = tablet()
  const [{ node: first }, { node: second }, { node: other }] = [await profile.open(), await profile.open(), await tablet().open()]
  await first.publish([tagged('first')])
  for (let at = 0; at < 3; at++) await other.publish([tagged('far')])
  const given = follow(second)
  await world.until(() => payloads(given.given).filter((payload) => payload === 'far').length === 3)
  const newest = Math.max(...given.given.map(({ meta }) => meta.lamport))
  const [meta] = await first.publish([tagged('after')])
  expect(meta?.lamport).toBeGreaterThan(newest)
})

test('[G8] only the leader has connections; the others show the same, and the next one takes over', async () => {
  const { world, network, tablet } = await createNodeWorld()
  const [mine, theirs] = [tablet(), tablet()]
  const [first, second, far] = [await mine.open(), await mine.open(), await theirs.open()]
  await world.until(() => far.node.status().peers.some(({ state }) => state === 'connected'))
  expect(network.connections()).toHaveLength(1)
  expect([first.node.status().leader, second.node.status().leader]).toEqual([true, false])
  await second.node.publish([tagged('of a follower')])
  await world.until(() => copiesOfOwn(second.node.status()) === 2)
  expect(payloads(await readAll(far.node))).toEqual(['of a follower'])
  expect(second.node.status().peers).toEqual(first.node.status().peers)
  expect(second.node.status().hubs).toEqual(first.node.status().hubs)

  first.tab.close()
  await world.until(() => second.node.status().leader)
  await second.node.publish([tagged('of the new leader')])
  await world.until(() => copiesOfOwn(second.node.status()) === 2)
  expect(payloads(await readAll(far.node))).toEqual(['of a follower', 'of the new leader'])
})

test('[G8] a leader that freezes gives up its connections, and gets what it missed on resume', async () => {
  const { world, tablet } = await createNodeWorld()
  const [mine, theirs] = [tablet(), tablet()]
  const [first, second, far] = [await mine.open(), await mine.open(), await theirs.open()]
  await world.until(() => far.node.status().peers.some(({ state }) => state === 'connected'))
  const seen = follow(first.node)
  first.tab.freeze()
  await world.until(() => second.node.status().leader)
  await far.node.publish([tagged('meanwhile')])
  await second.node.publish([tagged('in the other tab')])
  await world.until(async () => (await readAll(second.node)).length === 2)
  expect(seen.given).toEqual([])
  first.tab.resume()
  await world.until(() => seen.given.length === 2)
  expect(first.node.status().leader).toBe(false)
})

test('[G8] a tab that hears no hint finds what is new on disk within 2 s', async () => {
  const { world, tablet } = await createNodeWorld()
  const profile = tablet()
  const first = await profile.open()
  const deaf = await profile.open({ scope: 'elsewhere' })
  const seen = follow(deaf.node)
  await world.settle()
  await first.node.publish([tagged('unheard')])
  await world.settle()
  expect(seen.given).toEqual([])
  await world.advance(2_000)
  expect(payloads(seen.given)).toEqual(['unheard'])
})

test('[G2] each tab raises the clock by 1,000 before its first publish', async () => {
  const { tablet } = await createNodeWorld()
  const profile = tablet()
  const [first, second] = [await profile.open(), await profile.open()]
  const lamports = [await first.node.publish([tagged(1)]), await second.node.publish([tagged(2)]), await first.node.publish([tagged(3)])]
  expect(lamports.flat().map(({ lamport }) => lamport)).toEqual([1001, 2002, 2003])
})
