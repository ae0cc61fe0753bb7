import { expect, test } from 'vitest'
import { faults } from '../faults.ts'
import { runSeed } from '../run.ts'
import { allSeeds, expectNoFault, firstSeedOf, report } from '../seeds.ts'

// Started by `npm run sim`, see run.mjs.

const [what = '--seeds', value = '1-200'] = (process.env['MILLPOND_SIM'] ?? '').split(' ').filter((word) => word !== '')

const expectOneSeed = async (): Promise<void> => {
  const outcome = await runSeed(Number(value))
  console.info(report({ ...outcome, trace: [...outcome.trace, JSON.stringify(outcome.counts)] }))
  expect(outcome.faults).toEqual([])
}

/** `1-50,73`: all from 1 to 50, and 73. */
const expectSomeSeeds = async (): Promise<void> => {
  const seeds = value.split(',').flatMap((range) => {
    const [from = 1, to = from] = range.split('-').map(Number)
    return Array.from({ length: to - from + 1 }, (_, at) => from + at)
  })
  await expectNoFault(...seeds)
}

const expectAllFaults = async (): Promise<void> => {
  const missed: string[] = []
  for (const fault of faults) {
    const found = await firstSeedOf(fault, allSeeds)
    console.info(`${fault.name}: ${found === undefined ? 'not found' : `seed ${found.seed}, ${found.faults[0] ?? ''}`}`)
    if (found === undefined) missed.push(fault.name)
  }
  expect(missed).toEqual([])
}

test('[G3] the simulation by hand', { timeout: 24 * 3_600_000 }, () => (what === '--faults' ? expectAllFaults() : what === '--seed' ? expectOneSeed() : expectSomeSeeds()))
