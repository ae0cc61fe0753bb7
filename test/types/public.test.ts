import { expectTypeOf, test } from 'vitest'
import * as millpond from '../../src/index.ts'
import type { Event, EventId, JsonValue, Local, Meta, Node, NodeId, NodeStatus, Offset, OffsetMap, OpenOptions, StreamId, Subscriber, SwarmId, TaggedEvent, Where } from '../../src/index.ts'

test('openNode takes one choice of a swarm, or none', () => {
  expectTypeOf(millpond.openNode).returns.resolves.toEqualTypeOf<Node>()
  expectTypeOf<{ name: string }>().toExtend<OpenOptions>()
  expectTypeOf<{ found: true; name: string; appId: string; hubs: string[] }>().toExtend<OpenOptions>()
  expectTypeOf<{ invitation: string }>().toExtend<OpenOptions>()
  expectTypeOf<{ swarm: SwarmId }>().toExtend<OpenOptions>()
  expectTypeOf<{ swarm: string }>().not.toExtend<OpenOptions>()
  expectTypeOf<{ found: true; invitation: string }>().not.toExtend<OpenOptions>()
})

test('ids of different kinds are not exchanged, and a string is none of them', () => {
  expectTypeOf<NodeId>().not.toExtend<StreamId>()
  expectTypeOf<StreamId>().not.toExtend<NodeId>()
  expectTypeOf<EventId>().not.toExtend<StreamId>()
  expectTypeOf<string>().not.toExtend<NodeId>()
  expectTypeOf<NodeId>().toExtend<string>()
  expectTypeOf(millpond.parseStreamId).returns.exclude<undefined>().toHaveProperty('id').toEqualTypeOf<StreamId>()
})

test('events are read only, their payload is JSON', () => {
  expectTypeOf<Event>().toEqualTypeOf<{ readonly meta: Meta; readonly payload: JsonValue }>()
  expectTypeOf<Node['publish']>().parameter(0).toEqualTypeOf<readonly TaggedEvent[]>()
  expectTypeOf<{ tags: string[]; event: { at: Date } }>().not.toExtend<TaggedEvent>()
  expectTypeOf<{ tags: string[]; event: () => void }>().not.toExtend<TaggedEvent>()
  expectTypeOf<{ tags: string[]; event: undefined }>().not.toExtend<TaggedEvent>()
  expectTypeOf<Node['publish']>().returns.resolves.toEqualTypeOf<readonly Meta[]>()
  expectTypeOf<Node['query']>().returns.toEqualTypeOf<AsyncIterable<Event>>()
  expectTypeOf<Node['subscribe']>().returns.toEqualTypeOf<() => void>()
})

test('a subscriber answers all three calls, and may take its time over events', () => {
  expectTypeOf<Subscriber['events']>().returns.toEqualTypeOf<void | Promise<void>>()
  expectTypeOf<Pick<Subscriber, 'events' | 'timeTravel'>>().not.toExtend<Subscriber>()
})

test('offset maps go in and out as plain records', () => {
  expectTypeOf<OffsetMap>().toEqualTypeOf<Readonly<Record<StreamId, Offset>>>()
  expectTypeOf(millpond.copiesOfOwn).parameters.toEqualTypeOf<[NodeStatus]>()
  expectTypeOf<ReturnType<typeof millpond.tags>>().toExtend<Where>()
  expectTypeOf<Local['range']>().returns.resolves.toEqualTypeOf<readonly (readonly [string, Uint8Array])[]>()
})
