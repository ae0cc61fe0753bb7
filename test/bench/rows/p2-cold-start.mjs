import { show } from '../table.mjs'

const events = 1_000_000

export const row = {
  id: 'P2',
  measure: async (bench) => {
    const tablet = await bench.history({ streams: 10, events, perBatch: 50 })
    const warm = await bench.page(tablet)
    await bench.call(warm, 'openPond')
    const first = await bench.call(warm, 'foldAnew', 'all')
    await bench.call(warm, 'disposePond')
    await bench.restart()
    const page = await bench.page(tablet)
    await bench.call(page, 'openPond')
    const cold = await bench.profiled(page, () => bench.call(page, 'foldAnew', 'all'))
    if (cold.events !== first.events) throw new Error(`the snapshot gave ${cold.events} events instead of ${first.events}`)
    return [{ what: 'a fish with a snapshot on 1,000,000 events, in a page just opened', figure: show(cold.ms, 'ms'), limit: `${show(first.ms, 'ms')} without a snapshot`, value: cold.ms, unit: 'ms', atMost: 100 }]
  },
}
