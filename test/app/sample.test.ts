import { expect, test } from 'vitest'
import { initialState, onEvents } from '../../src/app/orders/orders.ts'
import { allOrders, allStations, operationsOf, orderState } from '../../src/app/orders/selectors.ts'
import { printFile } from '../../src/app/import/lines.ts'
import { recordToEvent } from '../../src/app/import/record.ts'
import { sampleFile, sampleRecords } from '../../src/app/sample/sample.ts'
import { eventAt } from './orders-events.ts'

const state = onEvents(initialState, sampleRecords().map((record, index) => eventAt(index + 1, recordToEvent(record, index + 1, 'import:sample').event, { tags: ['import:sample'] })))

test('[G3] the sample shift has some 200 events, in the order of their time, and the same bytes for ever', async () => {
  const times = sampleRecords().map(({ time }) => time)
  expect(times).toEqual(times.toSorted())
  expect([times.length, (await printFile(sampleFile(), () => {})).hash.slice(0, 16)]).toEqual([205, '8057048d33e733a0'])
})

test('[G3] every order has part, quantity and due; nothing makes more pieces than ordered', () => {
  for (const order of allOrders(state)) {
    expect(order).toMatchObject({ part: expect.any(String), quantity: expect.any(Number), due: expect.stringMatching(/^2026-03-\d\d$/) })
    for (const { good, scrap } of operationsOf(order)) expect((good ?? 0) + (scrap ?? 0)).toBeLessThanOrEqual(order.quantity ?? 0)
  }
})

test('[G3] it shows every state: waits, runs, done, a finish without a start, a station with two at once', () => {
  const states = allOrders(state).map(orderState)
  expect(new Set(states)).toEqual(new Set(['waits', 'runs', 'done']))
  const runs = allOrders(state).flatMap((order) => operationsOf(order).flatMap((operation) => operation.runs))
  expect(runs.filter((run) => run.started === undefined)).toHaveLength(1)
  expect(allStations(state).map(({ running }) => running.length).toSorted((a, b) => a - b)).toEqual([0, 0, 0, 1, 1, 1, 1, 2])
})
