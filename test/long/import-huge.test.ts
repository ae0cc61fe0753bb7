/// <reference types="node" />
import { closeSync, mkdtempSync, openAsBlob, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, test } from 'vitest'
import { importFile } from '../../src/app/import/import-file.ts'
import { createNodeWorld } from '../node/world.ts'
import { record } from '../app/import-files.ts'

const MEBIBYTE = 1_048_576

test('[G6] a file of 200 MiB is read in slices: memory does not grow with it', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'millpond-huge-'))
  const name = path.join(folder, 'events.ndjson')
  const piece = Buffer.from(Array.from({ length: 8000 }, (_, index) => `${JSON.stringify(record(index))}\n`).join(''))
  const pieces = Math.ceil((200 * MEBIBYTE) / piece.length)
  const output = openSync(name, 'w')
  for (let count = 0; count < pieces; count++) writeSync(output, piece)
  closeSync(output)
  const { node } = await (await createNodeWorld()).tablet().open()
  const usedBytes = (): number => process.memoryUsage().rss
  const before = usedBytes()
  let most = before
  const progress = (): void => {
    most = Math.max(most, usedBytes())
  }
  // Nothing is published, so that what is measured is the reading.
  const report = await importFile(node, await openAsBlob(name), { only: () => false, progress })
  rmSync(folder, { recursive: true })
  expect(report).toMatchObject({ end: { type: 'complete' }, counts: { leftOut: pieces * 8000 } })
  expect((most - before) / MEBIBYTE).toBeLessThan(120)
})
