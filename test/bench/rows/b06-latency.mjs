import { connect, median, quantile } from '../bench.mjs'
import { show } from '../table.mjs'

const rounds = 10
const perRound = 20

/** Milliseconds from the call of `publish` in one page until a subscriber in another is given the event, in turn with what bounds it. */
const latencies = async (bench, publisher, subscriber) => {
  const [taken, puts, trips] = [[], [], []]
  for (let round = 0; round < rounds; round++) {
    const first = round * perRound
    const begun = await bench.call(publisher, 'publishTimed', first, perRound)
    const heard = await bench.call(subscriber, 'heardFrom', first, perRound)
    taken.push(...heard.map((time, at) => time - begun[at]))
    puts.push(...(await bench.call(publisher, 'putTimed', first, perRound)))
    trips.push(...(await bench.call(publisher, 'roundTrips', perRound)))
  }
  return { taken, limitMs: median(puts) + median(trips) / 2 }
}

const linesOf = (what, { taken, limitMs }) => [[0.5, 3], [0.99, 10]].map(([share, atMost]) => ({
  what: `${what}, p${share * 100}`, figure: show(quantile(taken, share), 'ms'), limit: `${show(limitMs, 'ms')}: one strict put and half a raw round trip`, value: quantile(taken, share) / limitMs, atMost,
  slowest: taken.map((ms, at) => [at, Math.round(ms)]).toSorted((a, b) => b[1] - a[1]).slice(0, 8),
}))

const openFloor = async (bench, count) => {
  const pages = []
  for (let at = 0; at < count; at++) {
    const page = await bench.page(bench.fresh())
    await bench.call(page, 'open', at === 0 ? undefined : await bench.call(pages[0], 'invite'))
    pages.push(page)
  }
  return pages
}

/** Both ways: over the node's connection, and over a raw channel beside it. */
const connectRaw = async (bench, a, b) => bench.call(a, 'rawAccept', await bench.call(b, 'rawAnswer', await bench.call(a, 'rawOffer')))

export const row = {
  id: 'B6',
  measure: async (bench) => {
    const [a, b] = await openFloor(bench, 2)
    await connectRaw(bench, a, b)
    await connect(bench, a, b)
    await bench.call(b, 'listen')
    const direct = await latencies(bench, a, b)
    await bench.closePages()
    const [one, between, other] = await openFloor(bench, 3)
    await connectRaw(bench, one, other)
    await connect(bench, one, between)
    await bench.call(one, 'stayApart')
    await connect(bench, between, other)
    await bench.call(other, 'listen')
    const over = await latencies(bench, one, other)
    if ((await bench.call(one, 'connectedPeers')) !== 1) throw new Error('the two ends are connected')
    return [...linesOf('publish to a subscriber on a connected node', direct), ...linesOf('the same over one node in between', over)]
  },
}
