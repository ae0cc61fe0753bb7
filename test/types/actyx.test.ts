import type { Actyx as Published, EventFns as PublishedFns, NodeInfo as PublishedInfo, Tag, Where as PublishedWhere } from '@actyx/sdk'
import { expectTypeOf, test } from 'vitest'
import type { Actyx, EventFns, EventsOrTimetravel, NodeInfo, Where } from '../../src/actyx/actyx.ts'

test('the interface is taken where the published one is asked for, but for its class NodeInfo', () => {
  expectTypeOf<Actyx>().toExtend<Omit<Published, 'nodeInfo'>>()
  expectTypeOf<EventFns>().toExtend<PublishedFns>()
  expectTypeOf<keyof Actyx>().toEqualTypeOf<keyof Published>()
  expectTypeOf<keyof EventFns>().toEqualTypeOf<keyof PublishedFns>()
})

test('each member by itself, and what is told is what was published', () => {
  expectTypeOf<{ [K in keyof PublishedFns]: EventFns[K] extends PublishedFns[K] ? never : K }[keyof PublishedFns]>().toBeNever()
  expectTypeOf<Actyx['nodeInfo']>().parameters.toEqualTypeOf<Parameters<Published['nodeInfo']>>()
  expectTypeOf<keyof NodeInfo>().toEqualTypeOf<keyof PublishedInfo>()
  expectTypeOf<{ [K in keyof PublishedInfo]: Parameters<NodeInfo[K]> }>().toEqualTypeOf<{ [K in keyof PublishedInfo]: Parameters<PublishedInfo[K]> }>()
})

test('a selection of the published library is one here, with its type of events', () => {
  expectTypeOf<PublishedWhere<number>>().toExtend<Where<number>>()
  expectTypeOf<Tag<{ n: number }>>().toExtend<Where>()
})

test('without a type of its own a monotonic subscription is told of events and time travel', () => {
  const calls = (fns: EventFns) => fns.subscribeMonotonic({ sessionId: '', query: 'allEvents' }, (message) => {
    expectTypeOf(message).toEqualTypeOf<EventsOrTimetravel<unknown>>()
  })
  expectTypeOf(calls).returns.toEqualTypeOf<() => void>()
})
