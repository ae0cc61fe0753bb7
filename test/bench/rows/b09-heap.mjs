import { show } from '../table.mjs'

const events = 1_000_000
const points = 10

export const row = {
  id: 'B9',
  measure: async (bench) => {
    const lines = []
    for (const streams of [10, 250]) {
      const name = await bench.history({ streams, events, perBatch: 1 })
      await bench.restart()
      const page = await bench.page(name)
      await bench.call(page, 'openAndPublish')
      const startBytes = await bench.heapBytes(page)
      const above = []
      for (let point = 0; point < points; point++) {
        if ((await bench.call(page, 'readOn', events / points)) !== events / points) throw new Error('there are fewer events')
        above.push(((await bench.heapBytes(page)) - startBytes) / 1e6)
      }
      await bench.close(page)
      lines.push({
        what: `heap after a forced collection while 1,000,000 events of ${streams} streams are read once, above the start`,
        figure: `${show(Math.max(...above), 'MB')} (${above.map((mb) => mb.toFixed(0)).join(', ')})`, limit: `${show(startBytes / 1e6, 'MB')} at the start`, value: Math.max(...above), unit: 'MB', atMost: 64,
      })
    }
    return lines
  },
}
