import { median } from '../bench.mjs'
import { show } from '../table.mjs'

const events = 1_000_000

export const row = {
  id: 'Q1',
  measure: async (bench) => {
    const tablet = await bench.history({ streams: 10, events, perBatch: 1 })
    const [cold, warm, cpuMs] = [[], [], []]
    let explained
    let results
    for (let run = 0; run < 5; run++) {
      await bench.restart()
      const page = await bench.page(tablet)
      await bench.call(page, 'openQueries')
      const tag = await bench.call(page, 'orderTagAt', 150_000 + run * 160_000)
      const first = await bench.call(page, 'askTag', tag)
      cold.push(first.ms)
      results = first.results
      const before = await bench.cpuMs(page)
      await bench.profiled(page, async () => {
        for (let again = 0; again < 5; again++) warm.push((await bench.call(page, 'askTag', tag)).ms)
      })
      cpuMs.push(((await bench.cpuMs(page)) - before) / 5)
      explained = await bench.call(page, 'explainTag', tag)
    }
    const { segments, segmentsSkipped, segmentsOpened, openSegmentsRead, eventsRead, eventsSelected } = explained
    return [
      { what: 'AQL, a rare tag among 1,000,000 events, in a page just opened, median of five', figure: `${show(median(cold), 'ms')}, longest ${show(Math.max(...cold), 'ms')}, ${results} results`, value: median(cold), unit: 'ms', atMost: 80 },
      { what: 'the same again, median of 25', figure: `${show(median(warm), 'ms')} (${show(median(cpuMs), 'ms')} of CPU), longest ${show(Math.max(...warm), 'ms')}`, value: median(warm), unit: 'ms', atMost: 15 },
      {
        what: 'closed segments that it opens, as EXPLAIN says', figure: `${segmentsOpened} of ${segments.toLocaleString('en')} (${segmentsSkipped.toLocaleString('en')} ruled out), and ${openSegmentsRead} open ones; ${eventsRead} events read, ${eventsSelected} selected`,
        value: (100 * segmentsOpened) / segments, unit: '%', atMost: 2,
      },
    ]
  },
}
