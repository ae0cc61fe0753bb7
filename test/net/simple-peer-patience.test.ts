import { expect, test } from 'vitest'
import { Patience } from '../../src/net/simple-peer-patience.ts'
import { createTestWorld } from '../environment.ts'

/** A browser whose listeners are given up after `givesUpMs`. */
const create = (givesUpMs?: number) => {
  const world = createTestWorld()
  const told: string[] = []
  let scratches = 0
  const timers = { nowMicros: () => world.nowMs() * 1000, after: world.after }
  const scratch = async (gaveUp: () => void) => {
    scratches++
    if (givesUpMs !== undefined) world.after(givesUpMs, gaveUp)
    return () => void told.push(`scratch ended at ${world.nowMs()}`)
  }
  const patience = new Patience(scratch, timers)
  const keep = (name: string) => {
    const end: () => void = patience.keep({
      suppose: (candidate) => told.push(`${name} at ${world.nowMs()}: ${candidate.split(' ').slice(4, 6).join(':')}`),
      expired: () => {
        told.push(`${name} expired at ${world.nowMs()}`)
        end()
      },
    })
    return end
  }
  const begin = async () => {
    let begun = false
    const watched = patience.watched().then(() => (begun = true))
    await world.advance(999)
    expect(begun).toBe(false)
    await world.advance(1)
    await watched
  }
  return { world, told, patience, keep, begin, scratches: () => scratches }
}

test('[T11] in a browser that gives listeners up each is told of a candidate that leads nowhere, from when that is known until it ends', async () => {
  const { world, told, keep, begin } = create(5000)
  await begin()
  const end = keep('first')
  await world.advance(4000)
  expect(told).toEqual(['first at 5000: 255.255.255.255:9'])
  keep('second')
  await world.advance(3000)
  end()
  await world.advance(3000)
  expect(told.slice(1)).toEqual(['second at 5000: 255.255.255.255:9', 'first at 8000: 255.255.255.255:9', 'second at 8000: 255.255.255.255:9', 'scratch ended at 10000', 'second at 11000: 255.255.255.255:9'])
})

test('[T11] after an hour it is let go of, and says so', async () => {
  const { world, told, keep, begin } = create(5000)
  await begin()
  keep('first')
  await world.advance(3_600_000 + 4000)
  expect([told.length, told.at(-1)]).toEqual([1202, 'first expired at 3605000'])
  await world.advance(60_000)
  expect(told.length).toBe(1202)
})

test('[T11] in one that lets them wait none is told of any', async () => {
  const { world, told, patience, keep, begin, scratches } = create()
  await begin()
  keep('first')
  await world.advance(600_000)
  await patience.watched()
  expect([told, scratches()]).toEqual([['scratch ended at 10000'], 1])
})

test('[T15] where no scratch listener can be made that is said, and tried again for the next', async () => {
  let fails = true
  const world = createTestWorld()
  const patience = new Patience(async () => {
    if (fails) throw new Error('no connection can be made')
    return () => undefined
  }, { nowMicros: () => 0, after: world.after })
  await expect(patience.watched()).rejects.toThrow('no connection')
  fails = false
  const watched = patience.watched()
  await world.advance(1000)
  await watched
})
