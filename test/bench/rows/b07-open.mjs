import { median } from '../bench.mjs'
import { show } from '../table.mjs'

const million = { streams: 10, events: 1_000_000, perBatch: 1 }
const runs = 5

export const row = {
  id: 'B7',
  measure: async (bench) => {
    const name = await bench.history(million)
    const [opened, first, second] = [[], [], []]
    let found = 0
    for (let run = 0; run < runs; run++) {
      await bench.restart()
      const page = await bench.page(name)
      opened.push(await bench.call(page, 'openAndPublish'))
      const tag = await bench.call(page, 'rareTag', million.events)
      const query = await bench.call(page, 'queryTag', tag)
      first.push(query.ms)
      second.push((await bench.call(page, 'queryTag', tag)).ms)
      found = query.events
    }
    const line = (what, times, atMost) => ({ what, figure: `${show(median(times), 'ms')} (${times.map((ms) => Math.round(ms)).join(', ')})`, value: median(times), unit: 'ms', atMost })
    return [
      line('a page just opened on 1,000,000 events, in a browser just started: open and first publish', opened, 200),
      line(`its first query by a rare tag (${found} events)`, first, 80),
      line('its second', second, 15),
    ]
  },
}
