import { describe, expect, test } from 'vitest'
import { nextUseMs, type Outage } from '../../src/protocol/standby-schedule.ts'

const lost: Outage = { lostMs: 100_000, usedMs: undefined, trying: false, signMs: undefined, smaller: true, again: false }
const larger = { smaller: false }
const again = { again: true }

const table: readonly (readonly [string, Partial<Outage>, number | undefined])[] = [
  ['without a sign the smaller id waits 20 s', {}, 120_000],
  ['then until 90 s', { usedMs: 120_000 }, 190_000],
  ['then for a sign', { usedMs: 190_000 }, undefined],
  ['without a sign the larger id waits 4 minutes', larger, 340_000],
  ['then until 15', { ...larger, usedMs: 340_000 }, 1_000_000],
  ['then for a sign', { ...larger, usedMs: 1_000_000 }, undefined],
  ['a sign is followed at once by the smaller id', { signMs: 105_000 }, 105_000],
  ['and after 1 s by the larger', { ...larger, signMs: 105_000 }, 106_000],
  ['a sign just before the loss was known counts from then', { signMs: 95_000 }, 100_000],
  ['one long before does not', { signMs: 89_999 }, 120_000],
  ['a sign is used once', { signMs: 105_000, usedMs: 105_000 }, 120_000],
  ['the next one again', { signMs: 111_000, usedMs: 105_000 }, 111_000],
  ['a sign between two slots does not cost the later one', { signMs: 130_000, usedMs: 130_000 }, 190_000],
  ['one at a time', { signMs: 111_000, usedMs: 105_000, trying: true }, undefined],
  ['one that can be used again is begun 2 s later beside it', { signMs: 105_000, usedMs: 105_000, trying: 'evenly' }, 107_000],
  ['after a try that failed early, 1 s lies between', { signMs: 105_200, usedMs: 105_000 }, 106_000],
  ['who can use it again does so more often', { ...again, usedMs: 120_000 }, 140_000],
  ['and as the larger id in between', { ...again, ...larger }, 130_000],
  ['for a quarter of an hour', { ...again, ...larger, usedMs: 600_001 }, 1_000_000],
  ['times that passed while it was offline leave the order at the sign as it is', { ...again, ...larger, signMs: 165_000 }, 166_000],
  ['slots that passed while offline are one use', { usedMs: 400_000 }, undefined],
]

describe('when a standby is used', () => {
  test.each(table)('[R68] %s', (_, change, due) => expect(nextUseMs({ ...lost, ...change })).toBe(due))
})
