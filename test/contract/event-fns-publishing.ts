import { expect } from 'vitest'
import type { Metadata } from '../../src/actyx/actyx.ts'
import { payloadsOf, type EventFnsCase } from './event-fns.contract.ts'

const refusals: readonly (readonly [unknown, RegExp])[] = [
  [{ tags: ['x'], event: { at: [1n] } }, /^ACTYX-EVENT: event 1: JSON cannot say a bigint, at "0"$/],
  [{ tags: ['x'], event: () => 1 }, /^ACTYX-EVENT: event 1: JSON cannot say a function$/],
  [{ tags: ['x'], event: { call: () => 1 } }, /a function, at "call"$/],
  [{ tags: ['x'], event: { n: Number.NaN } }, /JSON cannot say NaN, at "n"$/],
  [{ tags: ['x'], event: [Infinity] }, /JSON cannot say Infinity, at "0"$/],
  [{ tags: ['x'], event: { m: new Map() } }, /a Map or a Set, at "m"$/],
  [{ tags: ['x'], event: undefined }, /it has no payload$/],
  [{ tags: ['x'] }, /it has no payload$/],
  [{ tags: ['x', 7], event: 1 }, /a tag is a text, not a number$/],
  [{ tags: [null], event: 1 }, /a tag is a text, not null$/],
  [{ tags: [''], event: 1 }, /a tag has 1 to 1024 bytes: ""$/],
  [{ tags: ['x'.repeat(1_025)], event: 1 }, /a tag has 1 to 1024 bytes/],
  [{ tags: 'x', event: 1 }, /its tags are a list of texts$/],
  [{ event: 1 }, /its tags are a list of texts$/],
  [null, /its tags are a list of texts$/],
  [{ tags: Array.from({ length: 257 }, (_, at) => String(at)), event: 1 }, /it has 257 tags, at most 256$/],
  [{ tags: ['x'], event: 'x'.repeat(200_000) }, /it has 200\d\d\d bytes, at most 1\d\d\d\d\d$/],
  [{ tags: ['x'], event: nested(70) }, /its payload is deeper than 61, or contains itself$/],
]

function nested(depth: number): unknown {
  return depth === 0 ? 1 : [nested(depth - 1)]
}

export const publishingCases: readonly EventFnsCase[] = [
  {
    rule: 'C7',
    title: 'publish gives the metadata in the order given, of one event its own',
    run: async ({ actyx }) => {
      const one = await actyx.publish({ tags: ['x', 'y'], event: 1 })
      expect(one).toMatchObject({ tags: ['x', 'y'], appId: 'com.example.app', stream: `${actyx.nodeId}-0`, isLocalEvent: true })
      expect(one.eventId).toBe(`${String(one.lamport).padStart(16, '0')}/${one.stream}`)
      expect(one.timestampAsDate().getTime()).toBe(Math.floor(one.timestampMicros / 1000))
      const many = await actyx.publish([{ tags: ['a'], event: 1 }, { tags: ['b'], event: 2 }, { tags: ['c'], event: 3 }])
      expect(many.map(({ tags, offset }) => [tags, offset])).toEqual([[['a'], one.offset + 1], [['b'], one.offset + 2], [['c'], one.offset + 3]])
      expect(many.map(({ lamport }) => lamport)).toEqual([1, 2, 3].map((step) => (many[0]?.lamport ?? 0) + step - 1))
      expect(await actyx.publish([])).toEqual([])
    },
  },
  {
    rule: 'C8',
    title: 'what was published comes to all own subscriptions, once',
    run: async ({ actyx, until, settle }) => {
      const seen: unknown[][] = [[], [], []]
      actyx.subscribe({}, ({ payload }) => void seen[0]?.push(payload))
      actyx.subscribeChunked({}, {}, ({ events }) => void seen[1]?.push(...payloadsOf(events)))
      actyx.subscribeMonotonic({ sessionId: '', query: 'allEvents' }, (message) => {
        if (message.type === 'events') seen[2]?.push(...payloadsOf(message.events))
      })
      await settle()
      for (let at = 0; at < 5; at++) await actyx.publish({ tags: ['x'], event: at })
      await until(() => seen.every((payloads) => payloads.length >= 5))
      await settle()
      expect(seen).toEqual([[0, 1, 2, 3, 4], [0, 1, 2, 3, 4], [0, 1, 2, 3, 4]])
    },
  },
  {
    rule: 'C9',
    title: 'calls that nobody awaits keep their order',
    run: async ({ actyx }) => {
      const big = Array.from({ length: 40 }, (_, at) => ({ tags: ['x'], event: `${at} ${'x'.repeat(8_000)}` }))
      const calls: Promise<unknown>[] = [actyx.publish({ tags: ['x'], event: 'first' }), actyx.publish(big), actyx.emit([{ tags: ['x'], event: 'emitted' }]).toPromise(), actyx.publish({ tags: ['x'], event: 'last' })]
      await Promise.all(calls)
      const { events } = await actyx.queryAllKnown({ query: "'x'" })
      expect(payloadsOf(events).map((payload) => String(payload).split(' ')[0])).toEqual(['first', ...big.map((_, at) => String(at)), 'emitted', 'last'])
    },
  },
  {
    rule: 'C10',
    title: 'more than a batch holds is published as several, in order, or not at all',
    run: async ({ actyx }) => {
      const events = Array.from({ length: 100 }, (_, at) => ({ tags: ['x'], event: { at, pad: 'ä'.repeat(2_000) } }))
      const metas = await actyx.publish(events)
      expect(metas.map(({ offset }) => offset)).toEqual(events.map((_, at) => (metas[0]?.offset ?? 0) + at))
      expect(payloadsOf((await actyx.queryAllKnown({ query: "'x'" })).events)).toEqual(events.map(({ event }) => event))
      const small = Array.from({ length: 70_000 }, () => ({ tags: [], event: 1 }))
      expect(new Set((await actyx.publish(small)).map(({ offset }) => offset)).size).toBe(70_000)
      const { [`${actyx.nodeId}-0`]: last } = await actyx.present()
      await expect(actyx.publish([...events, { tags: ['x'], event: 'x'.repeat(140_000) }])).rejects.toThrow(/^ACTYX-EVENT: event 100: /)
      expect((await actyx.present())[`${actyx.nodeId}-0`]).toBe(last)
    },
  },
  {
    rule: 'C11',
    title: 'a pending emission calls back once complete, later within the call',
    run: async ({ actyx, until }) => {
      const pending = actyx.emit([{ tags: ['x'], event: 1 }, { tags: ['x'], event: 2 }])
      const told: Metadata[][] = []
      pending.subscribe((metas) => told.push(metas))
      expect(told).toEqual([])
      await until(() => told.length === 1)
      pending.subscribe((metas) => told.push(metas))
      expect(told).toHaveLength(2)
      expect(told[1]).toEqual(told[0])
      expect((await pending.toPromise()).map(({ eventId }) => eventId)).toEqual(told[0]?.map(({ eventId }) => eventId))
      await expect(actyx.emit([{ tags: [''], event: 1 }]).toPromise()).rejects.toThrow('ACTYX-EVENT')
    },
  },
  {
    rule: 'C12',
    title: 'payloads come back as JSON writes them, tags in NFC',
    run: async ({ actyx }) => {
      const given = { at: new Date(0), left: undefined, list: [undefined, -0, 'ü\ud800'], own: { toJSON: () => ['told'] }, deep: nested(50) }
      await actyx.publish({ tags: ['cafe\u0301'], event: given })
      const { events: [event] } = await actyx.queryAllKnown({ query: "'caf\u00e9'" })
      expect(event?.payload).toEqual({ at: '1970-01-01T00:00:00.000Z', list: [null, 0, 'ü\ud800'], own: ['told'], deep: nested(50) })
      expect(Object.keys(event?.payload ?? {})).not.toContain('left')
      expect(event?.meta.tags).toEqual(['caf\u00e9'])
    },
  },
  {
    rule: 'C12',
    title: 'what cannot be published is refused with its place, and nothing is stored',
    run: async ({ actyx }) => {
      const before = await actyx.present()
      const cyclic: { self?: unknown } = {}
      cyclic.self = cyclic
      for (const [event, message] of [...refusals, [{ tags: ['x'], event: cyclic }, /cannot be written as JSON|contains itself/] as const]) {
        await expect(actyx.publish([{ tags: ['x'], event: 'good' }, event as never])).rejects.toThrow(message)
      }
      await expect(actyx.publish('x' as never)).rejects.toThrow('ACTYX-EVENT')
      expect(await actyx.present()).toEqual(before)
      await actyx.publish({ tags: ['x'], event: 'good' })
    },
  },
]
