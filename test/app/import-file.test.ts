/// <reference types="node" />
import { appendFileSync, mkdtempSync, openAsBlob, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { ImportError } from '../../src/app/import/errors.ts'
import type { ImportOptions, ImportReport } from '../../src/app/import/import-file.ts'
import { importFile } from '../../src/app/import/import-file.ts'
import { sampleFile, sampleRecords } from '../../src/app/sample/sample.ts'
import type { Event, TaggedEvent } from '../../src/core/event.ts'
import type { Node } from '../../src/node/node.ts'
import { createNodeWorld, readAll } from '../node/world.ts'
import { anyLog, ndjson, record, records } from './import-files.ts'

const openTablet = async () => (await createNodeWorld()).tablet()

const lineOf = ({ payload }: Event): unknown => (payload as { readonly line?: number }).line
const linesIn = async (node: Node): Promise<readonly unknown[]> => (await readAll(node)).map(lineOf)
const numbers = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index + 1)
const codeOf = ({ end }: ImportReport): string => (end.type === 'failed' ? end.error.code : end.type)

/** The node, with a word before and after each publish. */
const heard = (node: Node, { before, after }: { readonly before?: (events: readonly TaggedEvent[]) => void; readonly after?: (count: number) => void }): Pick<Node, 'publish' | 'query'> => {
  let count = 0
  return {
    query: (query, order) => node.query(query, order),
    publish: async (events) => {
      before?.(events)
      const metas = await node.publish(events)
      after?.((count += 1))
      return metas
    },
  }
}

describe('a file', () => {
  test('[G2] becomes one event for each line, in order, with its tags', async () => {
    const { node } = await (await openTablet()).open()
    const report = await importFile(node, ndjson([record(1), record(2, { good: 4, scrap: 1 })]))
    expect(report).toEqual({ end: { type: 'complete' }, tag: expect.stringMatching(/^import:[0-9a-f]{16}$/), counts: { published: 2, already: 0, leftOut: 0, bad: 0 }, bad: [] })
    const events = await readAll(node)
    expect(events.map(({ meta }) => meta.tags)).toEqual([[report.tag, 'order:W1', 'station:ST1', 'operation'], [report.tag, 'order:W2', 'station:ST2', 'operation']])
    expect(events.map(({ payload }) => payload)).toEqual([
      { type: 'operationStarted', order: 'W1', operation: 'OP10', station: 'ST1', time: record(1).time, line: 1 },
      { type: 'operationFinished', order: 'W2', operation: 'OP10', station: 'ST2', time: record(2).time, line: 2, good: 4, scrap: 1 },
    ])
  })

  test('[G3] the whole log, then the same again: each line once', async () => {
    const { node } = await (await openTablet()).open()
    const file = anyLog()
    const count = (await file.text()).trimEnd().split('\n').length
    const sizes: number[] = []
    const first = await importFile(heard(node, { before: (events) => sizes.push(events.length) }), file)
    expect([first.end.type, first.counts.published]).toEqual(['complete', count])
    expect(sizes).toEqual([...Array<number>(Math.floor(count / 50)).fill(50), count % 50].filter((size) => size > 0))
    const again = await importFile(node, file)
    expect(again.counts).toEqual({ published: 0, already: count, leftOut: 0, bad: 0 })
    expect(await linesIn(node)).toEqual(numbers(count))
  })

  test('[G6] lists its bad lines with their numbers and keeps the rest', async () => {
    const { node } = await (await openTablet()).open()
    const report = await importFile(node, ndjson([record(1), '{"time":', record(3, { resource: '' }), '', record(5)]))
    expect([report.end.type, report.counts]).toEqual(['complete', { published: 2, already: 0, leftOut: 0, bad: 2 }])
    expect(report.bad).toEqual([{ type: 'bad', line: 2, reason: 'json', text: '{"time":' }, { type: 'bad', line: 3, reason: 'resource', text: JSON.stringify(record(3, { resource: '' })).slice(0, 100) }])
    expect(await linesIn(node)).toEqual([1, 5])
  })

  test('[G6] with very many bad lines lists the first thousand and counts all', async () => {
    const { node } = await (await openTablet()).open()
    const report = await importFile(node, ndjson([...Array<string>(1500).fill('?'), record(1501)].toReversed()))
    expect([report.counts.bad, report.bad.length, report.counts.published]).toEqual([1500, 1000, 1])
  })

  test('[G3] can be shared out among tablets by station', async () => {
    const { node } = await (await openTablet()).open()
    const file = ndjson(records(60))
    const parts = [0, 1, 2].map((part): ImportOptions => ({ only: ({ resource }) => resource === `ST${part}` }))
    for (const options of parts) expect((await importFile(node, file, options)).counts).toMatchObject({ published: 20, leftOut: 40 })
    expect((await linesIn(node)).toSorted((a, b) => Number(a) - Number(b))).toEqual(numbers(60))
  })

  test('[G3] names are composed, so that an order is one however it was typed', async () => {
    const { node } = await (await openTablet()).open()
    await importFile(node, ndjson([record(1, { resource: 'Sa\u0308ge' }), record(2, { resource: 'S\u00e4ge' })]))
    const found = await readAll(node, { where: [{ tags: ['station:S\u00e4ge'] }] })
    expect(found.map(({ payload }) => (payload as { readonly station: string }).station)).toEqual(['S\u00e4ge', 'S\u00e4ge'])
  })

  test('[G6] batches stay within what one publish takes', async () => {
    const { node } = await (await openTablet()).open()
    const long = '\u20ac'.repeat(200)
    const file = ndjson(Array.from({ length: 300 }, (_, index) => record(index + 1, { case: long, activity: long, resource: long, part: long })))
    const report = await importFile(node, file, { batch: 1000 })
    expect([codeOf(report), report.counts.published]).toEqual(['complete', 300])
  })

  const refused: readonly (readonly [string, Blob, string])[] = [
    ['empty', new Blob([]), 'IMPORT-EMPTY'],
    ['nothing but line ends', new Blob(['\r\n\r\n']), 'IMPORT-NO-EVENTS'],
    ['no line is an event', ndjson([{ hello: 1 }, '{']), 'IMPORT-NO-EVENTS'],
    ['a table with nothing but its header', new Blob(['sep=;\r\ntime;case;activity;resource;transition\r\n']), 'IMPORT-NO-EVENTS'],
    ['another kind of file', new Blob([new Uint8Array(1000)]), 'IMPORT-NOT-EVENTS'],
    ['a table that lacks columns', new Blob(['time;case;activity\r\n']), 'IMPORT-COLUMNS'],
  ]
  test.each(refused)('[G6] %s: a clear word, nothing published', async (_title, file, code) => {
    const { node } = await (await openTablet()).open()
    const report = await importFile(node, file)
    expect([codeOf(report), report.counts.published, await linesIn(node)]).toEqual([code, 0, []])
  })

  test('[G6] one that is changed on the disk while it is read', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'millpond-import-'))
    const name = path.join(folder, 'events.ndjson')
    writeFileSync(name, await ndjson(records(200)).text())
    const file = await openAsBlob(name)
    const { node } = await (await openTablet()).open()
    let changed = false
    const report = await importFile(node, file, {
      progress: ({ phase }) => {
        if (phase === 'reading' && !changed) appendFileSync(name, 'more\n')
        changed = true
      },
    })
    rmSync(folder, { recursive: true })
    expect([codeOf(report), await linesIn(node)]).toEqual(['IMPORT-FILE-UNREADABLE', []])
  })
})

describe('interrupted', () => {
  const file = ndjson(records(95))
  const batch = 10
  const stops = numbers(10)

  test.each(stops)('[G2] cancelled after batch %i: what is published stays, importing again publishes the rest', async (stop) => {
    const { node } = await (await openTablet()).open()
    const cancel = new AbortController()
    const report = await importFile(heard(node, { after: (count) => count === stop && cancel.abort() }), file, { batch, signal: cancel.signal })
    expect([codeOf(report), report.counts.published]).toEqual(['cancelled', Math.min(stop * batch, 95)])
    expect((await importFile(node, file, { batch })).counts).toMatchObject({ published: Math.max(95 - stop * batch, 0), already: Math.min(stop * batch, 95) })
    expect(await linesIn(node)).toEqual(numbers(95))
  })

  test.each(stops)('[G2] the tab crashes when batch %i is stored and before that is known: no line twice, none lost', async (stop) => {
    const tablet = await openTablet()
    const { node, tab } = await tablet.open()
    const dies = heard(node, {
      after: (count) => {
        if (count < stop) return
        tab.crash()
        throw new Error('the tab is gone')
      },
    })
    await importFile(dies, file, { batch })
    const { node: again } = await tablet.open()
    const report = await importFile(again, file, { batch })
    expect([report.end.type, report.counts.published]).toEqual(['complete', Math.max(95 - stop * batch, 0)])
    expect(await linesIn(again)).toEqual(numbers(95))
  })

  test('[G6] a full disk stops it with what is stored, says so, and it goes on when there is room', async () => {
    const tablet = await openTablet()
    const { node } = await tablet.open()
    const big = ndjson(records(500))
    tablet.disk.setQuota(tablet.disk.usedBytes() + 30_000)
    const report = await importFile(node, big)
    expect(codeOf(report)).toBe('IMPORT-NOT-STORED')
    expect(report.end).toMatchObject({ error: { cause: { code: 'STORE-QUOTA' } } })
    expect(report.counts.published).toBeGreaterThan(0)
    expect(await linesIn(node)).toEqual(numbers(report.counts.published))
    tablet.disk.setQuota(undefined)
    expect(await importFile(node, big)).toMatchObject({ end: { type: 'complete' }, counts: { published: 500 - report.counts.published, already: report.counts.published } })
    expect(await linesIn(node)).toEqual(numbers(500))
  })

  test('[G6] cancelled before it began, and while the file is read', async () => {
    const { node } = await (await openTablet()).open()
    const cancel = new AbortController()
    const reports = [await importFile(node, file, { signal: AbortSignal.abort() }), await importFile(node, file, { signal: cancel.signal, progress: () => cancel.abort() })]
    expect([reports.map(codeOf), await linesIn(node)]).toEqual([['cancelled', 'cancelled'], []])
  })

  test('[G6] a fault of the caller is no fault of the file', async () => {
    const { node } = await (await openTablet()).open()
    await expect(importFile(node, file, { only: () => { throw new TypeError('a bug') } })).rejects.toThrow('a bug')
  })
})

test('[G6] progress rises to the whole file in both phases', async () => {
  const { node } = await (await openTablet()).open()
  const told: string[] = []
  const file = ndjson(records(120))
  await importFile(node, file, { progress: ({ phase, bytes, bytesAll, counts }) => told.push(`${phase} ${Math.round((100 * bytes) / bytesAll)} ${counts.published}`) })
  expect(told[0]).toBe('reading 100 0')
  expect(told.at(-1)).toBe('publishing 100 120')
  expect(told.map((word) => Number(word.split(' ')[2]))).toEqual(told.map((word) => Number(word.split(' ')[2])).toSorted((a, b) => a - b))
})

test('[G3] the sample shift, tapped twice, is there once', async () => {
  const { node } = await (await openTablet()).open()
  const reports = [await importFile(node, sampleFile()), await importFile(node, sampleFile())]
  const count = sampleRecords().length
  expect(reports.map(({ counts }) => [counts.published, counts.already])).toEqual([[count, 0], [0, count]])
  expect(await linesIn(node)).toEqual(numbers(count))
})

test('[G6] an error of the import has its code in front', () => {
  expect(new ImportError('IMPORT-EMPTY', 'the file is empty').message).toBe('IMPORT-EMPTY: the file is empty')
})
