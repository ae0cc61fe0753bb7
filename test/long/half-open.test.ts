import { afterAll, beforeAll, expect, test } from 'vitest'
import { createFloor, type Floor, type Tablet } from '../floor/floor.ts'
import { beginFloor, connected, historyOf, holding, inviteLink, joinFloor, nodeIdOf, ownOf, publishInSteps } from '../floor/tablet-page.ts'
import { shown, statesOf, watchStates } from './seen-states.ts'

// A connection of which one direction is lost: the tablet whose packets arrive nowhere still hears the other one.

let floor: Floor
const tablets: Tablet[] = []
const pageOf = (n: number) => {
  const page = tablets[n - 1]?.page
  if (page === undefined) throw new Error(`there is no tablet ${n}`)
  return page
}

/** What tablet 1 sends to tablet 2 is lost, or not any more. The hub is reached all the time. */
const loseOneWay = (does: boolean): Promise<unknown> =>
  floor.run('tablet1', 'iptables', does ? '-A' : '-D', 'OUTPUT', '-p', 'udp', '-d', '10.77.0.2', '-j', 'DROP')

beforeAll(async () => {
  floor = await createFloor(2)
  await floor.startHub()
  for (const n of [1, 2]) tablets.push(await floor.tablet(n))
  await beginFloor(pageOf(1), floor.hubOrigin, 'Turning 1')
  await joinFloor(pageOf(2), await inviteLink(pageOf(1)), 'Packing 2')
  for (const n of [1, 2]) await connected(pageOf(n), 1)
  await watchStates(pageOf(1), await nodeIdOf(pageOf(2)))
  await watchStates(pageOf(2), await nodeIdOf(pageOf(1)))
})
afterAll(() => floor.close())

const publish = (n: number, what: string) => publishInSteps(pageOf(n), Array.from({ length: 10 }, (_, at) => ({ tags: ['half'], event: { what, n, at } })), 2)

test('[G1] [G6] a half-open connection is found by both, and replaced as soon as packets arrive again', async () => {
  await loseOneWay(true)
  for (const n of [1, 2]) await publish(n, 'one way lost')
  for (const n of [1, 2]) await shown(pageOf(n), 'gone')
  await loseOneWay(false)
  const began = performance.now()
  for (const n of [1, 2]) await shown(pageOf(n), 'connected')
  console.log(`back ${Math.round(performance.now() - began)} ms after the packets`)
  for (const n of [1, 2]) await publish(n, 'both ways')
  const own = { ...(await ownOf(pageOf(1))), ...(await ownOf(pageOf(2))) }
  for (const n of [1, 2]) await holding(pageOf(n), own)
  expect(await historyOf(pageOf(1))).toEqual(await historyOf(pageOf(2)))
  for (const n of [1, 2]) expect(await statesOf(pageOf(n))).toEqual(['connected', 'suspect', 'gone', 'connected'])
})
