import { median } from '../bench.mjs'
import { show } from '../table.mjs'

const others = 9_999
const each = 100

export const row = {
  id: 'Q2',
  measure: async (bench) => {
    const open = async (name, count) => {
      const page = await bench.page(name)
      await bench.call(page, 'openQueries')
      await bench.call(page, 'subscribeAmong', count)
      return { page, took: [], cpuMs: [] }
    }
    const [one, many] = [await open('one-subscription', 0), await open('many-subscriptions', others)]
    // In turn, so that both have the same machine.
    for (let run = 0; run < 6; run++) {
      for (const { page, took, cpuMs } of [one, many]) {
        await page.bringToFront()
        const before = await bench.cpuMs(page)
        took.push(...(await bench.call(page, 'publishToOne', each)))
        cpuMs.push(((await bench.cpuMs(page)) - before) / each)
      }
    }
    return [
      {
        what: 'an event published and delivered to the one of 10,000 subscriptions that it matches: CPU, median of six times 100', figure: show(median(many.cpuMs), 'ms'), limit: `${show(median(one.cpuMs), 'ms')}: with that one alone`,
        value: median(many.cpuMs) / median(one.cpuMs), atMost: 2,
      },
      { what: 'from the call until it is delivered, on disk by then', figure: show(median(many.took), 'ms'), limit: `${show(median(one.took), 'ms')}: with that one alone`, value: median(many.took) / median(one.took), atMost: 2 },
    ]
  },
}
