import { connect } from '../bench.mjs'
import { show } from '../table.mjs'

const seconds = 20
const perSecond = 100

const sum = (values) => values.reduce((total, value) => total + value, 0)

const until = async (holds, withinMs = 120_000) => {
  const endMs = performance.now() + withinMs
  while (!(await holds())) {
    if (performance.now() > endMs) throw new Error('the floor did not come together')
    await new Promise((later) => setTimeout(later, 250))
  }
}

/** So many nodes that all write, for some seconds. `links`: how many connections each comes to have at least. */
const runFloor = async (bench, count, links) => {
  const pages = []
  for (let at = 0; at < count; at++) {
    const page = await bench.page(bench.fresh())
    await bench.call(page, 'countTraffic')
    await bench.call(page, 'open', at === 0 ? undefined : await bench.call(pages[0], 'invite'))
    if (at > 0) await connect(bench, pages[at - 1], page)
    pages.push(page)
  }
  const all = (name, ...given) => Promise.all(pages.map((page) => bench.call(page, name, ...given)))
  await until(async () => (await all('connectedPeers')).every((peers) => peers >= links))
  await all('traffic')
  const cpu = () => Promise.all(pages.map(bench.cpuMs))
  const [before, begunMs] = [sum(await cpu()), performance.now()]
  const held = await Promise.all(pages.map((page, at) => bench.call(page, 'publishEvenly', (1000 * count) / perSecond, seconds, at * 1000)))
  const tookMs = performance.now() - begunMs
  const events = count * Math.ceil((seconds * perSecond) / count)
  const endedMs = performance.now()
  await until(async () => (await all('heldEvents')).every((number) => number >= events))
  const behindMs = performance.now() - endedMs
  const cpuMs = sum(await cpu()) - before
  const traffic = await all('traffic')
  const total = (name) => sum(traffic.map((each) => each[name]))
  return {
    cpuMs: cpuMs / events / count, share: cpuMs / tookMs / count, messages: total('messages') / events, bytes: total('bytes') / events,
    copies: total('events') / events / (count - 1), behindMs, bufferedMax: Math.max(...traffic.map(({ bufferedMax }) => bufferedMax)), held,
  }
}

/** How far apart the nodes were, in events held, second by second: what waits anywhere. */
const apart = (held, from, to) => Math.max(...Array.from({ length: to - from }, (_, at) => Math.max(...held.map((each) => each[from + at] ?? 0)) - Math.min(...held.map((each) => each[from + at] ?? Infinity))))

const linesOf = (what, { cpuMs, share, messages, bytes, copies, behindMs, bufferedMax, held }) => {
  const [early, late] = [apart(held, 2, 8), apart(held, 12, 18)]
  return [
    {
      what: `${what}, ${perSecond} events/s in all: copies of an event that a node receives`,
      figure: `${show(copies)}; CPU ${show(cpuMs, 'ms')} per event and node (${show(share * 100, '% of a core')} each), ${show(messages)} messages and ${show(bytes, 'bytes')} per event in all`,
      value: copies, unit: '', atMost: 2,
    },
    {
      what: `${what}: no queue grows: events between the node that holds most and the one that holds least, late beside early`,
      figure: `${late} late, ${early} early; all held everything ${show(behindMs, 'ms')} after the last publish; at most ${show(bufferedMax / 1000, 'kB')} waited on a channel`,
      // A second's events are what a look takes that is not at the same moment on all.
      value: late, unit: 'events', atMost: Math.max(perSecond, 2 * early),
    },
  ]
}

export const row = {
  id: 'B12',
  measure: async (bench) => {
    const mesh = linesOf('8 writing nodes in full mesh', await runFloor(bench, 8, 7))
    await bench.closePages()
    return [...mesh, ...linesOf('10 writing nodes on the ring', await runFloor(bench, 10, 4))]
  },
}
