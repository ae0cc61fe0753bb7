import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Node } from '../../src/index.ts'
import { openNode } from '../../src/index.ts'
import { importFile } from '../../src/app/import/import-file.ts'
import { sampleFile } from '../../src/app/sample/sample.ts'

const linesOf = async (node: Node): Promise<readonly number[]> => {
  const lines: number[] = []
  for await (const { payload } of node.query({ where: [{ tags: ['operation'] }] })) lines.push((payload as { readonly line: number }).line)
  return lines
}

const numbers = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index + 1)

const file = (count: number): File =>
  new File(numbers(count).map((line) => `${JSON.stringify({ time: '2026-03-09T06:00:00+01:00', case: `W${line % 7}`, activity: 'OP10', resource: 'TM4', transition: 'start' })}\n`), 'events.ndjson')

let node: Node

beforeEach(async () => {
  node = await openNode({ found: true, name: 'TM4' })
})

afterEach(() => node.close())

test('[G2] what is imported is there after the node was closed and opened again, and is not imported twice', async () => {
  expect(await importFile(node, file(420))).toMatchObject({ end: { type: 'complete' }, counts: { published: 420 } })
  await node.close()
  node = await openNode({ swarm: node.swarm })
  expect(await linesOf(node)).toEqual(numbers(420))
  expect(await importFile(node, file(420))).toMatchObject({ end: { type: 'complete' }, counts: { published: 0, already: 420 } })
})

test('[G8] two windows that import the same file at once take turns: each line once', async () => {
  const reports = await Promise.all([importFile(node, sampleFile(), { batch: 7 }), importFile(node, sampleFile(), { batch: 11 })])
  const count = reports.reduce((sum, report) => sum + report.counts.published, 0)
  expect(reports.map(({ end, counts }) => [end.type, counts.published + counts.already])).toEqual([['complete', count], ['complete', count]])
  expect(await linesOf(node)).toEqual(numbers(count))
})

test('[G6] cancelled while another window imports the file', async () => {
  const cancel = new AbortController()
  const first = importFile(node, file(400), { batch: 10 })
  const second = importFile(node, file(400), { signal: cancel.signal })
  setTimeout(() => cancel.abort(), 0)
  expect((await second).end.type).toBe('cancelled')
  expect((await first).counts.published).toBe(400)
})
