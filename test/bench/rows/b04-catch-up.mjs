import { connect, median } from '../bench.mjs'
import { show } from '../table.mjs'

const events = 100_000
const runs = 3

/** One page catches up what another holds. */
export const catchUp = async (bench, filling) => {
  const holder = await bench.page(await bench.history(filling))
  const joiner = await bench.page(bench.fresh())
  await bench.call(holder, 'open')
  await bench.call(joiner, 'open', await bench.call(holder, 'invite'))
  const all = await bench.call(holder, 'heldEvents')
  const before = [await bench.cpuMs(holder), await bench.cpuMs(joiner)]
  const { ms, longestTaskMs } = await bench.profiled(joiner, async () => {
    const done = bench.call(joiner, 'caughtUp', all)
    await connect(bench, holder, joiner)
    return done
  })
  const result = { ms, longestTaskMs, givesMs: (await bench.cpuMs(holder)) - before[0], takesMs: (await bench.cpuMs(joiner)) - before[1] }
  await bench.closePages()
  return result
}

/** B4 with B8, which is of the same runs. */
export const row = {
  id: 'B4',
  with: ['B8'],
  measure: async (bench) => {
    const results = []
    for (let run = 0; run < runs; run++) results.push(await catchUp(bench, { streams: 10, events, perBatch: 1 }))
    const middle = (name) => median(results.map((result) => result[name]))
    return [
      {
        what: 'catch up 100,000 events of 10 streams, disk to disk between two pages, verified',
        figure: `${show(middle('ms'), 'ms')} (CPU of the page that gives ${show(middle('givesMs'), 'ms')}, that takes ${show(middle('takesMs'), 'ms')})`,
        value: (events / middle('ms')) * 1000, unit: 'events/s', atLeast: 100_000,
      },
      { id: 'B8', what: 'longest task of a page meanwhile', figure: middle('longestTaskMs') === 0 ? 'none of 50 ms or more' : show(middle('longestTaskMs'), 'ms'), value: middle('longestTaskMs'), unit: 'ms', atMost: 50 },
    ]
  },
}
