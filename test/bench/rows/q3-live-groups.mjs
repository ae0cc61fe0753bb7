import { median } from '../bench.mjs'
import { show } from '../table.mjs'

const events = 100_000
const burst = 1_000

export const row = {
  id: 'Q3',
  measure: async (bench) => {
    const page = await bench.page(await bench.history({ streams: 10, events, perBatch: 1 }))
    await bench.call(page, 'openQueries')
    const counted = await bench.call(page, 'followGroups')
    if (counted < events) throw new Error(`${counted} events were counted`)
    const [bursts, single] = [[], []]
    await bench.profiled(page, async () => {
      for (let run = 0; run < 5; run++) bursts.push((await bench.call(page, 'addToGroups', burst)) / burst)
    })
    for (let run = 0; run < 20; run++) single.push(await bench.call(page, 'addToGroups', 1))
    return [
      { what: 'a live GROUP BY over 100,000 events, kept current while 1,000 more come: for each, from disk to answer, median of five', figure: show(median(bursts), 'ms'), value: median(bursts), unit: 'ms', atMost: 1 },
      { what: 'one event that comes alone, from disk to answer, median of 20', figure: `${show(median(single), 'ms')}, longest ${show(Math.max(...single), 'ms')}` },
    ]
  },
}
