import { createRandom } from '../random.ts'

/** A log of the size and shape of the real one, always the same. */
export const makeLog = (): string => {
  const random = createRandom(2012)
  const startMs = Date.UTC(2012, 0, 2, 5)
  const lines = Array.from({ length: 4953 }, (_, index) => {
    const operation = { case: `Case${random.below(225)}`, activity: `Operation ${random.below(26)}`, resource: `ID${4400 + random.below(48)}` }
    const at = (minutes: number): string => new Date(startMs + minutes * 60_000).toISOString()
    return [{ time: at(index * 26), ...operation, transition: 'start' }, { time: at(index * 26 + 20), ...operation, transition: 'complete' }]
  })
  return `${lines.flat().map((line) => JSON.stringify(line)).join('\n')}\n`
}
