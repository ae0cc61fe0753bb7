import { expect } from 'vitest'
import type { Actyx, EventChunk, EventKey, EventsOrTimetravel, FixedStart } from '../../src/actyx/actyx.ts'
import { gate, heal, payloadsOf, say, sayApart, type EventFnsCase } from './event-fns.contract.ts'

const streamOf = ({ nodeId }: Actyx) => `${nodeId}-0`

/** What a monotonic subscription tells, as short words: `1,2` events, `1,2!` caught up with them, `back`, `end`. */
const monotonic = (actyx: Actyx, attemptStartFrom?: FixedStart) => {
  const told: string[] = []
  const triggers: Extract<EventsOrTimetravel<unknown>, { type: 'timetravel' }>['trigger'][] = []
  const cancel = actyx.subscribeMonotonic({ sessionId: 'dummy', query: "'x'", ...(attemptStartFrom && { attemptStartFrom }) }, (message) => {
    if (message.type === 'timetravel') triggers.push(message.trigger)
    told.push(message.type === 'events' ? `${payloadsOf(message.events).join()}${message.caughtUp ? '!' : ''}` : 'back')
  }, (error) => told.push(error === undefined ? 'end' : 'failed'))
  return { told, triggers, cancel }
}

const keyOf = async (actyx: Actyx, payload: unknown): Promise<EventKey> => {
  const { events } = await actyx.queryAllKnown({ query: "'x'" })
  const event = events.find((one) => one.payload === payload)
  if (event === undefined) throw new Error(`nobody said ${String(payload)}`)
  return event.meta
}

export const subscriptionCases: readonly EventFnsCase[] = [
  {
    rule: 'C18',
    title: 'late events come as they come, each once, in sorted chunks whose bounds cover them',
    run: async (world) => {
      const { actyx, other, link, until } = world
      await say(actyx, 'x', 1, 2, 3)
      const single: unknown[] = []
      const chunks: EventChunk[] = []
      const seen = () => chunks.flatMap(({ events }) => payloadsOf(events))
      actyx.subscribe({ query: "'x'" }, ({ payload }) => void single.push(payload))
      actyx.subscribeChunked({ query: "'x'", lowerBound: { [streamOf(actyx)]: 0 } }, { maxChunkSize: 2 }, (chunk) => void chunks.push(chunk))
      await until(() => single.length === 3 && chunks.length === 1)
      await sayApart(world, 'x', [4, 5], ['a'])
      await until(() => seen().length === 4)
      link.heal()
      await until(() => seen().length === 5)
      await say(other, 'x', 'b')
      await until(() => seen().length === 6 && single.length === 7)
      expect(single).toEqual([1, 2, 3, 4, 5, 'a', 'b'])
      expect(seen()).toEqual([2, 3, 4, 5, 'a', 'b'])
      let bound: Record<string, number> = { [streamOf(actyx)]: 0 }
      for (const { events, lowerBound, upperBound } of chunks) {
        expect(events.length).toBeLessThanOrEqual(2)
        const ids = events.map(({ meta }) => meta.eventId)
        expect(ids).toEqual(ids.toSorted())
        expect(lowerBound).toEqual(bound)
        bound = { ...bound, ...Object.fromEntries(events.map(({ meta }) => [meta.stream, meta.offset])) }
        expect(upperBound).toEqual(bound)
      }
    },
  },
  {
    rule: 'C19',
    title: 'the first message comes though nothing matches, and says that it has caught up',
    run: async ({ actyx, until }) => {
      const nothing = monotonic(actyx)
      await until(() => nothing.told.length > 0)
      await actyx.publish({ tags: ['y'], event: 1 })
      const other = monotonic(actyx, { from: {}, latestEventKey: { lamport: 0, stream: '!', offset: 0 } })
      await until(() => other.told.length > 0)
      await say(actyx, 'x', 1)
      await until(() => nothing.told.length > 1)
      expect([nothing.told, other.told[0]]).toEqual([['!', '1!'], '!'])
    },
  },
  {
    rule: 'C20',
    title: 'of many chunks only the last says that it has caught up',
    run: async ({ actyx, until, settle }) => {
      await actyx.publish(Array.from({ length: 1_200 }, (_, at) => ({ tags: ['x'], event: at })))
      const told: (readonly [number, boolean])[] = []
      actyx.subscribeMonotonic({ sessionId: '', query: "'x'" }, (message) => {
        if (message.type === 'events') told.push([message.events.length, message.caughtUp])
      })
      await until(() => told.some(([, caughtUp]) => caughtUp))
      await settle()
      expect(told.reduce((sum, [length]) => sum + length, 0)).toBe(1_200)
      expect(told.length).toBeGreaterThan(1)
      expect(told.map(([, caughtUp]) => caughtUp)).toEqual(told.map((_, at) => at === told.length - 1))
    },
  },
  {
    rule: 'C21',
    title: 'a late event is time travel, then the end, then nothing',
    run: async (world) => {
      const { actyx, link, until, settle } = world
      await say(actyx, 'x', 1)
      const { told } = monotonic(actyx)
      await until(() => told.length === 1)
      await sayApart(world, 'x', [2, 3], ['a'])
      await until(() => told.at(-1)?.includes('3') === true)
      link.heal()
      await until(() => told.includes('end'))
      await say(actyx, 'x', 4)
      await settle()
      expect(told.slice(-2)).toEqual(['back', 'end'])
      expect(told.slice(0, -2).join().replaceAll('!', '')).toBe('1,2,3')
    },
  },
  {
    rule: 'C22',
    title: 'the trigger is the first that was not given, as a key and as an event',
    run: async (world) => {
      const { actyx, link, until } = world
      await say(actyx, 'x', 1)
      const { told, triggers } = monotonic(actyx)
      await until(() => told.length === 1)
      await sayApart(world, 'x', [2, 3, 4, 5], ['a', 'b', 'c'])
      await until(() => told.join().includes('5'))
      link.heal()
      await until(() => told.includes('end'))
      const key = await keyOf(actyx, 'a')
      expect(triggers).toMatchObject([{ lamport: key.lamport, stream: key.stream, offset: key.offset, payload: 'a', meta: { lamport: key.lamport, stream: key.stream, offset: key.offset, tags: ['x'] } }])
    },
  },
  {
    rule: 'C23',
    title: 'a start that an event has overtaken is told at once; one that holds goes on from there',
    run: async (world) => {
      const { actyx, until } = world
      await say(actyx, 'x', 1)
      await sayApart(world, 'x', [2, 3], ['a'])
      const from = await actyx.present()
      const latestEventKey = await keyOf(actyx, 3)
      const holds = monotonic(actyx, { from, latestEventKey })
      await until(() => holds.told.length === 1)
      expect(holds.told).toEqual(['!'])
      holds.cancel()
      await heal(world)
      const broken = monotonic(actyx, { from, latestEventKey })
      await until(() => broken.told.includes('end'))
      expect(broken.told).toEqual(['back', 'end'])
      expect(broken.triggers[0]?.payload).toBe('a')
      const horizon = await keyOf(actyx, 3)
      const above = monotonic(actyx, { from, latestEventKey: { lamport: 0, stream: '!', offset: 0 }, horizon })
      const [, whole] = [await until(() => above.told.length === 1), monotonic(actyx, { from: {}, latestEventKey: { lamport: 0, stream: '!', offset: 0 }, horizon })]
      await until(() => whole.told.length === 1)
      expect([above.told, whole.told]).toEqual([['!'], ['3!']])
    },
  },
  {
    rule: 'C23',
    title: 'an event before the start that comes later is time travel too',
    run: async (world) => {
      const { actyx, link, until } = world
      await say(actyx, 'x', 1)
      await sayApart(world, 'x', [2, 3], ['a'])
      const { told, triggers } = monotonic(actyx, { from: await actyx.present(), latestEventKey: await keyOf(actyx, 3) })
      await until(() => told.length === 1)
      link.heal()
      await until(() => told.includes('end'))
      expect(told).toEqual(['!', 'back', 'end'])
      expect(triggers[0]?.payload).toBe('a')
    },
  },
  {
    rule: 'C24',
    title: 'what comes back after an absence in many parts is one time travel',
    run: async (world) => {
      const { actyx, other, link, until } = world
      await say(actyx, 'x', 'first')
      const travels: unknown[] = []
      let given: unknown[] = []
      const begin = (): void => {
        given = []
        actyx.subscribeMonotonic({ sessionId: '', query: "'x'" }, (message) => {
          if (message.type === 'events') given.push(...payloadsOf(message.events))
          else travels.push(message.trigger.payload)
        }, begin)
      }
      begin()
      await until(() => given.length === 1)
      await sayApart(world, 'x', Array.from({ length: 30 }, (_, at) => at), ['a'])
      for (let at = 0; at < 20; at++) await other.publish(Array.from({ length: 100 }, (_, part) => ({ tags: ['x'], event: `${at}.${part} ${'x'.repeat(200)}` })))
      await until(() => given.length === 31)
      link.heal()
      await until(() => given.length === 2_032)
      expect(travels).toEqual(['a'])
    },
  },
  {
    rule: 'C25',
    title: 'cancelled and begun anew within the message of time travel, the old end does not come',
    run: async (world) => {
      const { actyx, link, until, settle } = world
      await say(actyx, 'x', 1)
      const told: string[] = []
      const begin = (name: string) => {
        const cancel = actyx.subscribeMonotonic({ sessionId: '', query: "'x'" }, (message) => {
          if (message.type === 'events') return void told.push(`${name} ${payloadsOf(message.events).join()}`)
          told.push(`${name} back`)
          cancel()
          begin('new')
          return undefined
        }, () => told.push(`${name} end`))
      }
      begin('old')
      await until(() => told.length === 1)
      await sayApart(world, 'x', [2], ['a', 'b'].slice(0, 1))
      await say(actyx, 'x', 3)
      await until(() => told.join().includes('3'))
      link.heal()
      await until(() => told.some((text) => text.startsWith('new')))
      await settle()
      expect(told.filter((text) => text.endsWith('end'))).toEqual([])
      expect(told.at(-1)).toMatch(/^new (1,a,2,3|1,2,a,3)$/)
    },
  },
  {
    rule: 'C26',
    title: 'publishes come apart when the one before was given',
    run: async ({ actyx, until }) => {
      const { told } = monotonic(actyx)
      await until(() => told.length === 1)
      for (let at = 1; at <= 3; at++) {
        await say(actyx, 'x', at)
        await until(() => told.length === at + 1)
      }
      expect(told).toEqual(['!', '1!', '2!', '3!'])
    },
  },
  {
    rule: 'C2',
    title: 'while a callback waits, what comes waits too, and nothing is lost',
    run: async ({ actyx, until, settle }) => {
      const wait = gate()
      const told: unknown[] = []
      actyx.subscribeMonotonic({ sessionId: '', query: "'x'" }, (message) => {
        if (message.type === 'events') told.push(...payloadsOf(message.events))
        return wait.opened
      })
      await settle()
      for (let at = 0; at < 12; at++) await actyx.publish(Array.from({ length: 100 }, (_, part) => ({ tags: ['x'], event: at * 100 + part })))
      await settle()
      expect(told).toEqual([])
      wait.open()
      await until(() => told.length === 1_200)
      expect(told).toEqual(Array.from({ length: 1_200 }, (_, at) => at))
    },
  },
]
