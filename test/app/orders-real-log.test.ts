/// <reference types="node" />
import { expect, test } from 'vitest'
import { initialState, onEvents } from '../../src/app/orders/orders.ts'
import { allOrders, allStations, operationsOf, orderState } from '../../src/app/orders/selectors.ts'
import type { ImportRecord } from '../../src/app/import/record.ts'
import { recordToEvent } from '../../src/app/import/record.ts'
import { sampleRecords } from '../../src/app/sample/sample.ts'
import { realLog } from './import-files.ts'
import { eventAt } from './orders-events.ts'

const figures = (records: readonly ImportRecord[]) => {
  const events = records.map((record, index) => eventAt(index + 1, recordToEvent(record, index + 1, 'import:log').event, { tags: ['import:log'] }))
  const state = onEvents(initialState, events)
  // Time of the processor, for other programs run here too; the best of several, for the first are not compiled yet.
  const tookMs = Math.min(...Array.from({ length: 5 }, () => {
    const before = process.cpuUsage()
    onEvents(initialState, events)
    return process.cpuUsage(before).user / 1000
  }))
  const orders = allOrders(state)
  const operations = orders.flatMap(operationsOf)
  const runs = operations.flatMap((operation) => operation.runs)
  return {
    tookMs, orders: orders.length, operations: new Set(operations.map(({ name }) => name)).size, stations: allStations(state).length,
    starts: runs.filter((run) => run.started !== undefined).length, finishes: runs.filter((run) => run.finished !== undefined).length,
    runs: runs.length, running: orders.filter((order) => orderState(order) === 'runs').length,
  }
}

const log = realLog()
const title = log === undefined
  ? '[G3] the production log is not at ../shared/data: the sample shift stands for it'
  : '[G3] the production log: 9,906 events, 225 orders, 26 operations, 48 stations'

test(`${title}, folded in well under 100 ms`, async () => {
  const records = log === undefined ? sampleRecords() : (await log.text()).trimEnd().split('\n').map((line) => JSON.parse(line) as ImportRecord)
  const { tookMs, ...found } = figures(records)
  expect(found).toEqual(log === undefined
    ? { orders: 29, operations: 6, stations: 8, starts: 105, finishes: 100, runs: 106, running: 6 }
    : { orders: 225, operations: 26, stations: 48, starts: 4953, finishes: 4953, runs: 4953, running: 0 })
  expect(tookMs).toBeLessThan(100)
})
