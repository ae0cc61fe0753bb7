// `npm run bench` measures all rows; `npm run bench -- B3 B4` only these; `--profile` also prints where the time goes.
// Each row is a file of `rows`; see test/README.md. Prints a table, writes test-results/bench.json, and fails where a target is missed.
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { root } from '../../src/hub/setup.mjs'
import { createBench } from './bench.mjs'
import { isMet, printTable } from './table.mjs'

const asked = process.argv.slice(2).filter((word) => !word.startsWith('--'))
const folder = path.join(root, 'test/bench/rows')
const files = readdirSync(folder).filter((file) => file.endsWith('.mjs'))
const rows = (await Promise.all(files.map((file) => import(path.join(folder, file)))))
  .map(({ row }) => row)
  .filter(({ id, with: others = [] }) => asked.length === 0 || [id, ...others].some((each) => asked.includes(each)))
  .toSorted((a, b) => a.id.localeCompare(b.id, 'en', { numeric: true }))
if (rows.length === 0) throw new Error(`no such row; there are the files of ${folder}`)

const bench = await createBench({ profile: process.argv.includes('--profile') })
const results = []
for (const { id, measure } of rows) {
  const load = os.loadavg()[0]
  const [began, before] = [performance.now(), results.length]
  try {
    for (const line of await measure(bench)) results.push({ id, ...line, load })
  } catch (error) {
    results.push({ id, what: String(error), figure: 'FAILED', failed: true, load })
    console.log(error)
  }
  await bench.closePages()
  console.log(`${id}: ${((performance.now() - began) / 1000).toFixed(0)} s, ${results.slice(before).map(({ figure }) => figure).join('; ')}`)
}
const machine = { date: new Date().toISOString(), cores: os.cpus().length, model: os.cpus()[0].model, chromium: bench.version() }
await bench.end()

printTable(results, machine)
mkdirSync(path.join(root, 'test-results'), { recursive: true })
writeFileSync(path.join(root, 'test-results/bench.json'), `${JSON.stringify({ ...machine, rows: results.map((line) => ({ ...line, met: isMet(line) })) }, undefined, 2)}\n`)
if (results.some((line) => !isMet(line))) process.exitCode = 1
