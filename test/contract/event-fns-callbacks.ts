import { expect } from 'vitest'
import type { Actyx } from '../../src/actyx/actyx.ts'
import { gate, payloadsOf, say, type EventFnsCase } from './event-fns.contract.ts'

type Heard = (what: unknown) => Promise<void> | void

/** Everything that calls back, in one form; `heard` is told of each call. */
const forms = (actyx: Actyx, ended: (error?: unknown) => void): readonly (readonly [string, (heard: Heard) => () => void])[] => [
  ['queryKnownRangeChunked', (heard) => {
    let cancel = () => {}
    let isCancelled = false
    actyx.present().then((upperBound) => {
      if (!isCancelled) cancel = actyx.queryKnownRangeChunked({ query: "'x'", upperBound }, 1, heard, ended)
    }, ended)
    return () => {
      isCancelled = true
      cancel()
    }
  }],
  ['queryAllKnownChunked', (heard) => actyx.queryAllKnownChunked({ query: "'x'" }, 1, heard, ended)],
  ['queryAqlChunked', (heard) => actyx.queryAqlChunked("FROM 'x'", 1, heard, ended)],
  ['subscribeAql', (heard) => actyx.subscribeAql("FROM 'x'", heard, ended)],
  ['subscribe', (heard) => actyx.subscribe({ query: "'x'" }, heard, ended)],
  ['subscribeChunked', (heard) => actyx.subscribeChunked({ query: "'x'" }, { maxChunkSize: 1 }, heard, ended)],
  ['subscribeMonotonic', (heard) => actyx.subscribeMonotonic({ sessionId: '', query: "'x'" }, heard, ended)],
  ['observeEarliest', (heard) => actyx.observeEarliest({ query: "'x'" }, (event) => void heard(event), ended)],
  ['observeLatest', (heard) => actyx.observeLatest({ query: "'x'" }, (event) => void heard(event), ended)],
  ['observeBestMatch', (heard) => actyx.observeBestMatch("'x'", () => true, (event) => void heard(event), ended)],
  ['observeUnorderedReduce', (heard) => actyx.observeUnorderedReduce("'x'", (count: number) => count + 1, 0, (count) => void heard(count), ended)],
]
const live = /^(subscribe|observe)/

export const callbackCases: readonly EventFnsCase[] = [
  {
    rule: 'C1',
    title: 'no callback comes within the call, neither of an event nor of an error',
    run: async ({ actyx, until }) => {
      await say(actyx, 'x', 1)
      const heard = new Set<string>()
      const all = forms(actyx, () => undefined)
      for (const [name, begin] of all) {
        begin(() => void heard.add(name))
        expect(heard.has(name)).toBe(false)
      }
      await until(() => heard.size === all.length)
      let isFailed = false
      actyx.subscribe({ query: '&' }, () => undefined, () => (isFailed = true))
      expect(isFailed).toBe(false)
      await until(() => isFailed)
    },
  },
  {
    rule: 'C2',
    title: 'callbacks do not overlap, and wait for the promise of the one before, in order',
    run: async ({ actyx, until, settle }) => {
      await say(actyx, 'x', 1, 2, 3)
      for (const [name, begin] of forms(actyx, () => undefined).filter(([form]) => !form.startsWith('observe'))) {
        let underWay = 0
        let [most, calls] = [0, 0]
        let wait = gate()
        const cancel = begin(async () => {
          calls++
          most = Math.max(most, ++underWay)
          await wait.opened
          underWay--
        })
        await until(() => calls === 1)
        await say(actyx, 'x', name)
        await settle()
        expect([name, calls]).toEqual([name, 1])
        const first = wait
        wait = gate()
        wait.open()
        first.open()
        await until(() => calls > 1)
        expect([name, most]).toEqual([name, 1])
        cancel()
      }
    },
  },
  {
    rule: 'C3',
    title: 'after cancelling nothing is called, not even when a callback was under way',
    run: async ({ actyx, until, settle }) => {
      await say(actyx, 'x', 1, 2)
      const ended: string[] = []
      for (const [name, begin] of forms(actyx, () => ended.push('ended'))) {
        let calls = 0
        const wait = gate()
        const cancel = begin(() => {
          calls++
          return wait.opened
        })
        await until(() => calls >= 1)
        const before = calls
        cancel()
        cancel()
        wait.open()
        await say(actyx, 'x', 3)
        await settle()
        expect([name, calls]).toEqual([name, before])
      }
      for (const [, begin] of forms(actyx, () => ended.push('ended')).filter(([name]) => name !== 'queryAllKnownChunked')) begin(() => void ended.push('called'))()
      await settle()
      // Observers cannot be held up: no query of theirs completes, so nothing may end.
      expect(ended).toEqual([])
    },
  },
  {
    rule: 'C4',
    title: 'a query of all that is known that is cancelled at once completes within the cancelling call, and only then',
    run: async ({ actyx, settle }) => {
      await say(actyx, 'x', 1)
      const ended: unknown[] = []
      const cancel = actyx.queryAllKnownChunked({}, 1, () => void ended.push('chunk'), (error) => ended.push(error))
      cancel()
      expect(ended).toEqual([undefined])
      cancel()
      await settle()
      expect(ended).toEqual([undefined])
    },
  },
  {
    rule: 'C5',
    title: 'a callback that throws ends its own subscription or query with that error, and nothing else',
    run: async ({ actyx, until }) => {
      await say(actyx, 'x', 1)
      const steady: unknown[] = []
      actyx.subscribe({ query: "'x'" }, ({ payload }) => void steady.push(payload))
      const errors: unknown[] = []
      const all = forms(actyx, (error) => errors.push(error))
      for (const [at, [name, begin]] of all.entries()) {
        const fault = new Error(name)
        begin(() => {
          throw fault
        })
        await until(() => errors.length === at + 1)
        expect(errors.at(-1)).toBe(fault)
      }
      for (const [name, begin] of all.filter(([form]) => !form.startsWith('observe'))) {
        const before = errors.length
        begin(() => Promise.reject(new TypeError(name)))
        await until(() => errors.length === before + 1)
        expect(errors.at(-1)).toEqual(new TypeError(name))
      }
      await say(actyx, 'x', 2)
      await until(() => steady.length === 2)
      expect(errors).toHaveLength(all.length + all.filter(([form]) => !form.startsWith('observe')).length)
    },
  },
  {
    rule: 'C6',
    title: 'a disk that fails for a while ends no live subscription',
    run: async ({ actyx, disk, until }) => {
      const ended: unknown[] = []
      const heard = new Map<string, unknown>()
      const all = forms(actyx, (error) => ended.push(error)).filter(([name]) => live.test(name))
      await say(actyx, 'x', 1)
      for (const [name, begin] of all) begin((what) => void heard.set(name, what))
      await until(() => heard.size === all.length)
      heard.clear()
      disk.fail()
      for (const [name, begin] of all) begin((what) => void heard.set(`${name}, begun meanwhile`, what))
      // Each of them has tried twice.
      await until(() => disk.refused() >= 2 * all.length)
      expect(heard.size).toBe(0)
      disk.mend()
      await say(actyx, 'x', 2)
      // The earliest stays the earliest.
      await until(() => heard.size === 2 * all.length - 1)
      expect(ended).toEqual([])
    },
  },
  {
    rule: 'C35',
    title: 'what one does to an event, no other sees',
    run: async ({ actyx, until }) => {
      const event = { list: [1], inner: { a: 1 } }
      await actyx.publish({ tags: ['x'], event: { ...event } })
      const seen: unknown[] = []
      const spoil = ({ payload, meta }: { payload: unknown; meta: { tags: string[] } }) => {
        seen.push(structuredClone({ payload, tags: meta.tags }))
        Object.assign(payload as object, { list: 'gone', more: true })
        meta.tags.push('more')
      }
      for (let at = 0; at < 3; at++) actyx.subscribe({ query: "'x'" }, spoil)
      await until(() => seen.length === 3)
      await actyx.publish({ tags: ['x'], event: { ...event } })
      await until(() => seen.length === 6)
      expect(seen).toEqual(Array.from({ length: 6 }, () => ({ payload: { list: [1], inner: { a: 1 } }, tags: ['x'] })))
      expect(payloadsOf(await actyx.queryKnownRange({ query: "'x'", upperBound: await actyx.present() }))).toHaveLength(2)
    },
  },
]
