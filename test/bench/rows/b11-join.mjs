import { connect } from '../bench.mjs'
import { show } from '../table.mjs'

const million = { streams: 10, events: 1_000_000, perBatch: 1 }

export const row = {
  id: 'B11',
  measure: async (bench) => {
    const holder = await bench.page(await bench.history(million))
    const joiner = await bench.page(bench.fresh())
    await bench.call(holder, 'open')
    const publishMs = await bench.call(joiner, 'joinAndPublish', await bench.call(holder, 'invite'))
    const begun = performance.now()
    const done = bench.call(joiner, 'caughtUp', (await bench.call(holder, 'heldEvents')) + 1)
    await connect(bench, holder, joiner)
    await done
    const allMs = performance.now() - begun
    return [
      { what: 'a new tablet joins a floor with 1,000,000 events: until it may publish', figure: show(publishMs, 'ms'), value: publishMs / 1000, unit: 's', atMost: 2 },
      { what: 'until it holds all, from the pairing on', figure: `${show(allMs / 1000, 's')}, ${show((million.events / allMs) * 1000, 'events/s')}`, value: allMs / 1000, unit: 's', atMost: 15 },
    ]
  },
}
