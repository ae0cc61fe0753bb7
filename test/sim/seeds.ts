import { expect } from 'vitest'
import type { Fault } from './fault.ts'
import { runSeed, type Outcome } from './run.ts'

/** The seeds of each long run. */
export const allSeeds: readonly number[] = Array.from({ length: 200 }, (_, at) => at + 1)

/** A failing seed prints what happened. Seen again by `npm run sim -- --seed <n>`; keep it in `kept-seeds.ts` with what it found. */
export const report = ({ seed, faults, trace }: Outcome): string => [...trace.slice(-150), ...faults, `seed ${seed}: npm run sim -- --seed ${seed}`].join('\n')

/** Runs them one after the other; all that fail are named. @returns how many messages were sent */
export const expectNoFault = async (...seeds: readonly number[]): Promise<number> => {
  const failed: number[] = []
  let messages = 0
  for (const seed of seeds) {
    const outcome = await runSeed(seed)
    messages += outcome.counts.messages
    if (outcome.faults.length === 0) continue
    failed.push(seed)
    console.error(report(outcome))
  }
  expect({ failed }).toEqual({ failed: [] })
  return messages
}

/** The first of these seeds that finds a planted fault. */
export const firstSeedOf = async (fault: Fault, seeds: readonly number[]): Promise<Outcome | undefined> => {
  for (const seed of seeds) {
    const outcome = await runSeed(seed, fault)
    if (outcome.faults.length > 0) return outcome
  }
  return undefined
}
