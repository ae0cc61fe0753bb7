import { expect, test } from 'vitest'
import { createLeader, leaderSilentMs } from '../../src/tab/leader.ts'
import { createTestWorld, type TestProfile } from '../environment.ts'

const stand = (profile: TestProfile) => {
  const tab = profile.openTab()
  const log: string[] = []
  const leader = createLeader(tab.environment, 'leader', { gained: () => log.push('gained'), lost: () => log.push('lost') })
  return { tab, leader, log }
}

const open = async (count: number) => {
  const world = createTestWorld()
  const profile = world.profile()
  const tabs: ReturnType<typeof stand>[] = []
  for (let at = 0; at < count; at++) {
    tabs.push(stand(profile))
    await world.settle()
  }
  return { world, profile, tabs, leads: () => tabs.map(({ leader }) => leader.leads()) }
}

test('[G8] one tab of a profile leads, the next when it is closed', async () => {
  const { world, tabs, leads } = await open(3)
  expect(leads()).toEqual([true, false, false])
  await world.advance(20_000)
  expect(leads()).toEqual([true, false, false])
  tabs[0]?.tab.close()
  await world.settle()
  expect(leads()).toEqual([false, true, false])
  expect(tabs[0]?.log).toEqual(['gained', 'lost'])
})

test('[G8] a frozen leader gives the lead to another and stands again on resume', async () => {
  const { world, tabs, leads } = await open(2)
  tabs[0]?.tab.freeze()
  await world.settle()
  expect(leads()).toEqual([false, true])
  tabs[0]?.tab.resume()
  await world.advance(10_000)
  expect(leads()).toEqual([false, true])
  tabs[1]?.leader.close()
  await world.settle()
  expect(leads()).toEqual([true, false])
})

test('[G8] a visible follower takes the lead from one that has not answered for 3 s', async () => {
  const { world, profile, tabs } = await open(0)
  const stuck = profile.openTab()
  let stolen = false
  await stuck.environment.locks.hold('leader', { lost: () => (stolen = true) })
  tabs.push(stand(profile))
  await world.advance(leaderSilentMs)
  expect(tabs[0]?.leader.leads()).toBe(false)
  await world.advance(1_000)
  expect(tabs[0]?.leader.leads()).toBe(true)
  expect(stolen).toBe(true)
})

test('[G8] a hidden follower does not', async () => {
  const { world, profile, tabs } = await open(0)
  const stuck = profile.openTab()
  await stuck.environment.locks.hold('leader', { lost: () => {} })
  tabs.push(stand(profile))
  tabs[0]?.tab.hide()
  await world.advance(60_000)
  expect(tabs[0]?.leader.leads()).toBe(false)
  tabs[0]?.tab.show()
  await world.advance(5_000)
  expect(tabs[0]?.leader.leads()).toBe(true)
})

test('[G8] who loses the lead hears of it and stands again', async () => {
  const { world, profile, tabs, leads } = await open(1)
  const thief = profile.openTab()
  const taken = await thief.environment.locks.hold('leader', { steal: true, lost: () => {} })
  await world.settle()
  expect(leads()).toEqual([false])
  expect(tabs[0]?.log).toEqual(['gained', 'lost'])
  taken.release()
  await world.settle()
  expect(leads()).toEqual([true])
})
