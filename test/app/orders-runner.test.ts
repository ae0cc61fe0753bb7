import { describe, expect, test } from 'vitest'
import fc from 'fast-check'
import { initialState, onEvents, ordersFold } from '../../src/app/orders/orders.ts'
import type { Orders } from '../../src/app/orders/orders.ts'
import { runFold } from '../../src/app/orders/runner.ts'
import type { Event } from '../../src/core/event.ts'
import { compareEventKeys } from '../../src/core/event-key.ts'
import type { Subscriber } from '../../src/node/node.ts'
import { eventAt, sorted } from './orders-events.ts'

interface Told {
  readonly states: Orders[]
  readonly errors: Error[]
}

/** Runs the fold over a subscription that the test speaks for, by the words of `Subscriber`. */
const follow = (): Told & { readonly say: Subscriber; readonly stop: () => void; readonly ended: () => number } => {
  const told: Told = { states: [], errors: [] }
  let say: Subscriber | undefined
  let ended = 0
  const subscribe = (_query: object, subscriber: Subscriber) => {
    say = subscriber
    return () => void (ended += 1)
  }
  const stop = runFold({ subscribe }, ordersFold, { changed: (state) => told.states.push(state), failed: (error) => told.errors.push(error) })
  if (say === undefined) throw new Error('the runner did not subscribe')
  return { ...told, say, stop, ended: () => ended }
}

const start = (lamport: number, order: string): Event =>
  eventAt(lamport, { type: 'operationStarted', order, operation: 'OP10', station: 'TM4', time: '2026-03-09T06:00:00Z' })

describe('runner', () => {
  test('[G3] tells the state after each chunk', async () => {
    const { say, states } = follow()
    await say.events([start(1, 'W1')], false, {})
    await say.events([start(2, 'W2')], true, {})
    expect(states.map((state) => [...state.orders.keys()])).toEqual([['W1'], ['W1', 'W2']])
  })

  test('[G3] starts over when an older event arrives, and tells nothing before it has caught up', async () => {
    const { say, states } = follow()
    await say.events([start(2, 'W2')], true, {})
    say.timeTravel(start(1, 'W1').meta, 'earlier')
    await say.events([start(1, 'W1')], false, {})
    await say.events([start(2, 'W2')], true, {})
    expect(states.map((state) => [...state.orders.keys()])).toEqual([['W2'], ['W1', 'W2']])
  })

  test('[G6] says that it failed', () => {
    const { say, errors } = follow()
    say.failed(new Error('unreadable'))
    expect(errors.map(({ message }) => message)).toEqual(['unreadable'])
  })

  test('[G3] once stopped it tells nothing more', async () => {
    const { say, states, errors, stop, ended } = follow()
    stop()
    await say.events([start(1, 'W1')], true, {})
    say.failed(new Error('late'))
    expect([states, errors, ended()]).toEqual([[], [], 1])
  })

  test('[G3] the same events, however they arrive, give the same state', async () => {
    const said = fc.record({
      type: fc.constantFrom('operationStarted' as const, 'operationFinished' as const), order: fc.constantFrom('W1', 'W2'), operation: fc.constantFrom('OP10', 'OP20'),
      station: fc.constantFrom('TM4', 'TM6'), time: fc.constant('2026-03-09T06:00:00Z'), good: fc.nat(5),
    })
    const arrivals = fc.array(said, { minLength: 1, maxLength: 25 })
      .map((all) => all.map((payload, index) => eventAt(index + 1, payload, { by: index % 3 })))
      .chain((events) => fc.tuple(fc.constant(events), fc.shuffledSubarray(events, { minLength: events.length }), fc.integer({ min: 1, max: 6 })))
    await fc.assert(fc.asyncProperty(arrivals, async ([events, shuffled, size]) => {
      const { say, states } = follow()
      let given: readonly Event[] = []
      for (let from = 0; from < shuffled.length; from += size) {
        const chunk = sorted(shuffled.slice(from, from + size))
        const [first] = chunk
        const last = given.at(-1)
        const isLate = first !== undefined && last !== undefined && compareEventKeys(first.meta, last.meta) < 0
        given = sorted([...given, ...chunk])
        if (isLate) say.timeTravel(first.meta, 'earlier')
        await say.events(isLate ? given : chunk, true, {})
      }
      expect(states.at(-1)).toEqual(onEvents(initialState, events))
    }))
  })
})
