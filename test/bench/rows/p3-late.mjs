import { median } from '../bench.mjs'
import { show } from '../table.mjs'

const events = 100_000

export const row = {
  id: 'P3',
  measure: async (bench) => {
    const page = await bench.page(await bench.history({ streams: 10, events, perBatch: 1 }))
    await bench.call(page, 'openPond')
    await bench.call(page, 'observeWork', 'late', 1)
    const near = []
    const whole = (await bench.call(page, 'foldAnew', 'whole')).ms
    await bench.profiled(page, async () => {
      for (const back of [1, 10, 50, 100, 300, 500, 700, 900, 990, 1_000]) near.push((await bench.call(page, 'addLate', 'late 0', events - back, 1)).ms)
    })
    const far = await bench.call(page, 'addLate', 'late 0', events - 90_000, 1)
    const missed = await bench.call(page, 'addLate', 'late 0', 1, 100_000)
    return [
      { what: 'an event that comes late by up to 1,000 in a fish of 100,000: from disk to state, median of ten', figure: `${show(median(near), 'ms')}, longest ${show(Math.max(...near), 'ms')}`, value: median(near), unit: 'ms', atMost: 20 },
      { what: 'one that comes late by 90,000', figure: `${show(far.ms, 'ms')}, ${far.folds} folds`, limit: `${show(whole * 0.9, 'ms')}: a fold of 90,000` },
      { what: '100,000 missed events that come late: folds for each event there then is', figure: `${missed.folds.toLocaleString('en')} folds, ${show(missed.ms, 'ms')} after the last was on disk`, value: missed.folds / (2 * events), unit: 'folds', atMost: 2 },
    ]
  },
}
