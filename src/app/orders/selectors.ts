import type { Operation, Order, Orders, Run } from './orders.ts'

/**
 * `runs`: a run is open. `waits`: none is, and pieces are still to come. `done`: nothing is open, as far as events say;
 * they say nothing of operations that nobody has begun.
 */
export type WorkState = 'waits' | 'runs' | 'done'

/** Pieces reported. `undefined`: nobody counted. */
export interface Counts {
  readonly good: number | undefined
  readonly scrap: number | undefined
}

export interface OperationView extends Counts {
  readonly name: string
  readonly state: WorkState
  /** In the order in which they became known; an open one has no `finished`, a finish without a start no `started`. */
  readonly runs: readonly Run[]
  /** Stations at which it runs, each once, oldest first. */
  readonly runningAt: readonly string[]
}

/** What runs at a station now: oldest first; nothing when it is free. */
export interface StationView {
  readonly station: string
  readonly running: readonly { readonly order: string; readonly operation: string; readonly started: string | undefined }[]
}

/** All orders by their id, numbers inside it by value: `Case2` before `Case10`. */
export const allOrders = (state: Orders): readonly Order[] => state.orders.toSorted((a, b) => compareNames(a.id, b.id))

/** Operations of an order, in the order in which they were first heard of. */
export const operationsOf = (order: Order): readonly OperationView[] => {
  let scrapBefore = 0
  return order.operations.map((operation) => {
    const counts = countsOf(operation)
    const state = operationState(operation, counts, order.quantity === undefined ? undefined : order.quantity - scrapBefore)
    scrapBefore += counts.scrap ?? 0
    return { name: operation.name, state, runs: operation.runs, runningAt: stationsOf(operation), ...counts }
  })
}

export const orderState = (order: Order): WorkState => {
  const states = new Set(operationsOf(order).map((operation) => operation.state))
  return states.has('runs') ? 'runs' : states.has('waits') ? 'waits' : 'done'
}

/** Good pieces of the newest operation that counted, scrap of all of them. */
export const orderCounts = (order: Order): Counts => {
  const operations = operationsOf(order)
  return {
    good: operations.findLast((operation) => operation.good !== undefined)?.good,
    scrap: sum(operations.map((operation) => operation.scrap)),
  }
}

/** Every station heard of, by its name, with what runs there. */
export const allStations = (state: Orders): readonly StationView[] => {
  const runningByStation = new Map(state.stations.map((station) => [station, [] as StationView['running'][number][]]))
  for (const order of allOrders(state)) {
    for (const operation of order.operations) {
      for (const at of operation.open) {
        const run = operation.runs[at]
        if (run !== undefined) runningByStation.get(run.station)?.push({ order: order.id, operation: operation.name, started: run.started })
      }
    }
  }
  return [...runningByStation].map(([station, running]) => ({ station, running })).sort((a, b) => compareNames(a.station, b.station))
}

/** The order of names that a person expects, the same on every browser: digits by value, the rest by code unit. */
export const compareNames = (a: string, b: string): number => {
  const theirs = b.split(/(\d+)/)
  for (const [at, mine] of a.split(/(\d+)/).entries()) {
    const other = theirs[at]
    if (other === undefined) return 1
    const byValue = at % 2 === 0 ? 0 : compareDigits(mine, other)
    if (byValue !== 0) return byValue
    if (at % 2 === 0 && mine !== other) return mine < other ? -1 : 1
  }
  return a.length - b.length || (a < b ? -1 : a > b ? 1 : 0)
}

const compareDigits = (a: string, b: string): number => {
  const [mine, other] = [a.replace(/^0+/, ''), b.replace(/^0+/, '')]
  return mine.length - other.length || (mine < other ? -1 : mine > other ? 1 : 0)
}

const operationState = (operation: Operation, counts: Counts, expected: number | undefined): WorkState => {
  if (operation.open.length > 0) return 'runs'
  if (expected === undefined || counts.good === undefined) return 'done'
  return counts.good + (counts.scrap ?? 0) < expected ? 'waits' : 'done'
}

const countsOf = (operation: Operation): Counts => ({
  good: sum(operation.runs.map((run) => run.good)),
  scrap: sum(operation.runs.map((run) => run.scrap)),
})

const stationsOf = (operation: Operation): readonly string[] => [...new Set(operation.open.flatMap((at) => operation.runs[at]?.station ?? []))]

const sum = (values: readonly (number | undefined)[]): number | undefined => {
  const counted = values.filter((value) => value !== undefined)
  return counted.length === 0 ? undefined : counted.reduce((total, value) => total + value, 0)
}
