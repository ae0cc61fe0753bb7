/// <reference types="node" />
import { existsSync, readFileSync } from 'node:fs'
import type { ImportRecord } from '../../src/app/import/record.ts'
import { sampleFile } from '../../src/app/sample/sample.ts'

const REAL_LOG = '../shared/data/production-log.ndjson'

/** The production log of a real factory, where it lies beside the project; it is no part of it. */
export const realLog = (): File | undefined => (existsSync(REAL_LOG) ? new File([readFileSync(REAL_LOG)], 'production-log.ndjson') : undefined)

/** A file to try things on that is always here. */
export const anyLog = (): File => realLog() ?? sampleFile()

export const record = (line: number, more: Partial<ImportRecord> = {}): ImportRecord => ({
  time: `2026-03-09T06:${String(line % 60).padStart(2, '0')}:00.000+01:00`, case: `W${line % 7}`, activity: 'OP10', resource: `ST${line % 3}`, transition: line % 2 === 1 ? 'start' : 'complete', ...more,
})

export const records = (count: number): readonly ImportRecord[] => Array.from({ length: count }, (_, index) => record(index + 1))

export const ndjson = (lines: readonly unknown[]): File => new File(lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`), 'events.ndjson')
