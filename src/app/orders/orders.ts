import { FishId, type Event, type EventId, type Fish, type JsonValue, type Meta, type Where } from '../../index.ts'
import type { OperationPayload } from './payload.ts'
import { parseOperationPayload } from './payload.ts'

/** One stretch of work on an operation at a station, from its start to its finish. */
export interface Run {
  /** Id of the event by which it became known. */
  readonly id: EventId
  readonly station: string
  /** As recorded, ISO 8601 with offset. `undefined`: finished without a start that is known. */
  readonly started: string | undefined
  /** `undefined`: it runs. */
  readonly finished: string | undefined
  /** Pieces that the finish reported; `undefined`: it did not count. */
  readonly good: number | undefined
  readonly scrap: number | undefined
}

export interface Operation {
  readonly name: string
  /** In the order in which they became known. */
  readonly runs: readonly Run[]
  /** Places in `runs` of those that run, oldest first. */
  readonly open: readonly number[]
  /** Lines of files already folded: the same file imported on two tablets is the same fact. */
  readonly lines: readonly string[]
}

/** What was last said of an order, and its operations in the order in which they were first heard of. */
export interface Order {
  readonly id: string
  readonly part: string | undefined
  readonly quantity: number | undefined
  /** Date, `2026-03-20`. */
  readonly due: string | undefined
  readonly operations: readonly Operation[]
}

/** State of every order and operation: a function of the events in their order, of nothing else. Plain data, as a fish wants them. */
export interface Orders {
  /** Ascending by id, in code units. */
  readonly orders: readonly Order[]
  /** Every station heard of, ascending. */
  readonly stations: readonly string[]
}

interface OperationDraft extends Omit<Operation, 'lines'> {
  readonly runs: Run[]
  readonly open: number[]
  readonly lines: Set<string>
}

interface OrderDraft extends Omit<Order, 'operations'> {
  /** By name; those that were touched as drafts. */
  readonly operations: Map<string, Operation | OperationDraft>
}

/** What one chunk of events has changed so far. Only these copies are written to, the state before stays as it is. */
interface Draft {
  readonly before: Orders
  readonly orders: Map<string, OrderDraft>
  readonly stations: Set<string>
}

export const where: Where = [{ tags: ['operation'] }]

export const initialState: Orders = { orders: [], stations: [] }

const isBelow = (a: string, b: string): boolean => a < b

/** `undefined`: nothing was said of it. */
export const findOrder = ({ orders }: Orders, id: string): Order | undefined => {
  let [low, high] = [0, orders.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (isBelow(orders[middle]?.id ?? '', id)) low = middle + 1
    else high = middle
  }
  const found = orders[low]
  return found?.id === id ? found : undefined
}

export const findOperation = (order: Order | undefined, name: string): Operation | undefined => order?.operations.find((operation) => operation.name === name)

/** State after one more event. An event that is none of ours changes nothing. */
export const onEvent = (state: Orders, payload: JsonValue, meta: Meta): Orders => onEvents(state, [{ payload, meta }])

/** The same as `onEvent` for each in turn, at the cost of one copy of what they touch. */
export const onEvents = (state: Orders, events: readonly Event[]): Orders => {
  const draft: Draft = { before: state, orders: new Map(), stations: new Set() }
  for (const { payload, meta } of events) {
    const said = parseOperationPayload(payload)
    if (said !== undefined) apply(draft, said, meta)
  }
  if (draft.orders.size === 0) return state
  const isNew = [...draft.stations].some((station) => !state.stations.includes(station))
  return {
    orders: replaced(state.orders, [...draft.orders.values()].map(orderOfDraft).sort((a, b) => (isBelow(a.id, b.id) ? -1 : 1))),
    stations: isNew ? [...new Set([...state.stations, ...draft.stations])].sort() : state.stations,
  }
}

/** Both ascending; of the same id the later one. */
const replaced = (before: readonly Order[], later: readonly Order[]): readonly Order[] => {
  const all: Order[] = []
  let at = 0
  for (const order of later) {
    for (let held = before[at]; held !== undefined && isBelow(held.id, order.id); held = before[++at]) all.push(held)
    if (before[at]?.id === order.id) at++
    all.push(order)
  }
  return [...all, ...before.slice(at)]
}

const orderOfDraft = ({ operations, ...order }: OrderDraft): Order => ({
  ...order,
  operations: [...operations.values()].map((operation) => ('has' in operation.lines ? { ...operation, lines: [...operation.lines] } : { ...operation, lines: operation.lines })),
})

/** All orders of a floor. Raise the version with every change of what it holds or how it is folded. */
export const ordersFish: Fish<Orders, JsonValue> = { fishId: FishId.of('millpond.orders', 'all', 1), where, initialState, onEvent, onEvents }

const apply = (draft: Draft, said: OperationPayload, meta: Meta): void => {
  const line = lineOf(said, meta)
  if (line !== undefined && isFolded(draft, said, line)) return
  const operation = touchOperation(draft, said)
  if (line !== undefined) operation.lines.add(line)
  draft.stations.add(said.station)
  if (said.type === 'operationStarted') start(operation, said, meta.eventId)
  else finish(operation, said, meta.eventId)
}

const isFolded = ({ orders, before }: Draft, { order, operation }: OperationPayload, line: string): boolean => {
  const touched = orders.get(order)
  const lines = (touched === undefined ? findOperation(findOrder(before, order), operation) : touched.operations.get(operation))?.lines
  return lines !== undefined && ('has' in lines ? lines.has(line) : lines.includes(line))
}

const lineOf = (said: OperationPayload, meta: Meta): string | undefined => {
  const file = said.line === undefined ? undefined : meta.tags.find((tag) => tag.startsWith('import:'))
  return file === undefined ? undefined : `${file}:${said.line}`
}

const start = (operation: OperationDraft, said: OperationPayload, id: EventId): void => {
  operation.open.push(operation.runs.length)
  operation.runs.push({ id, station: said.station, started: said.time, finished: undefined, good: undefined, scrap: undefined })
}

/** Closes the oldest open run at that station. Without one the finish is kept as a run of its own: nothing recorded gets lost. */
const finish = (operation: OperationDraft, said: OperationPayload, id: EventId): void => {
  const finished = { finished: said.time, good: said.good, scrap: said.scrap }
  const place = operation.open.findIndex((at) => operation.runs[at]?.station === said.station)
  const at = operation.open[place]
  const run = at === undefined ? undefined : operation.runs[at]
  if (at === undefined || run === undefined) {
    operation.runs.push({ id, station: said.station, started: undefined, ...finished })
    return
  }
  operation.runs[at] = { ...run, ...finished }
  operation.open.splice(place, 1)
}

const touchOperation = (draft: Draft, said: OperationPayload): OperationDraft => {
  const touched = draft.orders.get(said.order)
  const old = touched ?? findOrder(draft.before, said.order)
  const operations = touched?.operations ?? new Map((findOrder(draft.before, said.order)?.operations ?? []).map((operation) => [operation.name, operation]))
  draft.orders.set(said.order, { id: said.order, part: said.part ?? old?.part, quantity: said.quantity ?? old?.quantity, due: said.due ?? old?.due, operations })
  const held = operations.get(said.operation)
  if (held !== undefined && 'has' in held.lines) return held as OperationDraft
  const operation: OperationDraft = { name: said.operation, runs: [...(held?.runs ?? [])], open: [...(held?.open ?? [])], lines: new Set(held?.lines) }
  operations.set(said.operation, operation)
  return operation
}
