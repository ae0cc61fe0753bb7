import { expect, test } from 'vitest'
import { copiesOfOwn, type Node } from '../../src/node/node.ts'
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

test('[G8] a leader that freezes gives up the lead, and on resume its connections; it gets what it missed', async () => {
  const { world, network, tablet } = await createNodeWorld()
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
  await world.until(() => seen.given.length === 2 && !first.node.status().leader)
  await world.until(() => network.connections().length === 1)
  expect(second.node.status().peers).toMatchObject([{ state: 'connected' }])
  // Whoever follows shows what the leader knows.
  await world.until(() => first.node.status().peers[0]?.state === 'connected')
})

/** The states in which `node` sees its one peer, one after the other. */
const statesSeenBy = (node: Node): string[] => {
  const states: string[] = []
  node.observe(({ peers }) => {
    const [peer] = peers
    if (peer !== undefined && peer.state !== states.at(-1)) states.push(peer.state)
  })
  return states
}

test('[G8] a node whose only page is frozen is asleep to others, and goes on over the same connection', async () => {
  const { world, network, tablet } = await createNodeWorld()
  const [mine, far] = [await tablet().open(), await tablet().open()]
  await world.until(() => far.node.status().peers[0]?.state === 'connected')
  const [connection] = network.connections()
  const states = statesSeenBy(far.node)
  mine.tab.hide()
  mine.tab.freeze()
  await world.advance(300_000)
  await far.node.publish([tagged('meanwhile')])
  await world.advance(10_000)
  expect(states).toEqual(['asleep'])
  mine.tab.resume()
  mine.tab.show()
  await world.until(async () => (await readAll(mine.node)).length === 1 && states.at(-1) === 'connected')
  expect(states).toEqual(['asleep', 'connected'])
  expect(network.connections()).toEqual([connection])
  expect(mine.node.status()).toMatchObject({ leader: true, peers: [{ state: 'connected' }] })
})

test('[G8] a node is awake to others while any of its tabs is visible', async () => {
  const { world, network, tablet } = await createNodeWorld()
  const profile = tablet()
  const [leader, follower, far] = [await profile.open(), await profile.open(), await tablet().open()]
  await world.until(() => far.node.status().peers[0]?.state === 'connected')
  await world.advance(5_000)
  const states = statesSeenBy(far.node)
  leader.tab.hide()
  await world.advance(60_000)
  expect(states).toEqual(['connected'])
  follower.tab.hide()
  await world.until(() => far.node.status().peers[0]?.state === 'asleep', 4_000)
  follower.tab.show()
  await world.until(() => far.node.status().peers[0]?.state === 'connected', 1_000)
  await world.advance(60_000)
  expect(states).toEqual(['connected', 'asleep', 'connected'])
  // It has not come to that by another tab's taking the lead.
  expect([leader.node.status().leader, network.connections().length]).toEqual([true, 1])
})

test('[G6] [G8] what the leader noticed of the network stands in every tab, beside what that tab noticed itself', async () => {
  const { world, network, hub, tablet } = await createNodeWorld()
  const [mine, theirs] = [tablet(), tablet()]
  const [leader, follower, far] = [await mine.open(), await mine.open(), await theirs.open()]
  await world.until(() => far.node.status().peers[0]?.state === 'connected')
  await world.advance(5_000)
  hub.off()
  network.drop('Tablet 1', 'Tablet 2')
  const codes = ({ node }: { readonly node: Node }) => node.status().notices.map(({ code }) => code)
  await world.until(() => codes(leader).includes('STANDBY-USED'))
  await world.until(() => codes(follower).includes('STANDBY-USED'))
  const late = await mine.open()
  await world.until(() => codes(late).includes('STANDBY-USED'))
  leader.tab.close()
  await world.until(() => follower.node.status().leader)
  const latest = await mine.open()
  await world.until(() => codes(latest).includes('STANDBY-USED'))
  for (const tab of [late, latest]) expect(tab.node.status().notices).toEqual(follower.node.status().notices)
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
