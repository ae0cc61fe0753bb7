import { median } from '../bench.mjs'
import { show } from '../table.mjs'
import { catchUp } from './b04-catch-up.mjs'

const fillings = [
  ...[10_000, 100_000, 1_000_000].map((events) => ({ streams: 10, events, perBatch: 1 })),
  ...[100, 1_000].map((streams) => ({ streams, events: 100_000, perBatch: 1 })),
]

const publishMs = async (bench, page) => median(await bench.call(page, 'publishesMs', 20))

/** No targets: what grows with history and what does not. */
export const row = {
  id: 'growth',
  measure: async (bench) => {
    const lines = []
    for (const filling of fillings) {
      const name = await bench.history(filling)
      await bench.restart()
      const page = await bench.page(name)
      const opened = await bench.call(page, 'openAndPublish')
      const heap = await bench.heapBytes(page)
      const published = await publishMs(bench, page)
      const tag = await bench.call(page, 'rareTag', filling.events)
      const query = await bench.call(page, 'queryTag', tag)
      const disk = await bench.call(page, 'estimatedBytes')
      await bench.closePages()
      const { ms } = await catchUp(bench, filling)
      lines.push({
        what: `${filling.events.toLocaleString('en')} events of ${filling.streams.toLocaleString('en')} streams`,
        figure: `open and publish ${show(opened, 'ms')}, publish ${show(published, 'ms')}, rare tag ${show(query.ms, 'ms')} (${query.events} events), catch up ${show(ms / 1000, 's')}, heap ${show(heap / 1e6, 'MB')}, disk ${show(disk / 1e6, 'MB')}`,
      })
    }
    return lines
  },
}
