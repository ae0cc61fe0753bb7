import { compareEventKeys } from '../../src/core/event-key.ts'
import type { Event } from '../../src/core/event.ts'
import type { Node } from '../../src/node/node.ts'
import { createRandom } from '../random.ts'
import type { Fault } from './fault.ts'
import { kinds, publish, switchOn, type Happening, type Kind } from './happenings.ts'
import { headsOn } from './held.ts'
import { newerProgram, olderProgram } from './versions.ts'
import type { Tablet } from './tablet.ts'
import { createSimWorld, textOf, type SimWorld } from './world.ts'

export interface Outcome {
  readonly seed: number
  readonly faults: readonly string[]
  /** What happened, in order. */
  readonly trace: readonly string[]
  /** Hash over every message that left a tablet, and when. */
  readonly digest: string
  readonly counts: { readonly happenings: number; readonly messages: number; readonly acknowledged: number; readonly tablets: number; readonly seconds: number }
}

/** What a seed is made of: how many tablets, how fast their devices, and what happens besides publishing. */
interface Plan {
  readonly tablets: number
  readonly slowMs: number
  readonly latencyMs: number
  readonly lamport: number
  readonly mixed: boolean
  readonly kinds: readonly Kind[]
}

const happeningCount = 300
const gapsMs = [0, 0, 0, 5, 20, 60, 250, 700, 2_000]

const planOf = (seed: number): Plan => {
  const random = createRandom(seed + 0x5eed)
  const chosen = (Object.keys(kinds) as Kind[]).filter(() => random.chance(0.35))
  return {
    tablets: random.pick([2, 2, 2, 3, 3, 3, 3, 4, 4, 5, 6, 9]),
    slowMs: random.pick([0, 5, 30, 100]),
    latencyMs: random.pick([0, 2, 20]),
    lamport: random.chance(0.3) ? 3_000_000 : 0,
    mixed: random.chance(0.2),
    kinds: chosen,
  }
}

/** One seed from its first page to its end. With a fault, that fault is in every node. */
export const runSeed = async (seed: number, fault?: Fault): Promise<Outcome> => {
  const plan = planOf(seed)
  const sim = await createSimWorld({ seed, ...plan, ...(fault && { fault }) })
  sim.note(JSON.stringify(plan))
  let count = 0
  try {
    await begin(sim, plan)
    const others = plan.kinds.flatMap((kind): readonly Happening[] => kinds[kind])
    while (count < happeningCount && sim.ledger.faults.length === 0) {
      count++
      const happen = others.length === 0 || sim.random.chance(0.55) ? publish : sim.random.chance(0.3) ? switchOn : sim.random.pick(others)
      happen(sim)
      await sim.world.advance(sim.random.pick(gapsMs))
      sim.check()
    }
    if (sim.ledger.faults.length === 0) await end(sim)
  } catch (error) {
    sim.ledger.fault(`[A5] ${textOf(error)}`)
  }
  const counts = { happenings: count, messages: sim.messages, acknowledged: sim.ledger.acknowledgedCount, tablets: sim.tablets.length, seconds: sim.world.nowMs() / 1000 }
  return { seed, faults: sim.ledger.faults, trace: sim.trace, digest: sim.digest(), counts }
}

const begin = async (sim: SimWorld, plan: Plan): Promise<void> => {
  const programs = plan.mixed && sim.options.fault === undefined ? [sim.program, await olderProgram(), await newerProgram()] : [sim.program]
  for (let at = 0; at < plan.tablets; at++) {
    const tablet = sim.addTablet(undefined, sim.random.pick(programs))
    // The others come to it with clocks of their own.
    sim.openPage(tablet, plan.lamport !== 0 && (at === 0 || sim.random.chance(0.5)) ? plan.lamport : undefined)
    await sim.world.advance(sim.random.pick([0, 100, 3_000]))
  }
}

// the end: everything works again, and all come to hold the same

const endMs = 300_000

const end = async (sim: SimWorld): Promise<void> => {
  sim.note('everything works again')
  repair(sim)
  const endsAtMs = sim.world.nowMs() + endMs
  for (;;) {
    for (const tablet of sim.tablets) if (tablet.pages.length === 0) sim.openPage(tablet)
    await sim.world.advance(1_000)
    sim.check()
    if (sim.ledger.faults.length > 0) return
    if (isSettled(sim)) break
    if (sim.world.nowMs() >= endsAtMs) return sim.ledger.fault(`[G3] not the same everywhere after ${endMs / 1000} s: ${differences(sim)}`)
  }
  await sim.world.advance(5_000)
  sim.check()
  await checkEnd(sim)
}

const repair = (sim: SimWorld): void => {
  sim.cuts.clear()
  sim.hub.on()
  sim.network.partition([sim.tablets.map(({ name }) => name)])
  for (const a of sim.tablets) for (const b of sim.tablets) if (a !== b) sim.network.heal(a.name, b.name)
  for (const tablet of sim.tablets) {
    tablet.disk.memory.setQuota(undefined)
    if (tablet.lies) sim.cutPower(tablet)
    for (const open of tablet.pages) {
      open.page.resume()
      open.page.tab.show()
      open.page.tab.goOnline()
    }
  }
}

const headsText = (tablet: Tablet): string => [...headsOn(tablet.disk.memory)].map(([stream, next]) => `${stream} ${next}`).toSorted().join('\n')

const isSettled = (sim: SimWorld): boolean =>
  new Set(sim.tablets.map(headsText)).size === 1 &&
  [...sim.pending.values()].every((count) => count === 0) &&
  sim.tablets.every(({ running, pages }) => running.length === pages.length && running.some(({ node }) => node.status().leader))

const differences = (sim: SimWorld): string => {
  for (const { name, running } of sim.tablets)
    for (const { node } of running) {
      const { peers, notices, leader } = node.status()
      sim.note(`${name}${leader ? ' leads' : ''}: ${peers.filter(({ state }) => state !== 'gone').map((peer) => `${peer.name} ${peer.state}`).join(', ')}; last said ${notices.filter(({ code }) => !code.startsWith('STANDBY-')).slice(-12).map(({ code, text }) => `${code} (${text.slice(0, 60)})`).join(', ')}`)
    }
  const heads = sim.tablets.map((tablet) => new Map(headsOn(tablet.disk.memory)))
  const streams = [...new Set(heads.flatMap((held) => [...held.keys()]))].filter((stream) => new Set(heads.map((held) => held.get(stream))).size > 1)
  const rows = streams.map((stream) => `${stream}: ${sim.tablets.map(({ name }, at) => `${name} ${heads[at]?.get(stream) ?? 0}`).join(', ')}`)
  const pages = sim.tablets.map(({ name, pages: open, running }) => `${name}: ${open.length} pages, ${running.length} run, ${running.filter(({ node }) => node.status().leader).length} lead`)
  return [...rows, ...pages, `${[...sim.pending.values()].reduce((sum, count) => sum + count, 0)} publishes are under way`].join('\n')
}

const checkEnd = async (sim: SimWorld): Promise<void> => {
  for (const tablet of sim.tablets) for (const { node } of tablet.running) await readAll(sim, node)
  for (const tablet of sim.tablets) {
    const disk = { name: tablet.name, memory: tablet.disk.memory }
    sim.ledger.check(disk, () => true)
    sim.ledger.checkWhole(disk)
  }
  const histories: string[] = []
  for (const tablet of sim.tablets) for (const open of tablet.running) histories.push(await checkReading(sim, tablet, open.node, open.given))
  if (new Set(histories).size > 1) sim.ledger.fault('[G3] not every page reads the same history in the end')
  for (const tablet of sim.tablets) for (const { node } of tablet.running) checkNotices(sim, tablet, node)
}

/** A record that cannot be read is found by whoever reads it first, and then fetched again. */
const readAll = async (sim: SimWorld, node: Node, tries = 5): Promise<readonly Event[]> => {
  const events: Event[] = []
  const ended: { error?: unknown; done?: true } = {}
  const reading = (async () => {
    for await (const event of node.query({}, 'ascending')) events.push(event)
  })()
  reading.then(() => (ended.done = true), (error: unknown) => (ended.error = error))
  await sim.world.until(() => ended.done === true || ended.error !== undefined)
  if (ended.done === true) return events
  if (tries === 0 || sim.tablets.every(({ damaged }) => damaged.size === 0)) throw ended.error
  await sim.world.advance(10_000)
  return readAll(sim, node, tries - 1)
}

/** @returns what this page reads */
const checkReading = async (sim: SimWorld, { name }: Tablet, node: Node, given: readonly Event[]): Promise<string> => {
  const events = await readAll(sim, node)
  const late = events.find((event, at) => at > 0 && events[at - 1] !== undefined && compareEventKeys(events[at - 1]?.meta ?? event.meta, event.meta) >= 0)
  if (late !== undefined) sim.ledger.fault(`[G5] ${name} reads ${late.meta.eventId} out of order`)
  const ids = events.map(({ meta }) => meta.eventId).join()
  if (given.map(({ meta }) => meta.eventId).join() !== ids) sim.ledger.fault(`[G3] a subscription of ${name} was given ${given.length} events, a query reads ${events.length}`)
  return ids
}

/** What honest nodes on working disks never say of each other. */
const never = ['NODE-FAILED', 'REPLICATION-FAILED', 'SESSION-ENDED', 'SEGMENT-REFUSED', 'STREAM-NEWER', 'CLOCK-BEYOND', 'STREAM-CUT', 'STREAMS-FULL', 'FORK-NOT-KEPT', 'CHANNEL-FAILED', 'CHANNEL-UNKNOWN', 'STORE-DELETED']
/** What only a tablet says whose disk was set back or copied. */
const onlyWhereDiffers = ['IDENTITY-CHANGED', 'STORE-UNREADABLE', 'STREAM-HOLE', 'READ-FAILED']

const checkNotices = (sim: SimWorld, tablet: Tablet, node: Node): void => {
  for (const { code, text } of node.status().notices) {
    // A link that is cut in the middle of a handshake.
    if (code === 'SESSION-ENDED' && text.startsWith('timeout')) continue
    if (never.includes(code) || (onlyWhereDiffers.includes(code) && !tablet.mayDiffer)) sim.ledger.fault(`[G6] ${tablet.name} says ${code}: ${text}`)
    if (code === 'STREAM-FORKED' && sim.tablets.every(({ mayDiffer }) => !mayDiffer)) sim.ledger.fault(`[G4] ${tablet.name} says ${code}: ${text}`)
  }
}
