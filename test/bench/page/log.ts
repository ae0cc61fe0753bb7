import { recordToEvent, type ImportRecord } from '../../../src/app/import/record.ts'
import type { TaggedEvent } from '../../../src/index.ts'
import { makeLog } from '../../floor/made-log.ts'

const tag = 'import:0123456789abcdef'

let records: Promise<readonly ImportRecord[]> | undefined

/** The log of a real factory where it lies beside the project, else one of the same size and shape. */
const readLog = async (): Promise<readonly ImportRecord[]> => {
  const response = await fetch('/log.ndjson')
  const text = response.ok ? await response.text() : makeLog()
  return text.trimEnd().split('\n').map((line) => JSON.parse(line) as ImportRecord)
}

/** Events of the production log's form: its lines over and over, each round with order numbers of its own. */
export const logEvents = async (from: number, count: number): Promise<readonly TaggedEvent[]> => {
  const lines = await (records ??= readLog())
  return Array.from({ length: count }, (_, at) => {
    const [round, index] = [Math.floor((from + at) / lines.length), (from + at) % lines.length]
    const record = lines[index]
    if (record === undefined) throw new Error('the log is empty')
    return recordToEvent(round === 0 ? record : { ...record, case: `${record.case}-${round}` }, index + 1, tag)
  })
}
