import { expect, test } from 'vitest'
import { runWithCut } from '../node/power-cut-run.ts'

// The property of `test/node/power-cut.test.ts` over more seeds, ten in each test.

const firstSeeds = Array.from({ length: 20 }, (_, at) => 1 + 10 * at)

test.each(firstSeeds)('[G2] [R21] [R23] a power cut at any moment: seeds from %i on', async (first) => {
  for (let seed = first; seed < first + 10; seed++) expect((await runWithCut(seed)).faults, `seed ${seed}`).toEqual([])
})
