import { expect, test } from 'vitest'
import { createAppendLock, stealAfterMs } from '../../src/tab/append-lock.ts'
import { createTestWorld, type TestTab, type TestWorld } from '../environment.ts'

const lockName = 'append'

/** Two or more tabs of one profile, each with its append lock, and a record of who worked when. */
const openTabs = (count: number) => {
  const world = createTestWorld()
  const profile = world.profile()
  const log: string[] = []
  const tabs = Array.from({ length: count }, (_, index) => {
    const tab = profile.openTab()
    const lock = createAppendLock(tab.environment, lockName)
    return { tab, lock, work: (name: string) => lock.run(async () => void log.push(`${index}:${name}`)) }
  })
  return { world, profile, log, tabs }
}

/** Work that ends when told. */
const longWork = () => {
  let end = () => {}
  const ended = new Promise<void>((resolve) => (end = resolve))
  return { work: () => ended, end }
}

/** Whether a tab of the profile can have the lock at once. */
const isFree = async (world: TestWorld, tab: TestTab) => {
  const giveUp = new AbortController()
  let free = false
  const held = tab.environment.locks.hold(lockName, { signal: giveUp.signal, lost: () => {} }).then(
    (lock) => {
      free = true
      lock.release()
    },
    (error: unknown) => expect(error).toHaveProperty('name', 'AbortError'),
  )
  await world.settle()
  giveUp.abort()
  await held
  return free
}

test('[G8] keeps the lock between pieces of work and gives it back when another tab asks', async () => {
  const { world, profile, log, tabs } = openTabs(2)
  await tabs[0]?.work('a')
  await tabs[0]?.work('b')
  expect(await isFree(world, profile.openTab())).toBe(false)
  await tabs[1]?.work('c')
  await tabs[0]?.work('d')
  expect(log).toEqual(['0:a', '0:b', '1:c', '0:d'])
  expect(world.nowMs()).toBe(0)
})

test('[G8] gives the lock back after the work under way, not in its middle', async () => {
  const { world, log, tabs } = openTabs(2)
  const long = longWork()
  const first = tabs[0]?.lock.run(long.work)
  await world.settle()
  const second = tabs[1]?.work('waited')
  await world.settle()
  expect(log).toEqual([])
  long.end()
  await Promise.all([first, second])
  expect(log).toEqual(['1:waited'])
  expect(world.nowMs()).toBe(0)
})

test('[G8] an ask that a waiting tab hears counts when it gets the lock', async () => {
  const { world, log, tabs } = openTabs(3)
  const long = longWork()
  const first = tabs[0]?.lock.run(long.work)
  await world.settle()
  const others = [tabs[1]?.work('b'), tabs[2]?.work('c')]
  await world.settle()
  long.end()
  await Promise.all([first, ...others])
  expect(log).toEqual(['1:b', '2:c'])
  expect(world.nowMs()).toBe(0)
})

test('[G8] who waits 2 s takes the lock from a tab that is stuck', async () => {
  const { world, log, tabs } = openTabs(2)
  const stuck = longWork()
  const first = tabs[0]?.lock.run(stuck.work)
  await world.settle()
  const second = tabs[1]?.work('stolen')
  await world.advance(stealAfterMs - 1)
  expect(log).toEqual([])
  await world.advance(1)
  await second
  expect(log).toEqual(['1:stolen'])
  stuck.end()
  await first
  await tabs[0]?.work('again')
  expect(log).toEqual(['1:stolen', '0:again'])
})

test('[G8] the 2 s run anew from every steal', async () => {
  const { world, log, tabs } = openTabs(3)
  const stuck = longWork()
  const stuckToo = longWork()
  const first = tabs[0]?.lock.run(stuck.work)
  await world.settle()
  const second = tabs[1]?.lock.run(stuckToo.work)
  await world.advance(500)
  const third = tabs[2]?.work('c')
  await world.advance(1_500 + stealAfterMs - 1)
  expect(log).toEqual([])
  await world.advance(1)
  await third
  expect(log).toEqual(['2:c'])
  stuck.end()
  stuckToo.end()
  await Promise.all([first, second])
})

test('[G8] gives the lock back in freeze and pagehide, and waits for the page before it asks again', async () => {
  const { world, profile, log, tabs } = openTabs(1)
  const other = profile.openTab()
  await tabs[0]?.work('a')
  tabs[0]?.tab.freeze()
  expect(await isFree(world, other)).toBe(true)
  const frozen = tabs[0]?.work('b')
  await world.advance(10_000)
  expect(log).toEqual(['0:a'])
  expect(await isFree(world, other)).toBe(true)
  tabs[0]?.tab.resume()
  await frozen
  expect(log).toEqual(['0:a', '0:b'])
  tabs[0]?.tab.close()
  expect(await isFree(world, other)).toBe(true)
})

test('[G8] a tab that goes to sleep while it waits takes no turn, and asks again when it wakes', async () => {
  const { world, log, tabs } = openTabs(3)
  const long = longWork()
  const first = tabs[0]?.lock.run(long.work)
  await world.settle()
  const waiting = tabs[1]?.work('asleep')
  await world.settle()
  tabs[1]?.tab.freeze()
  const other = tabs[2]?.work('awake')
  await world.settle()
  long.end()
  await Promise.all([first, other])
  expect(log).toEqual(['2:awake'])
  expect(world.nowMs()).toBe(0)
  tabs[1]?.tab.resume()
  await waiting
  expect(log).toEqual(['2:awake', '1:asleep'])
})

test('[G8] work that fails tells its caller alone', async () => {
  const { log, tabs } = openTabs(1)
  await expect(tabs[0]?.lock.run(() => Promise.reject(new Error('no')))).rejects.toThrow('no')
  await tabs[0]?.work('next')
  expect(log).toEqual(['0:next'])
})

test('[G8] close waits for the work under way and gives the lock back', async () => {
  const { world, profile, tabs } = openTabs(1)
  const long = longWork()
  const work = tabs[0]?.lock.run(long.work)
  await world.settle()
  const closed = tabs[0]?.lock.close()
  expect(await isFree(world, profile.openTab())).toBe(false)
  long.end()
  await Promise.all([work, closed])
  expect(await isFree(world, profile.openTab())).toBe(true)
})
