import { expect, test } from 'vitest'
import { recordsOf, surviveDamage, workShift, type Damage } from './records-run.ts'

// One record of a disk is damaged. All records in all ways: test/long/records.test.ts.

test.each<readonly [string, Damage, readonly string[]]>([
  ['streams', 'cut short', ['STREAM-HOLE']],
  ['segments', 'cut short', ['STORE-UNREADABLE']],
  ['tail', 'unreadable', []],
  ['summaries', 'altered', []],
  ['meta "clock"', 'missing', []],
  ['meta "identity"', 'unreadable', ['IDENTITY-CHANGED']],
  ['meta "ids"', 'another', []],
  ['meta "name"', 'unreadable', []],
  ['meta "swarm"', 'missing', []],
])('[G1] [G3] [G6] [S18] a record of %s is %s: the tablet opens, records, and gets everything back from another', async (where, how, told) => {
  const shift = await workShift()
  const place = recordsOf(shift, how).find(([table, key]) => `${table} ${JSON.stringify(key)}`.startsWith(where))
  if (place === undefined) throw new Error(`no record in ${where}`)
  expect(await surviveDamage(shift, place, how)).toEqual(expect.arrayContaining([...told]))
})
