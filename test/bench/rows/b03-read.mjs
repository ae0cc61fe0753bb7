import { median } from '../bench.mjs'
import { show } from '../table.mjs'

const events = 100_000

export const row = {
  id: 'B3',
  measure: async (bench) => {
    const tablet = await bench.history({ streams: 10, events, perBatch: 1 })
    const page = await bench.page(tablet)
    await bench.call(page, 'openReading')
    const timed = async (name) => {
      await page.evaluate(() => globalThis.gc())
      const before = await bench.cpuMs(page)
      const { ms, events: read } = await bench.call(page, name)
      if (read !== events) throw new Error(`${name} gave ${read} events`)
      return { ms, cpuMs: (await bench.cpuMs(page)) - before }
    }
    const [ours, parsing] = [[], []]
    await bench.profiled(page, async () => {
      for (let run = 0; run < 5; run++) {
        ours.push(await timed('readInOrder'))
        parsing.push(await timed('parseLines'))
      }
    })
    const middle = (runs, unit) => median(runs.map((each) => each[unit]))
    return [{
      what: 'read 100,000 events in order from disk',
      figure: `${show(middle(ours, 'ms'), 'ms')} (${show(middle(ours, 'cpuMs'), 'ms')} of CPU)`,
      limit: `${show(middle(parsing, 'ms'), 'ms')} (${show(middle(parsing, 'cpuMs'), 'ms')} of CPU): JSON.parse of the same lines, kept`,
      value: middle(parsing, 'ms') / middle(ours, 'ms'), atLeast: 0.4,
    }]
  },
}
