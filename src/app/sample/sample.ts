import type { Node } from '../../index.ts'
import type { ImportOptions, ImportReport } from '../import/import-file.ts'
import { importFile } from '../import/import-file.ts'
import type { ImportRecord } from '../import/record.ts'
import { SHIFT_DATE, SHIFT_OFFSET, SHIFT_ORDERS, SHIFT_RUNS } from './shift.ts'

/** The sample shift as a file of events, some 200 lines in the order of their time. The same bytes for ever, so that importing it again publishes nothing. */
export const sampleFile = (): File =>
  new File([sampleRecords().map((record) => `${JSON.stringify(record)}\n`).join('')], 'sample-shift.ndjson')

/** Publishes the sample shift as events of this node; on a floor that has it, it publishes what lacks. */
export const publishSample = (node: Pick<Node, 'publish' | 'query'>, options: ImportOptions = {}): Promise<ImportReport> =>
  importFile(node, sampleFile(), options)

export const sampleRecords = (): readonly ImportRecord[] => {
  const factsByOrder = new Map(rows(SHIFT_ORDERS).map(([order = '', part = '', quantity, due = '']) => [order, { part, quantity: Number(quantity), due }]))
  return rows(SHIFT_RUNS)
    .flatMap(([order = '', activity = '', resource = '', start, finish, good, scrap]) => {
      const at = { case: order, activity, resource }
      const started = isSaid(start) ? [{ time: timeOf(start), ...at, transition: 'start' as const, ...factsByOrder.get(order) }] : []
      const finished = isSaid(finish) ? [{ time: timeOf(finish), ...at, transition: 'complete' as const, good: Number(good), scrap: Number(scrap) }] : []
      return [...started, ...finished]
    })
    .sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0))
}

const rows = (table: string): readonly (readonly string[])[] => table.trim().split('\n').map((row) => row.trim().split(' '))

const isSaid = (clock: string | undefined): clock is string => clock !== undefined && clock !== '-'

const timeOf = (clock: string): string => `${SHIFT_DATE}T${clock}:00.000${SHIFT_OFFSET}`
