import { expect, test } from 'vitest'
import type { Node } from '../../src/node/node.ts'
import type { StandbyRecord } from '../../src/node/standby-records.ts'
import { createNodeWorld, type NodeWorld, type Tablet } from './world.ts'

type Open = Awaited<ReturnType<Tablet['open']>>

interface Floor extends NodeWorld {
  readonly tablets: readonly Tablet[]
  readonly pages: Open[]
}

const stateOf = (node: Node, other: Node): string | undefined => node.status().peers.find(({ nodeId }) => nodeId === other.nodeId)?.state

const areConnected = (pages: readonly Open[]): boolean =>
  pages.every(({ node }) => pages.every((other) => other.node === node || stateOf(node, other.node) === 'connected'))

const standbysOf = ({ node }: Open): readonly number[] => node.status().peers.map(({ standbys }) => standbys)

const codesOf = ({ node }: Open): readonly string[] => node.status().notices.map(({ code }) => code).filter((code) => /^(STANDBY|RETURN)/.test(code))

const failedUses = ({ node }: Open): number => node.status().notices.reduce((sum, { code, times = 1 }) => sum + (code === 'STANDBY-FAILED' ? times : 0), 0)

/** Tablets that are connected, hold their standbys back, and have no hub any more. */
const createFloor = async (count: number, refusing: readonly number[] = []): Promise<Floor> => {
  const here = await createNodeWorld(7, () => undefined, (name) => refusing.includes(Number(name.slice(-1))))
  const tablets = Array.from({ length: count }, () => here.tablet())
  const pages: Open[] = []
  for (const tablet of tablets) pages.push(await tablet.open())
  await here.world.until(() => areConnected(pages) && pages.every((page) => standbysOf(page).every((standbys) => standbys === 4)), 30_000)
  here.hub.off()
  return { ...here, tablets, pages }
}

const at = <T>(list: readonly T[], index: number): T => {
  const item = list[index]
  if (item === undefined) throw new Error(`no item ${index}`)
  return item
}

/** The page ends as by SIGKILL: nobody is told. */
const kill = ({ network, tablets, pages }: Floor, index: number): void => {
  network.kill(at(tablets, index).name)
  at(pages, index).tab.crash()
}

const reopen = async (floor: Floor, index: number): Promise<void> => {
  floor.pages[index] = await at(floor.tablets, index).open()
}

const close = async ({ pages }: Floor): Promise<void> => {
  for (const { node } of pages) await node.close()
}

/** All links between the tablets are down for so long, and what was open then is dead. */
const outage = async ({ world, network, tablets, pages }: Floor, ms: number, sign: 'online' | 'none'): Promise<void> => {
  const [a, b] = [at(tablets, 0).name, at(tablets, 1).name]
  network.cut(a, b)
  if (sign === 'online') for (const { tab } of pages) tab.goOffline()
  await world.advance(ms)
  network.heal(a, b, 'dead')
  if (sign === 'online') for (const { tab } of pages) tab.goOnline()
}

test('[R65] [R66] neighbours agree on two standbys each way, and keep what the caller needs on disk', async () => {
  const floor = await createFloor(3)
  for (const { store, node } of floor.pages) {
    const names = (await store.listMeta('standby/')).map(([name]) => name)
    const others = floor.pages.filter((page) => page.node !== node).map((page) => page.node.nodeId)
    expect(names.toSorted()).toEqual(others.flatMap((other) => [`standby/${other}/0`, `standby/${other}/1`]).toSorted())
    expect(node.status().returnAllowed).toBe(true)
  }
  await floor.world.advance(180_000)
  expect(floor.pages.map(standbysOf)).toEqual([[4, 4], [4, 4], [4, 4]])
  expect(floor.pages.flatMap(codesOf)).toEqual([])
  await close(floor)
})

for (const ms of [60_000, 300_000]) {
  test(`[R67] [R68] after ${ms / 1000} s without links tablets come back by themselves, within 5 s of the browser's word`, async () => {
    const floor = await createFloor(2)
    await outage(floor, ms, 'online')
    // Right after the browser's word the silence before it is forgiven: connected are they when somebody came.
    await floor.world.until(() => floor.pages.every((page) => codesOf(page).includes('STANDBY-USED')) && areConnected(floor.pages), 5000)
    expect(floor.pages.flatMap(codesOf)).not.toContain('STANDBY-FAILED')
    await floor.world.until(() => floor.pages.every((page) => standbysOf(page).every((standbys) => standbys === 4)), 15_000)
    await close(floor)
  })
}

test('[R68] without any sign the smaller id uses one after 20 s and one after 90', async () => {
  const floor = await createFloor(2)
  await outage(floor, 60_000, 'none')
  await floor.world.until(() => areConnected(floor.pages), 60_000)
  const notices = floor.pages.map(codesOf)
  expect(notices.filter((codes) => codes.includes('STANDBY-FAILED')).length).toBe(1)
  expect(notices.every((codes) => codes.at(-1) === 'STANDBY-USED')).toBe(true)
  await close(floor)
})

test('[R68] while the browser says that it is offline none is used', async () => {
  const floor = await createFloor(2)
  const [a, b] = [at(floor.tablets, 0).name, at(floor.tablets, 1).name]
  floor.network.cut(a, b)
  for (const { tab } of floor.pages) tab.goOffline()
  await floor.world.advance(1_200_000)
  expect(floor.pages.flatMap(codesOf)).toEqual([])
  floor.network.heal(a, b, 'dead')
  for (const { tab } of floor.pages) tab.goOnline()
  await floor.world.until(() => areConnected(floor.pages), 5000)
  await close(floor)
})

test('[R69] a tablet is reloaded ten times in a row and comes back to all within 5 s of its page', async () => {
  const floor = await createFloor(3)
  for (let time = 0; time < 10; time++) {
    const { node, tab } = at(floor.pages, 1)
    await node.close()
    tab.close()
    await floor.world.advance(500)
    await reopen(floor, 1)
    await floor.world.until(() => areConnected(floor.pages), 5000)
    await floor.world.advance(3000)
  }
  expect(floor.pages.flatMap(codesOf)).not.toContain('STANDBY-FAILED')
  await close(floor)
})

test('[R69] a tablet whose browser was killed comes back, its peers not yet knowing', async () => {
  const floor = await createFloor(3)
  kill(floor, 0)
  await floor.world.advance(4000)
  await reopen(floor, 0)
  await floor.world.until(() => areConnected(floor.pages), 5000)
  const used = at(floor.pages, 1).node.status().notices.find(({ code }) => code === 'STANDBY-USED')
  expect(used?.about).toBe(at(floor.pages, 0).node.nodeId)
  await floor.world.until(() => floor.pages.every((page) => standbysOf(page).every((standbys) => standbys === 4)), 120_000)
  await close(floor)
})

test('[R69] also ten minutes later', async () => {
  const floor = await createFloor(2)
  kill(floor, 0)
  await floor.world.advance(600_000)
  await reopen(floor, 0)
  await floor.world.until(() => areConnected(floor.pages), 5000)
  expect(floor.pages.map((page) => codesOf(page).at(-1))).toEqual(['STANDBY-USED', 'STANDBY-USED'])
  await close(floor)
})

/** The listeners of these standbys of another are gone without a word, as in a browser that was short of time. */
const burn = async (floor: Floor, of: number, slots: readonly number[]): Promise<void> => {
  const { store } = at(floor.pages, of)
  for (const [name, record] of await store.listMeta('standby/')) {
    const { answer, ...rest } = record as StandbyRecord
    const text = new TextDecoder().decode(answer).replace(/[0-9]+$/, '999999')
    if (slots.some((slot) => name.endsWith(`/${slot}`))) await store.putMeta(name, { ...rest, answer: new TextEncoder().encode(text) })
  }
}

test('[R69] where the first of two standbys is gone at the other end, a page is back by the second within 5 s', async () => {
  const floor = await createFloor(3)
  kill(floor, 0)
  await burn(floor, 0, [0])
  await reopen(floor, 0)
  await floor.world.until(() => areConnected(floor.pages), 5000)
  // The other use is over with that: neither spoken of as failed later, nor on the disk.
  await floor.world.until(() => floor.pages.every((page) => standbysOf(page).every((standbys) => standbys === 4)), 15_000)
  await floor.world.advance(30_000)
  expect(codesOf(at(floor.pages, 0))).toEqual(['STANDBY-USED', 'STANDBY-USED'])
  await close(floor)
})

test('[R69] a page that begins where nobody is in reach is back within half a minute of the network, also a later one', async () => {
  const floor = await createFloor(2)
  const [a, b] = [at(floor.tablets, 0).name, at(floor.tablets, 1).name]
  kill(floor, 0)
  floor.network.cut(a, b)
  for (const ms of [10_000, 60_000]) {
    await reopen(floor, 0)
    await floor.world.advance(ms)
    if (ms === 10_000) kill(floor, 0)
  }
  expect(failedUses(at(floor.pages, 0))).toBeGreaterThanOrEqual(4)
  floor.network.heal(a, b)
  await floor.world.until(() => areConnected(floor.pages), 35_000)
  await close(floor)
})

test('[R69] what nobody has answered nine times is forgotten', async () => {
  const floor = await createFloor(2)
  kill(floor, 0)
  await burn(floor, 0, [0, 1])
  await reopen(floor, 0)
  await floor.world.advance(690_000)
  expect((await at(floor.pages, 0).store.listMeta('standby/')).length).toBe(2)
  await floor.world.advance(40_000)
  expect(await at(floor.pages, 0).store.listMeta('standby/')).toEqual([])
  expect(failedUses(at(floor.pages, 0))).toBe(18)
  await close(floor)
})

test('[R69] where the browser refuses the return it is said, nothing is kept, and dropouts are overcome all the same', async () => {
  const floor = await createFloor(2, [1])
  const [refusing, other] = [at(floor.pages, 0), at(floor.pages, 1)]
  expect([refusing, other].map(({ node }) => node.status().returnAllowed)).toEqual([false, true])
  expect([codesOf(refusing), codesOf(other)]).toEqual([['RETURN-REFUSED'], []])
  expect(await refusing.store.listMeta('standby/')).toEqual([])
  await outage(floor, 60_000, 'online')
  await floor.world.until(() => areConnected(floor.pages), 5000)
  await floor.world.advance(20_000)
  kill(floor, 0)
  await floor.world.advance(30_000)
  await reopen(floor, 0)
  await floor.world.advance(120_000)
  expect(areConnected(floor.pages)).toBe(false)
  floor.hub.on()
  await floor.world.until(() => areConnected(floor.pages), 60_000)
  await close(floor)
})

test('[R66] the records of a page that is gone are not used up against it', async () => {
  const floor = await createFloor(2)
  const { node, tab } = at(floor.pages, 1)
  await node.close()
  tab.close()
  await floor.world.advance(60_000)
  expect(await at(floor.pages, 0).store.listMeta('standby/')).toEqual([])
  expect(standbysOf(at(floor.pages, 0))).toEqual([2])
  await reopen(floor, 1)
  await floor.world.until(() => areConnected(floor.pages), 5000)
  await close(floor)
})
