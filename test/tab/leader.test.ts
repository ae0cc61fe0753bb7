import { expect, test } from 'vitest'
import { createLeader, leaderSilentMs } from '../../src/tab/leader.ts'
import type { Environment } from '../../src/node/environment.ts'
import { createTestWorld, type TestProfile } from '../environment.ts'

const stand = (profile: TestProfile, change: (environment: Environment) => Environment = (environment) => environment) => {
  const tab = profile.openTab()
  const log: string[] = []
  const leader = createLeader(change(tab.environment), 'leader', { gained: () => log.push('gained'), lost: () => log.push('lost'), failed: (error) => log.push(String(error)) })
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
  expect(tabs[0]?.log).toEqual(['gained'])
  tabs[0]?.tab.resume()
  await world.advance(1_000)
  expect(tabs[0]?.log).toEqual(['gained', 'lost'])
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
  await world.advance(leaderSilentMs - 1)
  expect(tabs[0]?.leader.leads()).toBe(false)
  await world.advance(1)
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

test('[G8] a frozen leader in whose absence nobody came to lead goes on, and its connections with it', async () => {
  const { world, tabs, leads } = await open(1)
  tabs[0]?.tab.freeze()
  await world.advance(300_000)
  expect(leads()).toEqual([false])
  tabs[0]?.tab.resume()
  await world.settle()
  expect(leads()).toEqual([true])
  await world.advance(10_000)
  expect(tabs[0]?.log).toEqual(['gained', 'gained'])
})

test('[G8] a frozen leader that is closed has lost', async () => {
  const { world, tabs } = await open(1)
  tabs[0]?.tab.freeze()
  tabs[0]?.tab.close()
  await world.settle()
  expect(tabs[0]?.log).toEqual(['gained', 'lost'])
})

test('[G8] a hidden leader knows that another tab is visible, and that none is any more', async () => {
  const { world, tabs, leads } = await open(2)
  const seen = () => tabs[0]?.leader.isSeen()
  tabs[1]?.tab.hide()
  tabs[0]?.tab.hide()
  await world.advance(leaderSilentMs)
  expect(seen()).toBe(false)
  tabs[1]?.tab.show()
  await world.settle()
  expect(seen()).toBe(true)
  await world.advance(60_000)
  expect([seen(), leads()]).toEqual([true, [true, false]])
  tabs[1]?.tab.hide()
  await world.advance(leaderSilentMs)
  expect(seen()).toBe(false)
  tabs[0]?.tab.show()
  expect(seen()).toBe(true)
  tabs[0]?.tab.freeze()
  expect(seen()).toBe(false)
})

test('[G8] a visible follower takes the lead from a hidden tab whose timers are held back, though it hears each ping', async () => {
  const { world, profile, tabs, leads } = await open(0)
  tabs.push(stand(profile, (environment) => ({ ...environment, after: (delayMs, call) => environment.after(delayMs + 60_000, call) })))
  await world.settle()
  tabs.push(stand(profile))
  await world.advance(leaderSilentMs + 1_000)
  expect(leads()).toEqual([false, true])
  expect(tabs[0]?.log).toEqual(['gained', 'lost'])
})

test('[G6] a lock that the browser refuses is reported, and asked for again', async () => {
  const { world, profile, tabs, leads } = await open(0)
  let refusals = 2
  const refusing = (environment: Environment): Environment => ({
    ...environment,
    locks: { hold: (...asked) => (refusals-- > 0 ? Promise.reject(new Error('no locks today')) : environment.locks.hold(...asked)) },
  })
  tabs.push(stand(profile, refusing))
  await world.advance(5_000)
  expect(leads()).toEqual([true])
  expect(tabs[0]?.log).toEqual(['Error: no locks today', 'Error: no locks today', 'gained'])
})
