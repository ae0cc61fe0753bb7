import { show } from '../table.mjs'

const events = 100_000

/** B4 and B8: they are of one run. */
export const catchUp = async (bench) => {
  const holder = await bench.page(await bench.history({ streams: 10, events, perBatch: 1 }))
  const joiner = await bench.page(`joiner-${performance.now().toFixed(0)}`)
  await bench.call(holder, 'open')
  await bench.call(joiner, 'open', await bench.call(holder, 'invite'))
  const before = [await bench.cpuMs(holder), await bench.cpuMs(joiner)]
  const offer = await bench.call(holder, 'offer')
  const answer = await bench.call(joiner, 'answer', offer)
  const result = await bench.profiled(joiner, async () => {
    const done = bench.call(joiner, 'caughtUp', events)
    await bench.call(holder, 'accept', answer)
    return done
  })
  const [holderMs, joinerMs] = [(await bench.cpuMs(holder)) - before[0], (await bench.cpuMs(joiner)) - before[1]]
  return { ...result, holderMs, joinerMs }
}

export const row = {
  id: 'B4',
  measure: async (bench) => {
    const runs = []
    for (let run = 0; run < 3; run++) {
      runs.push(await catchUp(bench))
      await bench.closePages()
    }
    const { ms, holderMs, joinerMs } = runs.toSorted((a, b) => a.ms - b.ms)[1]
    return [
      {
        what: 'catch up 100,000 events of 10 streams, disk to disk between two pages, verified',
        figure: `${show(ms, 'ms')} (CPU: gives ${show(holderMs, 'ms')}, takes ${show(joinerMs, 'ms')})`,
        value: (events / ms) * 1000, unit: 'events/s', atLeast: 100_000,
      },
    ]
  },
}
