import type { Order, Orders, Run } from '../orders/orders.ts'
import { allOrders, operationsOf, orderCounts, orderState, type WorkState } from '../orders/selectors.ts'
import type { Key } from '../i18n/words.svelte.ts'
import type { MarkKind } from '../components/mark-kind.ts'

export const MARK: Readonly<Record<WorkState, MarkKind>> = { runs: 'run', waits: 'ready', done: 'done' }
export const STATE_KEY: Readonly<Record<WorkState, Key>> = { runs: 'state.running', waits: 'state.open', done: 'state.done' }

/** One order as the list shows it: a function of its events alone. */
export interface OrderRow {
  readonly id: string
  readonly part: string | undefined
  readonly due: string | undefined
  readonly quantity: number | undefined
  readonly state: WorkState
  /** What runs, and where; when nothing does, the operation that was last heard of. */
  readonly now: readonly { readonly operation: string; readonly stations: readonly string[] }[]
  readonly good: number | undefined
  readonly scrap: number | undefined
  readonly operations: number
  readonly operationsDone: number
  /** Newest time that a run of it says. */
  readonly lastTime: string | undefined
}

export type Filter = 'all' | WorkState

export interface OrderList {
  readonly rows: readonly OrderRow[]
  readonly countByFilter: Readonly<Record<Filter, number>>
}

const RANKED: readonly WorkState[] = ['runs', 'waits', 'done']
const rowByOrder = new WeakMap<Order, OrderRow>()

/** All rows, first what runs, then what waits, then what is done, each by order number; and how many there are in each state. */
export const orderList = (orders: Orders): OrderList => {
  const all = allOrders(orders).map(rowOf)
  const rows = RANKED.flatMap((state) => all.filter((row) => row.state === state))
  const inState = (state: WorkState): number => rows.filter((row) => row.state === state).length
  return { rows, countByFilter: { all: rows.length, runs: inState('runs'), waits: inState('waits'), done: inState('done') } }
}

/** Rows in that state whose number, part, operation or station contains what is typed. */
export const filterRows = (rows: readonly OrderRow[], filter: Filter, typed: string): readonly OrderRow[] => {
  const wanted = typed.trim().toLowerCase()
  const fits = (row: OrderRow): boolean =>
    [row.id, row.part ?? '', ...row.now.flatMap(({ operation, stations }) => [operation, ...stations])].some((text) => text.toLowerCase().includes(wanted))
  return rows.filter((row) => (filter === 'all' || row.state === filter) && (wanted === '' || fits(row)))
}

/** A step in the history of an order. */
export interface Step {
  readonly key: string
  readonly type: 'started' | 'finished'
  readonly operation: string
  readonly run: Run
  readonly time: string
}

/** All starts and finishes of an order, newest first by the time recorded. */
export const historyOf = (order: Order): readonly Step[] =>
  operationsOf(order)
    .flatMap(({ name, runs }) => runs.flatMap((run) => stepsOf(name, run)))
    .map((step, at) => ({ step, at }))
    .sort((a, b) => Date.parse(b.step.time) - Date.parse(a.step.time) || b.at - a.at)
    .map(({ step }) => step)

/** What an order says, as one text: two are equal when nothing about it changed. */
export const orderSignature = (order: Order): string =>
  JSON.stringify([order.part, order.quantity, order.due, order.operations.map(({ name, runs }) => [name, runs])])

/** Names of all operations heard of, those first that most orders have. */
export const knownOperations = (orders: Orders): readonly string[] => {
  const countByName = new Map<string, number>()
  for (const order of orders.orders) for (const { name } of order.operations) countByName.set(name, (countByName.get(name) ?? 0) + 1)
  return [...countByName].sort(([a, countA], [b, countB]) => countB - countA || (a < b ? -1 : 1)).map(([name]) => name)
}

const rowOf = (order: Order): OrderRow => {
  const held = rowByOrder.get(order)
  if (held !== undefined) return held
  const operations = operationsOf(order)
  const running = operations.filter(({ state }) => state === 'runs')
  const { good, scrap } = orderCounts(order)
  const row: OrderRow = {
    id: order.id, part: order.part, due: order.due, quantity: order.quantity, state: orderState(order), good, scrap,
    now: (running.length > 0 ? running : operations.slice(-1)).map(({ name, runningAt }) => ({ operation: name, stations: runningAt })),
    operations: operations.length, operationsDone: operations.filter(({ state }) => state === 'done').length,
    lastTime: operations.flatMap(({ runs }) => runs.flatMap((run) => [run.started, run.finished])).reduce(later, undefined),
  }
  rowByOrder.set(order, row)
  return row
}

const stepsOf = (operation: string, run: Run): readonly Step[] => [
  ...(run.started === undefined ? [] : [{ key: `${run.id} started`, type: 'started' as const, operation, run, time: run.started }]),
  ...(run.finished === undefined ? [] : [{ key: `${run.id} finished`, type: 'finished' as const, operation, run, time: run.finished }]),
]

const later = (a: string | undefined, b: string | undefined): string | undefined =>
  a === undefined ? b : b === undefined || Date.parse(b) <= Date.parse(a) ? a : b
