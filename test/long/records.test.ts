import { expect, test } from 'vitest'
import { DAMAGES, recordsOf, surviveDamage, workShift } from '../node/records-run.ts'

test.each(DAMAGES)('[G1] [G3] [G6] [S18] whichever record of a disk is %s, the tablet opens, records, and gets everything back from another', async (how) => {
  const shift = await workShift()
  const records = recordsOf(shift, how)
  expect(new Set(records.map(([table]) => table))).toEqual(new Set(['streams', 'segments', 'tail', 'summaries', 'meta']))
  for (const place of records) await surviveDamage(shift, place, how)
})
