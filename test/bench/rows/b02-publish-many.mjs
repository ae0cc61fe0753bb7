import { median } from '../bench.mjs'
import { show } from '../table.mjs'

const count = 10_000

export const row = {
  id: 'B2',
  measure: async (bench) => {
    const page = await bench.page('publishing-many')
    const times = await bench.profiled(page, () => bench.call(page, 'publishAtOnce', count, 5))
    const rate = (ms) => show((count / ms) * 1000, 'events/s')
    return [{
      what: '10,000 publishes without awaiting between them',
      figure: rate(median(times.map(([ours]) => ours))),
      limit: `${rate(median(times.map(([, raw]) => raw)))}: raw bulk, strict, a record per event, one transaction`,
      value: median(times.map(([ours, raw]) => raw / ours)), atLeast: 8,
    }]
  },
}
