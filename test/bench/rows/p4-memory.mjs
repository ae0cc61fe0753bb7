import { show } from '../table.mjs'

const fish = 20

export const row = {
  id: 'P4',
  measure: async (bench) => {
    const page = await bench.page(await bench.history({ streams: 10, events: 100_000, perBatch: 1 }))
    await bench.call(page, 'openPond')
    await bench.call(page, 'observeWork', 'first', 1)
    const before = await bench.heapBytes(page)
    await bench.call(page, 'observeWork', 'more', fish)
    const each = ((await bench.heapBytes(page)) - before) / fish
    return [{ what: 'memory of one more fish on the same 100,000 events', figure: show(each / 1024, 'KiB') }]
  },
}
