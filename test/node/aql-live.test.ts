import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { JsonValue } from '../../src/core/json.ts'
import type { OffsetMap } from '../../src/core/offset-map.ts'
import { aql } from '../../src/node/aql.ts'
import { createSubscriptions } from '../../src/node/subscriptions.ts'
import { valueKey, type Value } from '../../src/query/value.ts'
import type { Answer } from '../../src/query/answer.ts'
import { createReaderTwin, streamOf, turns } from './reader-twin.ts'

const common = { nowMicros: () => 1_000_000, appId: 'app' }

const open = () => {
  const twin = createReaderTwin()
  const timers = new Set<() => void>()
  const after = (_: number, call: () => void) => {
    timers.add(call)
    return () => timers.delete(call)
  }
  const subscriptions = createSubscriptions(twin.reader, { isBehind: () => false, after })
  /** Lets time pass until nothing waits for it. */
  const quiet = async () => {
    await turns()
    while (timers.size > 0) {
      for (const timer of timers) timer()
      await turns()
    }
    await turns()
  }
  const grow = async () => {
    subscriptions.grown()
    await turns()
  }
  const ask = async (text: string) => {
    const answers: Answer[] = []
    for await (const answer of aql.runAql({ ...common, reader: twin.reader }, text, {})) answers.push(answer)
    return answers
  }
  const followed = (text: string, lowerBound: OffsetMap = {}) => {
    const seen = { answers: [] as Answer[], failed: [] as string[] }
    const stop = aql.followAql({ ...common, subscriptions }, text, { answers: (answers) => void seen.answers.push(...answers), failed: (error) => seen.failed.push(error.message) }, { lowerBound })
    return { ...seen, stop }
  }
  return { ...twin, grow, quiet, ask, followed }
}

const short = (answers: readonly Answer[]) =>
  answers.flatMap((answer): JsonValue[] => (answer.type === 'event' ? [answer.payload] : answer.type === 'antiEvent' ? [['not', answer.payload]] : answer.type === 'offsets' ? [] : [answer.type]))

/** What the answers add up to, as sorted texts with origins. */
const sumOf = (answers: readonly Answer[]): readonly string[] => {
  const counts = new Map<string, number>()
  for (const answer of answers) {
    if (answer.type === 'reset') counts.clear()
    if (answer.type !== 'event' && answer.type !== 'antiEvent') continue
    const key = `${valueKey(answer.payload as Value)} ${JSON.stringify(answer.origin)}`
    counts.set(key, (counts.get(key) ?? 0) + (answer.type === 'event' ? 1 : -1))
  }
  return [...counts].flatMap(([key, count]) => (count < 0 ? [`negative ${key}`] : Array.from({ length: count }, () => key))).toSorted()
}

const [own, other] = [streamOf(0), streamOf(1)]

test('[G5] a live aggregate takes back what it said and says anew, without reading history again', async () => {
  const { add, grow, followed, counts } = open()
  add(own, 10, ['x'], 1)
  const { answers } = followed("FROM 'x' AGGREGATE SUM(_)")
  await turns()
  expect(short(answers)).toEqual([1])
  const before = counts.events
  add(other, 5, ['x'], 2)
  await grow()
  add(own, 11, ['y'], 100)
  await grow()
  expect(short(answers)).toEqual([1, ['not', 1], 3])
  expect(counts.events - before).toBe(2)
})

test('[G5] answers that tell of all that is present end with its offsets; from there on nothing is missed and nothing comes twice', async () => {
  const { add, grow, followed } = open()
  for (let at = 1; at <= 3; at++) add(own, at, ['x'], at)
  add(other, 2, ['y'], 'y')
  const { answers, stop } = followed("FROM 'x'")
  await turns()
  expect(answers.map(({ type }) => type)).toEqual(['event', 'event', 'event', 'offsets'])
  expect(answers.at(-1)).toEqual({ type: 'offsets', offsets: { [own]: 2, [other]: 0 } })
  add(other, 9, ['x'], 'late')
  await grow()
  const last = answers.at(-1)
  expect(last).toEqual({ type: 'offsets', offsets: { [own]: 2, [other]: 1 } })
  stop()
  add(own, 20, ['x'], 20)
  const again = followed("FROM 'x'", last?.type === 'offsets' ? last.offsets : {})
  await turns()
  expect(short(again.answers)).toEqual([20])
})

test('[G5] GROUP BY is kept current group by group', async () => {
  const { add, grow, followed } = open()
  add(own, 1, ['x'], { machine: 1, n: 1 })
  const { answers } = followed("FROM 'x' GROUP BY _.machine AGGREGATE [_, SUM(_.n)]")
  await turns()
  add(own, 2, ['x'], { machine: 2, n: 5 })
  await grow()
  add(own, 3, ['x'], { machine: 1, n: 2 })
  await grow()
  expect(short(answers)).toEqual([[1, 1], [2, 5], ['not', [1, 1]], [1, 3]])
})

test('[G5] LIMIT takes back what a late event has displaced', async () => {
  const { add, grow, quiet, followed } = open()
  add(own, 10, ['x'], 'a')
  add(own, 11, ['x'], 'b')
  const { answers } = followed("FROM 'x' LIMIT 2")
  await turns()
  add(other, 5, ['x'], 'early')
  await grow()
  await quiet()
  expect(short(answers)).toEqual(['a', 'b', ['not', 'b'], 'early'])
})

test('[G3] what is no longer held is taken back, or all is given again', async () => {
  const { add, lose, grow, followed } = open()
  for (let at = 1; at <= 3; at++) add(own, at, ['x'], at)
  const [sum, plain] = [followed("FROM 'x' AGGREGATE SUM(_)"), followed("FROM 'x'")]
  await turns()
  lose(own, 2)
  await grow()
  expect(short(sum.answers)).toEqual([6, ['not', 6], 3])
  expect(short(plain.answers)).toEqual([1, 2, 3, 'reset', 1, 2])
})

test('[G6] what cannot be kept up to date is refused with its reason, never within the call', async () => {
  const { followed, add, grow } = open()
  const check = async (text: string, message: string) => {
    const { failed } = followed(text)
    expect(failed).toEqual([])
    await turns()
    expect(failed).toEqual([expect.stringContaining(message)])
  }
  await check('FROM [1]', 'AQL-LIVE: FROM an array')
  await check("FROM 'x' SELECT FROM 'y' END", 'AQL-LIVE: sub-queries')
  await check("FROM 'x' ORDER DESC LIMIT 1", 'AQL-LIVE: the newest ones')
  await check("EXPLAIN FROM 'x'", 'AQL-LIVE: EXPLAIN')
  await check("PRAGMA events\nENDPRAGMA\nFROM 'x'", 'AQL-LIVE: PRAGMA events')
  await check("FROM 'x' SELEC", 'AQL-SYNTAX: line 1, column 10')
  await check('FROM `{x}`', 'AQL-TAG')
  const stopped = followed('nonsense')
  stopped.stop()
  await turns()
  expect(stopped.failed).toEqual([])
  // MAX cannot take the first sum back.
  add(own, 1, ['x'], 1)
  const chained = followed("FROM 'x' AGGREGATE SUM(_) AGGREGATE MAX(_)")
  await turns()
  expect(short(chained.answers)).toEqual([1])
  add(own, 2, ['x'], 1)
  await grow()
  expect(chained.failed).toEqual([expect.stringContaining('AQL-FAILED: MAX cannot take a value back')])
})

test('[G6] a step without a value is an answer, and the rest goes on', async () => {
  const { add, followed } = open()
  add(own, 1, ['x'], 1)
  add(own, 2, ['x'], { a: 2 })
  const { answers } = followed("FROM 'x' SELECT _.a")
  await turns()
  expect(answers).toMatchObject([{ type: 'diagnostic', severity: 'warning', message: expect.stringContaining('property `a` not found in Number') }, { type: 'event', payload: 2 }, { type: 'offsets' }])
})

const queries = [
  'FROM allEvents', "FROM 'a' & 'b' | 'c'", "FROM 'a' FILTER _.n > 2 SELECT _.n, _.m", "FROM isLocal & TIME > 1970-01-01T00:00:00.005Z LET x := _.n SELECT x ?? 'none'",
  "FROM 'a' AGGREGATE SUM(_.n)", "FROM 'a' AGGREGATE PRODUCT(_.m)", "FROM allEvents AGGREGATE { first: FIRST(_), last: LAST(_), least: MIN(_.m), most: MAX(_.m) }",
  "FROM 'b' AGGREGATE [SUM(_.m), COUNT(_.n), DISTINCT(_.n)]", "FROM allEvents GROUP BY _.n AGGREGATE [_, SUM(_.m), COUNT(_), FIRST(_.m)]", "FROM 'a' | 'b' GROUP BY _.n AGGREGATE SUM(_.m) FILTER _ > 1 SELECT _ * 2",
  "FROM 'a' LIMIT 3", "FROM allEvents FILTER _.n < 3 LIMIT 4 SELECT _.m", "FROM allEvents LIMIT 5 AGGREGATE SUM(_.m)", 'FROM KEY > 7 & KEY <= 20 AGGREGATE COUNT(_)', "FROM 'c' AGGREGATE LAST(_.n)",
]

test('[G3] [G5] whatever order events come in, live results end equal to a query over all of them', async () => {
  const event = fc.record({ stream: fc.nat(3), step: fc.integer({ min: 1, max: 4 }), tags: fc.subarray(['a', 'b', 'c']), n: fc.nat(4), m: fc.constantFrom(0.1, 0.2, 0.3, 1e16, 3, 0, -2.5) })
  const action = fc.oneof({ weight: 6, arbitrary: event }, { weight: 2, arbitrary: fc.constant('grow' as const) }, { weight: 1, arbitrary: fc.record({ lose: fc.nat(3), share: fc.double({ min: 0, max: 1, noNaN: true }) }) })
  await fc.assert(
    fc.asyncProperty(fc.array(action, { maxLength: 40 }), fc.nat(20), async (actions, from) => {
      const { add, lose, all, grow, quiet, ask, followed } = open()
      const lamports = new Map<number, number>()
      let live: ReturnType<typeof followed>[] = []
      for (const [at, next] of actions.entries()) {
        if (at === from) live = queries.map((text) => followed(text))
        if (next === 'grow') await grow()
        else if ('lose' in next) {
          const stream = streamOf(next.lose)
          lose(stream, Math.floor(all().filter(({ meta }) => meta.stream === stream).length * next.share))
          lamports.set(next.lose, all().findLast(({ meta }) => meta.stream === stream)?.meta.lamport ?? 0)
          await grow()
        } else {
          const lamport = (lamports.get(next.stream) ?? 0) + next.step
          lamports.set(next.stream, lamport)
          add(streamOf(next.stream), lamport, next.tags, { n: next.n, m: next.m })
        }
      }
      if (live.length === 0) live = queries.map((text) => followed(text))
      await grow()
      await quiet()
      for (const [at, query] of queries.entries()) {
        expect(live[at]?.failed).toEqual([])
        expect([query, ...sumOf(live[at]?.answers ?? [])]).toEqual([query, ...sumOf(await ask(query))])
      }
    }),
    { numRuns: 60 },
  )
})
