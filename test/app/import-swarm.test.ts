import { expect, test } from 'vitest'
import type { Orders } from '../../src/app/orders/orders.ts'
import { initialState, ordersFish } from '../../src/app/orders/orders.ts'
import { allOrders, allStations, operationsOf, orderState } from '../../src/app/orders/selectors.ts'
import { importFile } from '../../src/app/import/import-file.ts'
import { sampleFile, sampleRecords } from '../../src/app/sample/sample.ts'
import type { Node } from '../../src/node/node.ts'
import { createPond } from '../../src/pond/pond.ts'
import { createNodeWorld, readAll } from '../node/world.ts'

const COUNT = sampleRecords().length

const linesIn = async (node: Node): Promise<readonly number[]> =>
  (await readAll(node)).map(({ payload }) => (payload as { readonly line: number }).line).toSorted((a, b) => a - b)

const held = async (node: Node): Promise<number> => Object.values(await node.present()).reduce((count, last) => count + last + 1, 0)

/** What a screen shows: newest state told. */
const screen = (node: Node): (() => Orders) => {
  let state = initialState
  createPond(node).observe(ordersFish, (changed) => (state = changed))
  return () => state
}

/** All of it in words. */
const words = (state: Orders): string =>
  JSON.stringify([allOrders(state).map((order) => [order.id, order.part, order.due, orderState(order), operationsOf(order)]), allStations(state)])

test('[G3] lines that another tablet has published count as published', async () => {
  const { world, tablet } = await createNodeWorld()
  const [one, two] = [(await tablet().open()).node, (await tablet().open()).node]
  await importFile(one, sampleFile(), { only: (_record, line) => line <= 100 })
  await world.until(async () => (await held(two)) === 100)
  expect(await importFile(two, sampleFile())).toMatchObject({ end: { type: 'complete' }, counts: { published: COUNT - 100, already: 100 } })
  await world.until(async () => (await held(one)) === COUNT)
  expect(await linesIn(one)).toEqual(Array.from({ length: COUNT }, (_, index) => index + 1))
  await Promise.all([one.close(), two.close()])
})

test('[G3] the same shift read in on two tablets that were apart is shown once, and the same on both, when they meet', async () => {
  const { world, network, tablet } = await createNodeWorld()
  const [left, right] = [tablet(), tablet()]
  network.partition([[left.name], [right.name]])
  const [one, two] = [(await left.open()).node, (await right.open()).node]
  const screens = [screen(one), screen(two)] as const
  await importFile(one, sampleFile())
  await world.settle()
  await importFile(two, sampleFile())
  await world.settle()
  const alone = screens.map((state) => allOrders(state()).length)
  network.partition([[left.name, right.name]])
  await world.until(async () => (await Promise.all([one, two].map(held))).every((count) => count === 2 * COUNT))
  await world.advance(200)
  const shown = screens.map((state) => words(state()))
  expect(shown[1]).toBe(shown[0])
  expect(alone).toEqual([29, 29])
  expect(allOrders(screens[0]()).flatMap(operationsOf).flatMap(({ runs }) => runs)).toHaveLength(106)
  await Promise.all([one.close(), two.close()])
})
