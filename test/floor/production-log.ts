import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { parseRecord, recordToEvent } from '../../src/app/import/record.ts'
import type { TaggedEvent } from '../../src/index.ts'
import { makeLog } from './made-log.ts'

/** A quarter of a real factory (doi 10.4121/uuid:68726926-5ac5-4fab-b873-ee76ea412399); it is not part of this project and lies beside it where it is at hand. */
const realFile = '../shared/data/production-log.ndjson'

/** 9,906 lines: the real log, or where it is not at hand one of the same size and shape, always the same. */
const readLog = (): string => (existsSync(realFile) ? readFileSync(realFile, 'utf8') : makeLog())

/** The events of the log, split by station among `count` tablets, each in the order of the log. */
export const splitLog = (count: number): readonly (readonly TaggedEvent[])[] => {
  const text = readLog()
  const tag = `import:${createHash('sha256').update(text).digest('hex').slice(0, 16)}`
  const stations = new Map<string, number>()
  const parts: TaggedEvent[][] = Array.from({ length: count }, () => [])
  text.trimEnd().split('\n').forEach((line, index) => {
    const parsed = parseRecord(index + 1, JSON.parse(line) as Readonly<Record<string, unknown>>, line)
    if (parsed.type === 'bad') throw new Error(`line ${parsed.line} of the log: ${parsed.reason}`)
    const { resource } = parsed.record
    const part = stations.get(resource) ?? stations.size % count
    stations.set(resource, part)
    parts[part]?.push(recordToEvent(parsed.record, parsed.line, tag))
  })
  return parts
}
