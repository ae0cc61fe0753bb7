import { describe, expect, test } from 'vitest'
import fc from 'fast-check'
import { initialState, onEvent, onEvents } from '../../src/app/orders/orders.ts'
import type { Orders } from '../../src/app/orders/orders.ts'
import { allOrders, allStations, compareNames, operationsOf, orderCounts, orderState } from '../../src/app/orders/selectors.ts'
import type { Event } from '../../src/core/event.ts'
import type { JsonValue } from '../../src/core/json.ts'
import { eventAt, finished, frozen, inOrder, started } from './orders-events.ts'

const fold = (events: readonly Event[]): Orders => onEvents(initialState, events)

/** Runs of the only operation as `start..finish@station`, hours only. */
const runsOf = (events: readonly Event[]): readonly string[] =>
  operationsOf(onlyOrder(events)).flatMap((operation) => operation.runs.map((run) => `${run.started?.slice(11, 13) ?? ''}..${run.finished?.slice(11, 13) ?? ''}@${run.station}`))

const onlyOrder = (events: readonly Event[]) => {
  const [order] = allOrders(fold(events))
  if (order === undefined) throw new Error('no order')
  return order
}

const at = (hour: number): string => `2026-03-09T${String(hour).padStart(2, '0')}:00:00.000+01:00`

describe('runs', () => {
  const cases: readonly (readonly [string, readonly JsonValue[], readonly string[]])[] = [
    ['a start', [started({ time: at(6) })], ['06..@TM4']],
    ['a start and its finish', [started({ time: at(6) }), finished({ time: at(7) })], ['06..07@TM4']],
    ['a finish closes the oldest open run', [started({ time: at(6) }), started({ time: at(7) }), finished({ time: at(8) })], ['06..08@TM4', '07..@TM4']],
    ['two finishes close both, oldest first', [started({ time: at(6) }), started({ time: at(7) }), finished({ time: at(8) }), finished({ time: at(9) })], ['06..08@TM4', '07..09@TM4']],
    ['oldest by the order of events, not by the clock', [started({ time: at(9) }), started({ time: at(6) }), finished({ time: at(10) })], ['09..10@TM4', '06..@TM4']],
    ['a finish at another station closes nothing here', [started({ time: at(6) }), finished({ time: at(7), station: 'TM6' })], ['06..@TM4', '..07@TM6']],
    ['each station has runs of its own', [started({ time: at(6) }), started({ time: at(7), station: 'TM6' }), finished({ time: at(8), station: 'TM6' })], ['06..@TM4', '07..08@TM6']],
    ['a finish without a start is kept', [finished({ time: at(7) }), started({ time: at(8) })], ['..07@TM4', '08..@TM4']],
    ['a second finish is kept as well', [started({ time: at(6) }), finished({ time: at(7) }), finished({ time: at(8) })], ['06..07@TM4', '..08@TM4']],
  ]
  test.each(cases)('[G3] %s', (_title, payloads, expected) => {
    expect(runsOf(inOrder(...payloads))).toEqual(expected)
  })

  test('[G3] another operation of the order has runs of its own, in the order in which it was heard of', () => {
    const order = onlyOrder(inOrder(started({ operation: 'OP20' }), started({ operation: 'OP10' }), finished({ operation: 'OP10' })))
    expect(operationsOf(order).map(({ name, state }) => [name, state])).toEqual([['OP20', 'runs'], ['OP10', 'done']])
  })

  test('[G3] a line of a file counts once, from however many tablets it comes; the same line of another file counts too', () => {
    const line = (lamport: number, by: number, file: string) => eventAt(lamport, started({ line: 7 }), { by, tags: [`import:${file}`] })
    expect(runsOf([line(1, 0, 'f1'), line(2, 1, 'f1'), line(3, 0, 'f2')])).toHaveLength(2)
    expect(runsOf([eventAt(1, started({ line: 7 })), eventAt(2, started({ line: 7 }))])).toHaveLength(2)
  })

  test('[G3] the second copy of a line does not undo what was said since', () => {
    const line = (lamport: number, by: number) => eventAt(lamport, started({ line: 7, due: '2026-03-10' }), { by, tags: ['import:f1'] })
    expect(onlyOrder([line(1, 0), eventAt(2, finished({ due: '2026-03-12' })), line(3, 1)]).due).toBe('2026-03-12')
  })
})

describe('state and counts', () => {
  const cases: readonly (readonly [string, readonly JsonValue[], string, number | undefined, number | undefined])[] = [
    ['runs while any run is open', [started(), started(), finished()], 'runs', undefined, undefined],
    ['done when all that was begun is finished', [started(), finished()], 'done', undefined, undefined],
    ['waits while pieces are to come', [started({ quantity: 10 }), finished({ good: 6, scrap: 1 })], 'waits', 6, 1],
    ['done when all pieces are accounted for', [started({ quantity: 10 }), finished({ good: 6, scrap: 1 }), started(), finished({ good: 3, scrap: 0 })], 'done', 9, 1],
    ['scrap of the operation before does not come back', [finished({ quantity: 10, good: 8, scrap: 2 }), finished({ operation: 'OP20', good: 8, scrap: 0 })], 'done', 8, 2],
    ['done with a quantity that nobody counts', [started({ quantity: 10 }), finished()], 'done', undefined, undefined],
    ['the newest quantity holds', [started({ quantity: 10 }), finished({ quantity: 6, good: 6 })], 'done', 6, undefined],
  ]
  test.each(cases)('[G3] %s', (_title, payloads, state, good, scrap) => {
    const order = onlyOrder(inOrder(...payloads))
    expect([orderState(order), orderCounts(order)]).toEqual([state, { good, scrap }])
  })

  test('[G3] part, quantity and due are what was said last', () => {
    const order = onlyOrder(inOrder(started({ part: 'FL-120', quantity: 5, due: '2026-03-10' }), finished({ due: '2026-03-12' })))
    expect(order).toMatchObject({ part: 'FL-120', quantity: 5, due: '2026-03-12' })
  })

  test('[G3] a station shows what runs there now, an idle one stays listed', () => {
    const state = fold(inOrder(started({ station: 'TM10' }), started({ order: 'W2' }), started({ station: 'RG3' }), finished({ station: 'RG3' })))
    expect(allStations(state).map(({ station, running }) => [station, running.map(({ order }) => order)])).toEqual([['RG3', []], ['TM4', ['W2']], ['TM10', ['W1']]])
  })
})

describe('what is none of ours', () => {
  const hostile: readonly JsonValue[] = [
    null, true, 7, 'operationStarted', [], [started()], {}, { type: 'operationPaused', order: 'W1' }, started({ order: '' }), started({ order: ' ' }), started({ order: 'W\n1' }), started({ station: 'x'.repeat(201) }),
    { ...Object(started()), order: 7 }, { ...Object(started()), operation: null }, { ...Object(started()), time: 'yesterday' }, started({ time: '2026-03-09T06:00:00' }), started({ time: '2026-99-09T06:00:00Z' }), started({ time: '2026-02-29T06:00:00Z' }), started({ time: '2026-02-28T24:00:00Z' }),
  ]
  test.each(hostile.map((payload) => [JSON.stringify(payload).slice(0, 60), payload] as const))('[G6] %s changes nothing', (_title, payload) => {
    expect(fold(inOrder(payload))).toBe(initialState)
  })

  test('[G6] a field of an unknown shape counts as not said', () => {
    const order = onlyOrder(inOrder({ ...Object(finished()), good: -1, scrap: 1e300, quantity: '5', due: 'soon', part: [], line: 0.5 }))
    expect(order).toMatchObject({ part: undefined, quantity: undefined, due: undefined })
    expect(orderCounts(order)).toEqual({ good: undefined, scrap: undefined })
  })

  test('[G7] names of built-in properties are names like any other', () => {
    const state = fold(inOrder(started({ order: '__proto__', operation: 'constructor', station: 'toString' })))
    expect(allOrders(state).map((order) => [order.id, orderState(order)])).toEqual([['__proto__', 'runs']])
  })

  test('[G7] no payload makes it throw', () => {
    const nearly = fc.record(
      { type: fc.constantFrom('operationStarted', 'operationFinished'), order: fc.string(), operation: fc.string(), station: fc.string(), time: fc.constant(at(6)), line: fc.anything(), good: fc.anything(), scrap: fc.anything(), quantity: fc.anything(), due: fc.anything() },
      { requiredKeys: [] },
    )
    fc.assert(fc.property(fc.array(fc.oneof(fc.jsonValue(), nearly)), (payloads) => {
      expect(() => allOrders(fold(inOrder(...(payloads as JsonValue[])))).map(orderState)).not.toThrow()
    }))
  })
})

const said = fc.record({
  type: fc.constantFrom('operationStarted' as const, 'operationFinished' as const), order: fc.constantFrom('W1', 'W2'), operation: fc.constantFrom('OP10', 'OP20'),
  station: fc.constantFrom('TM4', 'TM6'), time: fc.constant(at(6)), good: fc.nat(5), line: fc.integer({ min: 1, max: 5 }),
})
const someEvents = fc.array(said, { maxLength: 40 }).map((all) => all.map((payload, index) => eventAt(index + 1, payload, { by: index % 3, tags: ['import:f1'] })))

test('[G3] a chunk at a time or an event at a time, the state is the same, and no state before is touched', () => {
  fc.assert(fc.property(someEvents, fc.integer({ min: 1, max: 9 }), (events, size) => {
    let byChunk = frozen(initialState)
    for (let from = 0; from < events.length; from += size) byChunk = frozen(onEvents(byChunk, events.slice(from, from + size)))
    const byEvent = events.reduce((state, { payload, meta }) => onEvent(state, payload, meta), initialState)
    expect(byChunk).toEqual(byEvent)
  }))
})

describe('order of names', () => {
  test('[G3] numbers inside a name count by value', () => {
    expect(['Case10', 'Case2', 'case1', 'Case002', '9', '10', 'Case2b', ''].toSorted(compareNames)).toEqual(['', '9', '10', 'Case2', 'Case002', 'Case2b', 'Case10', 'case1'])
  })

  test('[G3] it is total', () => {
    const name = fc.stringMatching(/^[ab019]{0,6}$/)
    fc.assert(fc.property(name, name, name, (a, b, c) => {
      expect(Math.sign(compareNames(a, b)) + Math.sign(compareNames(b, a))).toBe(0)
      expect(compareNames(a, b) === 0).toBe(a === b)
      expect(compareNames(a, b) >= 0 || compareNames(b, c) >= 0 || compareNames(a, c) < 0).toBe(true)
    }))
  })
})
