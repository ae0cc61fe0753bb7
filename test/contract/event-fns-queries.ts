import { expect } from 'vitest'
import type { Actyx, EventChunk, RangeQuery } from '../../src/actyx/actyx.ts'
import { heal, payloadsOf, say, sayApart, type EventFnsCase, type EventFnsWorld } from './event-fns.contract.ts'

/** Chunks until the query completes. */
const chunksOf = (actyx: Actyx, query: RangeQuery, size: number) =>
  new Promise<readonly EventChunk[]>((resolve, reject) => {
    const chunks: EventChunk[] = []
    actyx.queryKnownRangeChunked(query, size, (chunk) => void chunks.push(chunk), (error) => (error === undefined ? resolve(chunks) : reject(error)))
  })

const streamOf = ({ nodeId }: Actyx) => `${nodeId}-0`

/** Two streams that are woven into each other: the own one says 1, 3, 5, the other 2, 4. */
const weave = async (world: EventFnsWorld) => {
  const { actyx, other, until } = world
  const speakers = [actyx, other]
  for (let at = 0; at < 5; at++) {
    await say(speakers[at % 2] ?? actyx, 'x', at + 1)
    for (const speaker of speakers) await until(async () => Object.values(await speaker.present()).reduce((sum, last) => sum + last + 1, 0) === at + 1)
  }
}

const badQueries: readonly (readonly [Partial<RangeQuery>, RegExp])[] = [
  [{ order: 'sideways' }, /^ACTYX-QUERY: the order is one of asc, desc, stream-asc, not sideways$/],
  [{ query: "'x' &" }, /^AQL-SYNTAX: line 1, column 6: /],
  [{ query: {} as never }, /^AQL-SYNTAX: line 1, column 1: /],
  [{ query: null as never }, /^ACTYX-QUERY: a query is told by `toString`/],
  [{ lowerBound: { nobody: 3 } }, /^ACTYX-QUERY: lowerBound names "nobody", which is no stream id$/],
  [{ lowerBound: 3 as never }, /^ACTYX-QUERY: lowerBound is an object of offsets/],
  [{ lowerBound: [] as never }, /^ACTYX-QUERY: lowerBound is an object of offsets/],
  [{ horizon: 'yesterday' }, /^ACTYX-QUERY: a horizon is an event id/],
]
const badOffsets: readonly unknown[] = [1.5, -2, Number.NaN, Infinity, '3', null, 2 ** 53]

export const queryCases: readonly EventFnsCase[] = [
  {
    rule: 'C13',
    title: 'ascending when no order is said, stream by stream, or the reverse',
    run: async (world) => {
      await weave(world)
      const { actyx, other } = world
      const upperBound = await actyx.present()
      const ask = async (order?: string) => payloadsOf(await actyx.queryKnownRange({ query: "'x'", upperBound, ...(order !== undefined && { order }) }))
      expect(await ask()).toEqual([1, 2, 3, 4, 5])
      expect(await ask('asc')).toEqual([1, 2, 3, 4, 5])
      expect(await ask('desc')).toEqual([5, 4, 3, 2, 1])
      expect(await ask('stream-asc')).toEqual(streamOf(actyx) < streamOf(other) ? [1, 3, 5, 2, 4] : [2, 4, 1, 3, 5])
      expect(payloadsOf((await actyx.queryAllKnown({ order: 'desc' })).events)).toEqual([5, 4, 3, 2, 1])
    },
  },
  {
    rule: 'C14',
    title: 'lower bounds are exclusive, upper ones inclusive; a stream that neither names has nothing',
    run: async (world) => {
      await weave(world)
      const { actyx, other } = world
      const [own, its] = [streamOf(actyx), streamOf(other)]
      const ask = async (lowerBound: Record<string, number>, upperBound: Record<string, number>) => payloadsOf(await actyx.queryKnownRange({ lowerBound, upperBound }))
      expect(await ask({}, { [own]: 2, [its]: 1 })).toEqual([1, 2, 3, 4, 5])
      expect(await ask({ [own]: 0 }, { [own]: 1 })).toEqual([3])
      expect(await ask({ [own]: 2 }, { [own]: 2, [its]: 0 })).toEqual([2])
      expect(await ask({ [own]: 2 }, { [own]: 1 })).toEqual([])
      expect(await ask({ [own]: -1 }, { [own]: 0, [its]: -1 })).toEqual([1])
      expect(await ask({}, {})).toEqual([])
    },
  },
  {
    rule: 'C14',
    title: 'what an answer covers, given as the lower bound of the next, gives each event exactly once',
    run: async ({ actyx }) => {
      const seen: unknown[] = []
      let lowerBound = {}
      for (let at = 0; at < 4; at++) {
        await say(actyx, at % 2 === 0 ? 'x' : 'y', at)
        const chunk = await actyx.queryAllKnown({ query: "'x'", lowerBound })
        expect(chunk.lowerBound).toEqual(lowerBound)
        seen.push(...payloadsOf(chunk.events))
        lowerBound = chunk.upperBound
      }
      expect(seen).toEqual([0, 2])
      expect(lowerBound).toEqual(await actyx.present())
    },
  },
  {
    rule: 'C15',
    title: 'chunks join, from below when ascending, from above when descending; without events there is none',
    run: async (world) => {
      await weave(world)
      const { actyx, other } = world
      const [own, its] = [streamOf(actyx), streamOf(other)]
      const upperBound = await actyx.present()
      const up = await chunksOf(actyx, { query: "'x'", upperBound }, 2)
      expect(up.map(({ events }) => payloadsOf(events))).toEqual([[1, 2], [3, 4], [5]])
      expect(up.map((chunk) => [chunk.lowerBound, chunk.upperBound])).toEqual([
        [{}, { [own]: 0, [its]: 0 }], [{ [own]: 0, [its]: 0 }, { [own]: 1, [its]: 1 }], [{ [own]: 1, [its]: 1 }, { [own]: 2, [its]: 1 }],
      ])
      const down = await chunksOf(actyx, { query: "'x'", upperBound, order: 'desc' }, 2)
      expect(down.map(({ events }) => payloadsOf(events))).toEqual([[5, 4], [3, 2], [1]])
      expect(down.map((chunk) => [chunk.lowerBound, chunk.upperBound])).toEqual([
        [{ [own]: 1, [its]: 0 }, { [own]: 2, [its]: 1 }], [{ [own]: 0 }, { [own]: 1, [its]: 0 }], [{}, { [own]: 0 }],
      ])
      // Each chunk says which part of the range it is.
      for (const { events, ...bounds } of [...up, ...down]) expect((await actyx.queryKnownRange({ query: "'x'", ...bounds })).map(({ payload }) => payload).toSorted()).toEqual(payloadsOf(events).toSorted())
      expect(await chunksOf(actyx, { query: "'nothing'", upperBound }, 2)).toEqual([])
    },
  },
  {
    rule: 'C16',
    title: 'events before the horizon are left out, the one at it is not',
    run: async (world) => {
      await weave(world)
      const { actyx } = world
      const { events } = await actyx.queryAllKnown({ query: "'x'" })
      const horizon = events[2]?.meta.eventId ?? ''
      expect(payloadsOf((await actyx.queryAllKnown({ query: "'x'", horizon })).events)).toEqual([3, 4, 5])
      expect(payloadsOf((await actyx.queryAllKnown({ query: "'x'", horizon: horizon.replace(/^0+/, ''), order: 'desc' })).events)).toEqual([5, 4, 3])
      const found: unknown[] = []
      await new Promise<void>((resolve) => actyx.queryAllKnownChunked({ query: "'x'", order: 'desc', horizon }, 1, ({ events: [event] }) => void found.push(event?.payload), () => resolve()))
      expect(found).toEqual([5, 4, 3])
    },
  },
  {
    rule: 'C17',
    title: 'what is no query is refused with the reason, to whoever asked',
    run: async ({ actyx }) => {
      await say(actyx, 'x', 1)
      const own = streamOf(actyx)
      const upperBound = await actyx.present()
      const wrong: readonly (readonly [Partial<RangeQuery>, RegExp])[] = [
        ...badQueries,
        ...badOffsets.map((offset) => [{ lowerBound: { [own]: offset as number } }, /^ACTYX-QUERY: lowerBound of stream .* an offset is a whole number/] as const),
        [{ upperBound: { [own]: 1 } }, /^ACTYX-BOUND: upperBound of stream .* is 1, and offset 0 is the last that is here$/],
        [{ upperBound: { [`${'A'.repeat(43)}-0`]: 0 } }, /^ACTYX-BOUND: upperBound of stream .* is 0, and nothing is the last/],
        [{ upperBound: undefined as never }, /^ACTYX-QUERY: a query of a known range has an upperBound$/],
      ]
      for (const [part, message] of wrong) {
        const query = { upperBound, ...part }
        await expect(actyx.queryKnownRange(query)).rejects.toThrow(message)
        await expect(chunksOf(actyx, query, 1)).rejects.toThrow(message)
        if (!('upperBound' in part)) await expect(actyx.queryAllKnown(part)).rejects.toThrow(message)
      }
      for (const size of [0, -1, 1.5, Number.NaN, '3']) await expect(chunksOf(actyx, { upperBound }, size as number)).rejects.toThrow(/^ACTYX-QUERY: chunkSize is a whole number from 1 on/)
      expect(payloadsOf(await actyx.queryKnownRange({ upperBound }))).toEqual([1])
    },
  },
  {
    rule: 'C17',
    title: 'what is no subscription is refused with the reason, to whoever asked',
    run: async ({ actyx, until }) => {
      const errors: string[] = []
      const failed = (error: unknown) => errors.push((error as Error).message)
      const never = () => void errors.push('called')
      actyx.subscribe({ query: "'x" }, never, failed)
      actyx.subscribe({ lowerBound: { nobody: 1 } }, never, failed)
      actyx.subscribeChunked({}, { maxChunkSize: 0 }, never, failed)
      actyx.subscribeMonotonic({ sessionId: '', query: "'x'", attemptStartFrom: { from: {}, latestEventKey: { lamport: -1, stream: '', offset: 0 } } }, never, failed)
      actyx.subscribeAql('FROM', never, failed)
      actyx.subscribeAql({ query: 7 as never }, never, failed)
      actyx.observeEarliest({ query: "'x'", eventOrder: 'size' }, never, failed)
      actyx.observeBestMatch("|'x'", () => true, never, failed)
      await until(() => errors.length === 8)
      expect(errors.map((message) => message.slice(0, message.indexOf(':')))).toEqual(expect.arrayContaining(['AQL-SYNTAX', 'ACTYX-QUERY']))
      expect(errors.filter((message) => message.startsWith('ACTYX-QUERY'))).toHaveLength(5)
    },
  },
  {
    rule: 'C29',
    title: 'AQL passes through, answers come wrapped',
    run: async ({ actyx }) => {
      const [first, second] = [await actyx.publish({ tags: ['x'], event: 1 }), await actyx.publish({ tags: ['x'], event: 2 })]
      await say(actyx, 'x', { n: 3 })
      const present = await actyx.present()
      const responses = await actyx.queryAql("FROM 'x' & appId(me) SELECT _ + 1")
      expect(responses).toMatchObject([
        { type: 'event', payload: 2, meta: { tags: ['x'], lamport: first.lamport, offset: 0 } }, { type: 'event', payload: 3 }, { type: 'diagnostic', severity: 'warning', message: expect.any(String) },
        { type: 'offsets', offsets: present },
      ])
      expect(await actyx.queryAql({ query: "FROM 'x' FILTER _ > 0", order: 'desc' })).toMatchObject([{ type: 'diagnostic' }, { payload: 2 }, { payload: 1 }, { type: 'offsets' }])
      expect(await actyx.queryAql("FROM 'x' FILTER IsDefined(_ + 1) AGGREGATE SUM(_)")).toMatchObject([{ type: 'event', payload: 3, meta: { lamport: second.lamport, offset: 1, tags: [], eventId: second.eventId } }, { type: 'offsets' }])
      expect(await actyx.queryAql('FROM [1]')).toMatchObject([{ type: 'event', payload: 1, meta: { lamport: 0, eventId: '', tags: [] } }, { type: 'offsets' }])
      expect(await actyx.queryAql("EXPLAIN FROM 'x'")).toMatchObject([{ type: 'explain', payload: { eventsRead: 3 } }])
      const chunks: number[] = []
      await new Promise<void>((resolve, reject) => actyx.queryAqlChunked("FROM 'x'", 3, (chunk) => void chunks.push(chunk.length), (error) => (error === undefined ? resolve() : reject(error))))
      expect(chunks).toEqual([3, 1])
      await expect(actyx.queryAql('FROM tags')).rejects.toThrow(/^AQL-SYNTAX: line 1, column 6/)
    },
  },
  {
    rule: 'C30',
    title: 'a subscription of AQL heeds its lower bound, tells offsets, and takes back',
    run: async (world) => {
      const { actyx, until, settle } = world
      await say(actyx, 'x', 1, 2)
      const lowerBound = { [streamOf(actyx)]: 0 }
      const [plain, sums, last]: unknown[][] = [[], [], []]
      const short = (into: unknown[] = []) => (response: { type: string; payload?: unknown; offsets?: unknown }) => void into.push(response.type === 'offsets' ? response.offsets : [response.type, response.payload])
      actyx.subscribeAql("FROM 'x'", short(plain), undefined, lowerBound)
      actyx.subscribeAql("FROM 'x' AGGREGATE SUM(_)", short(sums))
      actyx.subscribeAql("FROM 'x' AGGREGATE FIRST(_)", short(last))
      await until(() => plain?.length === 2 && sums?.length === 2 && last?.length === 2)
      expect(plain).toEqual([['event', 2], await actyx.present()])
      expect(sums).toEqual([['event', 3], await actyx.present()])
      await sayApart(world, 'x', [10], [20])
      await until(() => sums?.some((response) => Array.isArray(response) && response[1] === 13) === true)
      await heal(world)
      await until(() => sums?.some((response) => Array.isArray(response) && response[1] === 33) === true && plain?.some((response) => Array.isArray(response) && response[1] === 20) === true)
      await settle()
      expect(sums?.filter(Array.isArray)).toEqual([['event', 3], ['antiEvent', 3], ['event', 13], ['antiEvent', 13], ['event', 33]])
      expect(plain?.filter(Array.isArray)).toEqual([['event', 2], ['event', 10], ['event', 20]])
      expect(plain?.at(-1)).toEqual(await actyx.present())
    },
  },
]
