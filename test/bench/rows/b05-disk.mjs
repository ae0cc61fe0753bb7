import { show } from '../table.mjs'

const events = 9_906
/** Of which the disk of one tablet holds so many streams. */
const variants = [
  { what: 'the production log on disk, in batches of 50, as three streams', streams: 3, perBatch: 50, atMost: 0.2 },
  { what: 'the same, one event per batch', streams: 3, perBatch: 1, atMost: 0.32 },
  { what: 'the same, as 48 streams', streams: 48, perBatch: 1 },
]
const million = { streams: 10, events: 1_000_000, perBatch: 1 }

export const row = {
  id: 'B5',
  measure: async (bench) => {
    const lines = []
    for (const { what, streams, perBatch, atMost } of variants) {
      const page = await bench.page(bench.fresh())
      const swarm = await bench.call(page, 'makeHistory', { streams, events, perBatch, perAppend: 50 * streams })
      const [{ stored, estimated }, log] = [await bench.call(page, 'historyBytes', swarm), await bench.call(page, 'logBytes')]
      lines.push({ what, figure: `${show(stored / 1000, 'kB')} (storage.estimate ${show(estimated / 1000, 'kB')})`, limit: `${show(log / 1000, 'kB')}: the file`, value: stored / log, ...(atMost && { atMost }) })
      await bench.close(page)
    }
    const name = await bench.history(million)
    await bench.restart()
    const page = await bench.page(name)
    // The browser knows what a database takes once it is open.
    const json = await bench.call(page, 'lineBytes', bench.swarmOf(name))
    const estimated = await bench.call(page, 'estimatedBytes')
    lines.push({ what: '1,000,000 events, by storage.estimate', figure: show(estimated / 1e6, 'MB'), limit: `${show(json / 1e6, 'MB')}: their JSON`, value: estimated / json, atMost: 0.3 })
    return lines
  },
}
