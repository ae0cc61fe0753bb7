import { joinSwarm } from '../../src/node/join-swarm.ts'
import type { StreamId } from '../../src/core/ids.ts'
import type { Node } from '../../src/node/node.ts'
import type { Key, TableName } from '../../src/store/tables.ts'
import type { Tablet, OpenPage } from './tablet.ts'
import type { SimWorld } from './world.ts'

/** Something that happens, if it can at that moment. */
export type Happening = (sim: SimWorld) => void

type Running = OpenPage & { readonly node: Node }

const pickOf = <T>(sim: SimWorld, list: readonly T[]): T | undefined => (list.length === 0 ? undefined : sim.random.pick(list))

const withTablet = (happen: (sim: SimWorld, tablet: Tablet) => void): Happening => (sim) => happen(sim, sim.random.pick(sim.tablets))

const withPage = (happen: (sim: SimWorld, tablet: Tablet, open: OpenPage) => void): Happening => (sim) => {
  const tablet = sim.random.pick(sim.tablets)
  const open = pickOf(sim, tablet.pages)
  if (open !== undefined) happen(sim, tablet, open)
}

const withTwo = (happen: (sim: SimWorld, a: Tablet, b: Tablet) => void): Happening => (sim) => {
  const [a, b] = [sim.random.pick(sim.tablets), sim.random.pick(sim.tablets)]
  if (a !== b) happen(sim, a, b)
}

const sizes = [10, 10, 60, 60, 300, 3_000, 20_000, 30_000]

export const publish: Happening = (sim) => {
  const tablet = sim.random.pick(sim.tablets)
  const open = pickOf(sim, tablet.running)
  if (open === undefined || (sim.pending.get(open.page) ?? 0) > 20) return
  const count = sim.random.chance(0.7) ? 1 : 1 + sim.random.below(4)
  sim.publish(tablet, open, Array.from({ length: count }, () => sim.random.pick(sizes)))
}

/** A tablet on which nothing runs is switched on. */
export const switchOn: Happening = (sim) => {
  const off = pickOf(sim, sim.tablets.filter(({ pages }) => pages.length === 0))
  if (off !== undefined) sim.openPage(off)
}

const network: readonly Happening[] = [
  withTwo((sim, a, b) => {
    sim.note(`cut ${a.name} ${b.name}`)
    sim.network.cut(a.name, b.name)
  }),
  withTwo((sim, a, b) => {
    sim.note(`heal ${a.name} ${b.name}`)
    sim.network.heal(a.name, b.name)
  }),
  // The old connections stay half-open: each end believes in it, and hears nothing.
  withTwo((sim, a, b) => {
    sim.note(`heal ${a.name} ${b.name}, what was there is dead`)
    sim.network.cut(a.name, b.name)
    sim.network.heal(a.name, b.name, 'dead')
  }),
  withTwo((sim, a, b) => {
    sim.note(`drop ${a.name} ${b.name}`)
    sim.network.drop(a.name, b.name)
  }),
  (sim) => {
    const half = sim.tablets.filter(() => sim.random.chance(0.5)).map(({ name }) => name)
    const rest = sim.tablets.map(({ name }) => name).filter((name) => !half.includes(name))
    sim.note(`partition ${half.join()} | ${rest.join()}`)
    sim.network.partition([half, rest])
  },
  (sim) => {
    sim.note('heal all')
    sim.network.partition([sim.tablets.map(({ name }) => name)])
  },
  (sim) => {
    sim.note('hub off')
    sim.hub.off()
  },
  (sim) => {
    sim.note('hub on')
    sim.hub.on()
  },
  withPage((sim, { name }, open) => {
    sim.note(`${name} ${open.offline ? 'online' : 'offline'}`)
    open.offline = !open.offline
    if (open.offline) open.page.tab.goOffline()
    else open.page.tab.goOnline()
  }),
]

const power: readonly Happening[] = [
  withTablet((sim, tablet) => tablet.pages.length > 0 && sim.cutPower(tablet)),
  ...Array.from({ length: 3 }, () => withTablet((sim, tablet) => void sim.cuts.set(tablet, 1 + sim.random.below(40)))),
]

const tabs: readonly Happening[] = [
  withTablet((sim, tablet) => {
    if (tablet.pages.length > 0 && tablet.pages.length < 4) sim.openPage(tablet)
  }),
  withTablet((sim, tablet) => {
    if (tablet.pages.length > 0 && tablet.pages.length < 4) sim.openPage(tablet)
  }),
  withPage((sim, tablet, open) => {
    sim.note(`${tablet.name} page closed`)
    sim.leave(tablet, open)
  }),
  withPage((sim, tablet, open) => {
    sim.note(`${tablet.name} page crashes`)
    sim.crash(tablet, open)
  }),
  // Another page takes the right to append, and does nothing with it for a while.
  withTablet((sim, tablet) => {
    sim.note(`${tablet.name} append lock stolen`)
    const thief = tablet.profile.openTab()
    const held = thief.environment.locks.hold(`millpond-${sim.swarmId}/append`, { steal: true, lost: () => {} })
    held.then(
      (lock) => void sim.world.after(sim.random.below(2_500), lock.release),
      (error: unknown) => sim.ledger.fault(`[A5] a lock could not be stolen: ${String(error)}`),
    )
  }),
]

const sleep: readonly Happening[] = [
  ...Array.from({ length: 3 }, () =>
    withPage((sim, { name }, { page }) => {
      sim.note(`${name} ${page.isFrozen() ? 'resumes' : 'freezes'}`)
      if (page.isFrozen()) page.resume()
      else page.freeze()
    })),
  withPage((sim, { name }, open) => {
    if (open.page.isFrozen()) return
    sim.note(`${name} ${open.hidden ? 'visible' : 'hidden'}`)
    open.hidden = !open.hidden
    if (open.hidden) open.page.tab.hide()
    else open.page.tab.show()
  }),
]

const full: readonly Happening[] = [
  withTablet((sim, { name, disk }) => {
    sim.note(`${name} disk full`)
    disk.memory.setQuota(disk.memory.usedBytes() + sim.random.below(60_000))
  }),
  withTablet((sim, { name, disk }) => {
    sim.note(`${name} disk has room`)
    disk.memory.setQuota(undefined)
  }),
]

const older: readonly Happening[] = [
  withTablet((sim, tablet) => {
    sim.note(`${tablet.name} image taken`)
    sim.images.set(tablet, tablet.disk.memory.afterPowerCut())
  }),
  (sim) => {
    const [tablet, image] = pickOf(sim, [...sim.images]) ?? []
    if (tablet === undefined || image === undefined) return
    sim.note(`${tablet.name} restored from its image`)
    sim.images.delete(tablet)
    sim.crashAll(tablet)
    sim.setBack(tablet)
    tablet.replaceDisk(image)
  },
]

const lies: readonly Happening[] = [
  withTablet((sim, tablet) => {
    if (tablet.lies) return sim.cutPower(tablet)
    sim.note(`${tablet.name} disk lies from now on`)
    tablet.lies = true
    tablet.disk.lie(true)
  }),
]

const damage: readonly Happening[] = [
  withTablet((sim, tablet) => {
    const { memory } = tablet.disk
    // Streams that have ended at a fork are left alone: what is damaged of their branches is not fetched again yet.
    const plain = (key: Key): boolean => key instanceof Array && typeof key[0] === 'string' && sim.ledger.forkOf(key[0] as StreamId) === Infinity
    const records = (['tail', 'segments'] as const).flatMap((table) => memory.entries(table).filter(([key]) => plain(key)).map(([key]): readonly [TableName, Key] => [table, key]))
    const [table, key] = pickOf(sim, records) ?? []
    // What a transaction under way is deleting is no target.
    if (table === undefined || key === undefined || !(key instanceof Array) || tablet.disk.isBusy()) return
    const removed = sim.random.chance(0.5)
    sim.note(`${tablet.name} ${removed ? 'loses' : 'cannot read'} ${table} ${key.join()}`)
    sim.damage(tablet, key[0], () => (removed ? memory.remove(table, key) : memory.spoil(table, key)))
  }),
]

const clone: readonly Happening[] = [
  withTablet((sim, tablet) => {
    if (sim.tablets.length >= 12 || sim.tablets.filter((one) => one.isClone).length >= 2) return
    const copy = sim.addTablet(tablet.disk.memory.afterPowerCut(), tablet.program, tablet.skewMs)
    sim.note(`${copy.name} is a copy of ${tablet.name}`)
    copy.isClone = true
    sim.shared.add(tablet.nodeId())
    sim.ledger.copied(tablet.name, copy.name)
    tablet.mayDiffer = copy.mayDiffer = true
    copy.allDirty()
    sim.openPage(copy)
  }),
]

const join: readonly Happening[] = [
  (sim) => {
    const inviter = pickOf(sim, sim.tablets.flatMap(({ running }) => running.map(({ node }) => node)))
    if (inviter === undefined || sim.tablets.length >= 12 || sim.tablets.length >= sim.options.tablets + 3) return
    const tablet = sim.addTablet()
    sim.note(`${tablet.name} is invited`)
    const opened = inviter.invite().then((text) => joinSwarm(sim.crypto, text)).then(({ lamport }) => sim.openPage(tablet, lamport))
    // Where the inviter's page ends meanwhile, it is switched on later by itself.
    opened.catch(() => undefined)
  },
]

const disconnect: readonly Happening[] = [
  withTablet((sim, { name, disk }) => {
    sim.note(`${name} disk disconnects`)
    disk.memory.disconnect()
  }),
]

const pair: readonly Happening[] = [
  withTwo((sim, a, b) => {
    const [first, second] = [pickOf(sim, leading(a)), pickOf(sim, leading(b))]
    if (first === undefined || second === undefined) return
    sim.note(`${a.name} and ${b.name} are paired by codes`)
    const [offering, answering] = [first.node.pair(), second.node.pair()]
    const paired = offering.offer().then((offer) => answering.answer(offer)).then((answer) => offering.accept(answer))
    // A person would look at the screens: what comes of it is not the subject here.
    paired.catch(() => undefined)
  }),
]

const leading = (tablet: Tablet): readonly Running[] => tablet.running.filter(({ node }) => node.status().leader)

/** What may happen besides publishing, by kind: a seed takes some of them. */
export const kinds = { network, power, tabs, sleep, full, older, lies, damage, clone, join, disconnect, pair } as const
export type Kind = keyof typeof kinds
