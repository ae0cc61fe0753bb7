import { expect, test } from 'vitest'
import { keptSeeds } from './kept-seeds.ts'
import { runSeed } from './run.ts'
import { expectNoFault } from './seeds.ts'

const fewSeeds = [[2, 'three tablets'], [6, 'two tablets'], [10, 'four tablets']] as const

test.each([...fewSeeds, ...keptSeeds])('[G3] seed %i: %s', { timeout: 300_000 }, async (seed) => {
  expect(await expectNoFault(seed)).toBeGreaterThan(100)
})

test('[G3] one seed is one run, whatever happens in it', { timeout: 300_000 }, async () => {
  const [once, again] = [await runSeed(2), await runSeed(2)]
  expect(once.counts.messages).toBeGreaterThan(100)
  expect([again.digest, again.trace]).toEqual([once.digest, once.trace])
})
