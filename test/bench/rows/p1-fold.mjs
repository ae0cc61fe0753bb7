import { median } from '../bench.mjs'
import { show } from '../table.mjs'

const events = 100_000

export const row = {
  id: 'P1',
  measure: async (bench) => {
    const page = await bench.page(await bench.history({ streams: 10, events, perBatch: 1 }))
    await bench.call(page, 'openPond')
    const [folding, reading] = [[], []]
    let orders
    await bench.profiled(page, async () => {
      for (let run = 0; run < 5; run++) {
        await page.evaluate(() => globalThis.gc())
        folding.push((await bench.call(page, 'foldAnew', `run ${run} ${Math.random()}`)).ms)
        await page.evaluate(() => globalThis.gc())
        reading.push((await bench.call(page, 'readOperations')).ms)
      }
      orders = await bench.call(page, 'foldOrders')
    })
    return [
      {
        what: 'fold 100,000 events of a disk into a fish', figure: show(median(folding), 'ms'), limit: `${show(median(reading), 'ms')}: the same events read in order, kept`,
        value: median(reading) / median(folding), atLeast: 0.8,
      },
      { what: 'fold the same into the orders of the app', figure: `${show(orders.ms, 'ms')}, ${orders.orders} orders` },
    ]
  },
}
