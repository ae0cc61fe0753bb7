import type { Event, EventId, JsonValue, Meta, Where } from '../../index.ts'
import type { OperationPayload } from './payload.ts'
import { parseOperationPayload } from './payload.ts'
import type { Fold } from './runner.ts'

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
  readonly lines: ReadonlySet<string>
}

/** What was last said of an order, and its operations in the order in which they were first heard of. */
export interface Order {
  readonly id: string
  readonly part: string | undefined
  readonly quantity: number | undefined
  /** Date, `2026-03-20`. */
  readonly due: string | undefined
  readonly operations: ReadonlyMap<string, Operation>
}

/** State of every order and operation: a function of the events in their order, of nothing else. */
export interface Orders {
  readonly orders: ReadonlyMap<string, Order>
  /** Every station heard of. */
  readonly stations: ReadonlySet<string>
}

interface OperationDraft extends Operation {
  readonly runs: Run[]
  readonly open: number[]
  readonly lines: Set<string>
}

/** What one chunk of events has changed so far. Only these copies are written to, the state before stays as it is; `operations` knows them again. */
interface Draft {
  readonly before: Orders
  readonly orders: Map<string, Order & { readonly operations: Map<string, Operation> }>
  readonly operations: Map<Operation, OperationDraft>
  readonly stations: Set<string>
}

export const where: Where = [{ tags: ['operation'] }]

export const initialState: Orders = { orders: new Map(), stations: new Set() }

/** State after one more event. An event that is none of ours changes nothing. */
export const onEvent = (state: Orders, payload: JsonValue, meta: Meta): Orders => onEvents(state, [{ payload, meta }])

/** The same as `onEvent` for each in turn, at the cost of one copy of what they touch. */
export const onEvents = (state: Orders, events: readonly Event[]): Orders => {
  const draft: Draft = { before: state, orders: new Map(), operations: new Map(), stations: new Set() }
  for (const { payload, meta } of events) {
    const said = parseOperationPayload(payload)
    if (said !== undefined) apply(draft, said, meta)
  }
  if (draft.orders.size === 0) return state
  const isNew = [...draft.stations].some((station) => !state.stations.has(station))
  return {
    orders: new Map([...state.orders, ...draft.orders]),
    stations: isNew ? new Set([...state.stations, ...draft.stations]) : state.stations,
  }
}

/** The recipe for a runner, later for a fish. */
export const ordersFold: Fold<Orders> = { where, initialState, onEvent, onEvents }

const apply = (draft: Draft, said: OperationPayload, meta: Meta): void => {
  const line = lineOf(said, meta)
  if (line !== undefined && orderOf(draft, said)?.operations.get(said.operation)?.lines.has(line) === true) return
  const operation = touchOperation(draft, said)
  if (line !== undefined) operation.lines.add(line)
  draft.stations.add(said.station)
  if (said.type === 'operationStarted') start(operation, said, meta.eventId)
  else finish(operation, said, meta.eventId)
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

const orderOf = (draft: Draft, said: OperationPayload): Order | undefined => draft.orders.get(said.order) ?? draft.before.orders.get(said.order)

const touchOperation = (draft: Draft, said: OperationPayload): OperationDraft => {
  const old = orderOf(draft, said)
  const operations = draft.orders.get(said.order)?.operations ?? new Map(old?.operations)
  const order = {
    id: said.order, part: said.part ?? old?.part, quantity: said.quantity ?? old?.quantity, due: said.due ?? old?.due, operations,
  }
  draft.orders.set(said.order, order)
  const held = operations.get(said.operation)
  const touched = held === undefined ? undefined : draft.operations.get(held)
  if (touched !== undefined) return touched
  const operation: OperationDraft = {
    name: said.operation, runs: [...(held?.runs ?? [])], open: [...(held?.open ?? [])], lines: new Set(held?.lines),
  }
  operations.set(said.operation, operation)
  draft.operations.set(operation, operation)
  return operation
}
