// `npm run soak`: four nodes, 30 minutes at 20 events/s in all, with a dropout each half minute; by hand, it is no test. `MINUTES=5` makes it shorter.
// What a node keeps has to stay flat: heap after a forced collection, peer connections, listeners and nodes of its page, disk beside what was recorded.
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { root } from '../../src/hub/setup.mjs'
import { connect, createBench, median } from './bench.mjs'

const nodes = 4
const perSecond = 20
const minutes = Number(process.env.MINUTES ?? 30)
const dropoutMs = 30_000

const bench = await createBench({ profile: false })
const pages = []
for (let at = 0; at < nodes; at++) {
  const page = await bench.page(bench.fresh())
  await bench.call(page, 'countConnections')
  await bench.call(page, 'open', at === 0 ? undefined : await bench.call(pages[0], 'invite'))
  if (at > 0) await connect(bench, pages[at - 1], page)
  pages.push(page)
}

/** One line of figures: the largest of all pages. */
const look = async (atMs) => {
  const largest = async (measure) => Math.max(...(await Promise.all(pages.map(measure))))
  const handles = await Promise.all(pages.map(bench.handles))
  return {
    minute: Math.round(atMs / 6_000) / 10,
    events: await largest((page) => bench.call(page, 'heldEvents')),
    heapMB: (await largest(bench.heapBytes)) / 1e6,
    diskMB: (await largest((page) => bench.call(page, 'estimatedBytes'))) / 1e6,
    listeners: Math.max(...handles.map(({ listeners }) => listeners)),
    documentNodes: Math.max(...handles.map(({ documentNodes }) => documentNodes)),
    connections: await largest((page) => bench.call(page, 'openConnections')),
  }
}

/** Which page loses its network, and for how long, comes of a fixed sequence. */
let seed = 2026
const below = (bound) => (seed = (seed * 48_271) % 2_147_483_647) % bound

const lines = []
const begunMs = performance.now()
const since = () => performance.now() - begunMs
const publishing = pages.map((page, at) => bench.call(page, 'publishEvenly', (1000 * nodes) / perSecond, minutes * 60, at * 10_000))
while (since() < minutes * 60_000) {
  const page = pages[below(nodes)]
  await bench.call(page, 'cutConnections')
  await new Promise((later) => setTimeout(later, dropoutMs))
  const line = await look(since())
  lines.push(line)
  console.log(Object.entries(line).map(([name, value]) => `${name} ${Number(value.toFixed(1))}`).join(', '))
}
await Promise.all(publishing)
const begin = lines.slice(Math.floor(lines.length / 6), Math.floor(lines.length / 3))
const end = lines.slice(-Math.max(1, Math.floor(lines.length / 6)))
const flat = ['heapMB', 'listeners', 'documentNodes', 'connections'].map((name) => {
  const [early, late] = [begin, end].map((part) => median(part.map((line) => line[name])))
  // A dropout more or less, or a part of a segment, is no growth.
  return { name, early, late, flat: late <= early * 1.25 + 2 }
})
const [first, last] = [lines[0], lines.at(-1)]
const bytesPerEvent = ((last.diskMB - first.diskMB) * 1e6) / (last.events - first.events)
flat.push({ name: 'disk, bytes per event', early: 0, late: bytesPerEvent, flat: bytesPerEvent <= 300 })
for (const { name, early, late, flat: isFlat } of flat) console.log(`${isFlat ? 'flat  ' : 'GROWS '} ${name}: ${early.toFixed(1)} early, ${late.toFixed(1)} late`)
mkdirSync(path.join(root, 'test-results'), { recursive: true })
writeFileSync(path.join(root, 'test-results/soak.json'), `${JSON.stringify({ date: new Date().toISOString(), minutes, lines, flat }, undefined, 2)}\n`)
await bench.end()
if (flat.some((each) => !each.flat)) process.exitCode = 1
