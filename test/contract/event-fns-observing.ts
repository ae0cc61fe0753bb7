import { expect } from 'vitest'
import type { ActyxEvent } from '../../src/actyx/actyx.ts'
import { actyxOf } from '../../src/actyx/actyx.ts'
import { heal, say, sayApart, type EventFnsCase } from './event-fns.contract.ts'

export const observingCases: readonly EventFnsCase[] = [
  {
    rule: 'C27',
    title: 'the earliest, the latest and the best are told, and each that replaces them',
    run: async (world) => {
      const { actyx, until, settle } = world
      const told: Record<string, unknown[]> = { earliest: [], latest: [], best: [], beyond: [], first: [] }
      const hear = (name: string) => (event: unknown) => void told[name]?.push(event)
      const all = () => {
        actyx.observeEarliest({ query: "'x'" }, hear('earliest'))
        actyx.observeLatest({ query: "'x'" }, hear('latest'))
        actyx.observeBestMatch("'x'", (a: ActyxEvent<number>, b: ActyxEvent<number>) => a.payload > b.payload, hear('best'))
        actyx.observeLatest({ query: "'x'", eventOrder: 'timestamp' }, hear('first'))
      }
      all()
      await settle()
      expect(told).toEqual({ earliest: [], latest: [], best: [], beyond: [], first: [] })
      await say(actyx, 'x', 5)
      await until(() => told['best']?.length === 1 && told['first']?.length === 1)
      await say(actyx, 'x', 9, 2)
      await until(() => told['latest']?.at(-1) === 2 && told['first']?.at(-1) === 2 && told['best']?.at(-1) === 9)
      expect(told['earliest']).toEqual([5])
      // Begun now, the present best comes first, and alone.
      for (const name of Object.keys(told)) told[name] = []
      all()
      actyx.observeEarliest({ query: "'x'", lowerBound: await actyx.present() }, hear('beyond'))
      await until(() => Object.values(told).filter((payloads) => payloads.length === 1).length === 4)
      expect(told).toEqual({ earliest: [5], latest: [2], best: [9], beyond: [], first: [2] })
      await sayApart(world, 'x', [3, 1], [7])
      await until(() => told['latest']?.at(-1) === 1 && told['beyond']?.length === 1)
      await heal(world)
      const order = (await actyx.queryAllKnown({ query: "'x'" })).events.map(({ payload }) => payload)
      const expected = order.indexOf(7) < order.indexOf(3) ? [3, 7] : [3]
      await until(() => told['beyond']?.length === expected.length)
      await settle()
      expect(told['beyond']).toEqual(expected)
      expect(told['best']).toEqual([9])
    },
  },
  {
    rule: 'C27',
    title: 'an event that sorts before the earliest replaces it, whenever it comes',
    run: async (world) => {
      const { actyx, link, until } = world
      const told: unknown[] = []
      await sayApart(world, 'y', [0, 0], [0])
      await say(world.other, 'x', 'a')
      await say(actyx, 'x', 'b', 'c')
      actyx.observeEarliest({ query: "'x'" }, (event) => void told.push(event))
      await until(() => told.length === 1)
      link.heal()
      await until(() => told.length === 2)
      expect(told).toEqual(['b', 'a'])
    },
  },
  {
    rule: 'C28',
    title: 'a reduction tells its initial value, then once for each chunk',
    run: async (world) => {
      const { actyx, link, until, settle } = world
      const told: number[] = []
      actyx.observeUnorderedReduce("'x'", (sum: number, event: number) => sum + event, 0, (sum) => void told.push(sum))
      await until(() => told.length === 1)
      await actyx.publish(Array.from({ length: 100 }, () => ({ tags: ['x'], event: 1 })))
      await until(() => told.length === 2)
      await actyx.publish({ tags: ['y'], event: 1 })
      await sayApart(world, 'x', [10], [1_000])
      await until(() => told.at(-1) === 110)
      link.heal()
      await until(() => told.at(-1) === 1_110)
      await settle()
      expect(told).toEqual([0, 100, 110, 1_110])
    },
  },
  {
    rule: 'C31',
    title: 'what others hold and this node does not is counted',
    run: async (world) => {
      const { actyx, other, link, until } = world
      await say(actyx, 'x', 1)
      await until(async () => Object.keys(await other.present()).length === 1)
      expect(await actyx.offsets()).toEqual({ present: await actyx.present(), toReplicate: {} })
      link.cut()
      await say(other, 'x', 'a', 'b')
      // Nothing is known of it: it is cut off.
      expect((await actyx.offsets()).toReplicate).toEqual({})
      await heal(world)
      expect(await actyx.offsets()).toEqual({ present: await other.present(), toReplicate: {} })
    },
  },
  {
    rule: 'C32',
    title: 'disposing stops what was begun there, and the node goes on',
    run: async ({ node, actyx, until, settle }) => {
      const another = actyxOf(node, { appId: 'com.example.another' })
      const told: unknown[] = []
      const errors: string[] = []
      another.subscribe({}, ({ payload }) => void told.push(['another', payload]), () => void errors.push('ended'))
      another.observeLatest({ query: 'allEvents' }, (event) => void told.push(['another', event]), () => void errors.push('ended'))
      actyx.subscribe({}, ({ payload }) => void told.push(payload))
      await settle()
      another.dispose()
      await say(actyx, 'x', 1)
      await until(() => told.length === 1)
      await settle()
      expect([told, errors]).toEqual([[1], []])
      for (const call of [() => another.publish({ tags: [], event: 1 }), another.present, () => another.queryAllKnown({}), () => another.queryAql('FROM allEvents'), () => another.nodeInfo(0), another.waitForSync]) {
        await expect(call()).rejects.toThrow(/^ACTYX-DISPOSED: /)
      }
      another.subscribe({}, () => undefined, (error) => errors.push((error as Error).message))
      await until(() => errors.length === 1)
      expect(errors[0]).toMatch(/^ACTYX-DISPOSED: /)
    },
  },
  {
    rule: 'C34',
    title: 'snapshots are kept, the newest is given back, and they are dropped by key and by version',
    run: async ({ actyx }) => {
      const { storeSnapshot, retrieveSnapshot, invalidateSnapshots, invalidateAllSnapshots } = actyx.snapshotStore
      const key = (lamport: number) => ({ lamport, stream: 'a', offset: lamport })
      const store = (lamport: number, version: number, tag: string, name = 'one') => storeSnapshot('fish', name, key(lamport), { a: lamport }, undefined, lamport, version, tag, `state ${lamport}`)
      expect(await retrieveSnapshot('fish', 'one', 1)).toBeUndefined()
      for (const [lamport, tag] of [[5, 'hour'], [9, 'day'], [7, 'month']] as const) expect(await store(lamport, 1, tag)).toBe(true)
      expect(await store(3, 1, 'hour', 'one/two')).toBe(true)
      expect(await retrieveSnapshot('fish', 'one', 1)).toEqual({ state: 'state 9', offsets: { a: 9 }, eventKey: key(9), horizon: undefined, cycle: 9 })
      await store(8, 1, 'day')
      expect((await retrieveSnapshot('fish', 'one', 1))?.cycle).toBe(8)
      await invalidateSnapshots('fish', 'one', key(7))
      expect((await retrieveSnapshot('fish', 'one', 1))?.cycle).toBe(5)
      expect(await store(10, 2, 'hour')).toBe(true)
      expect(await retrieveSnapshot('fish', 'one', 1)).toBeUndefined()
      expect(await store(11, 1, 'hour')).toBe(false)
      expect((await retrieveSnapshot('fish', 'one/two', 1))?.cycle).toBe(3)
      await invalidateAllSnapshots()
      expect(await retrieveSnapshot('fish', 'one', 2)).toBeUndefined()
      expect(await retrieveSnapshot('fish', 'one/two', 1)).toBeUndefined()
    },
  },
]
