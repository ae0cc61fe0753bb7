import { expect, test } from 'vitest'
import { Backoffs, Bucket } from '../../src/node/peers-budget.ts'

test('[G7] a bucket gives what it holds at once, then as much as comes back', () => {
  const bucket = new Bucket(3, 6, 1000)
  expect([1, 2, 3, 4].map(() => bucket.take(1000))).toEqual([true, true, true, false])
  expect(bucket.hasAny(10_999)).toBe(false)
  expect(bucket.hasAny(11_000)).toBe(true)
  expect([bucket.take(11_000), bucket.take(11_000)]).toEqual([true, false])
  // Never more than its size, however long it waits.
  expect([1, 2, 3, 4].map(() => bucket.take(10_000_000))).toEqual([true, true, true, false])
})

test('[G7] a wait doubles from 0.5 s to 30 s, and ends with success', () => {
  const backoffs = new Backoffs()
  const waits = Array.from({ length: 9 }, () => backoffs.fail('peer', 1000, 0))
  expect(waits.map(({ waitMs }) => waitMs)).toEqual([500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000])
  expect(waits.at(-1)?.failures).toBe(9)
  expect([backoffs.mayTry('peer', 30_999), backoffs.mayTry('peer', 31_000), backoffs.mayTry('another', 0)]).toEqual([false, true, true])
  backoffs.succeed('peer')
  expect(backoffs.mayTry('peer', 0)).toBe(true)
  expect(backoffs.fail('peer', 0, 0.5).waitMs).toBe(375)
  backoffs.reset()
  expect(backoffs.mayTry('peer', 0)).toBe(true)
})

test('[G7] what is remembered is bounded: the oldest is forgotten', () => {
  const backoffs = new Backoffs()
  for (let index = 0; index <= 1000; index++) backoffs.fail(`peer ${index}`, 1000, 0)
  expect([0, 1, 1000].map((index) => backoffs.mayTry(`peer ${index}`, 1000))).toEqual([true, false, false])
})
