import { median } from '../bench.mjs'
import { show } from '../table.mjs'

export const row = {
  id: 'B1',
  measure: async (bench) => {
    const page = await bench.page('publishing')
    const times = await bench.profiled(page, () => bench.call(page, 'publishOneByOne', 40, 10))
    return [{
      what: 'publish one at a time, awaited, strict, signed',
      figure: show(median(times.map(([ours]) => ours)), 'ms'),
      limit: `${show(median(times.map(([, raw]) => raw)), 'ms')}: one raw strict put of the same bytes`,
      value: median(times.map(([ours, raw]) => raw / ours)), atLeast: 0.7,
    }]
  },
}
