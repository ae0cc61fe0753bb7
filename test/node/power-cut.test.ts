import { describe, expect, test } from 'vitest'
import { careless, runWithCut } from './power-cut-run.ts'

// In each of these the cut takes something.
const seeds = [8, 9, 10]

describe('a power cut at any moment', { timeout: 30_000 }, () => {
  let lost = 0
  test.each(seeds)('[G2] [R21] [R23] nobody ever said more of a node than its disk would have left, and it catches up (seed %i)', async (seed) => {
    const run = await runWithCut(seed)
    lost += run.lost
    expect(run.faults).toEqual([])
    expect(run.claims).toBeGreaterThan(10)
  })

  test('[G2] these cuts did take something', () => expect(lost).toBeGreaterThan(0))

  test('[R21] a node that says what it has not flushed is found out', async () => {
    expect((await runWithCut(1, careless)).faults).not.toEqual([])
  })
})
