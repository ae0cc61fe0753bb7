import { expect, test } from 'vitest'
import { matches } from '../../src/core/where.ts'
import { QueryError } from '../../src/query/errors.ts'
import { parseProgram } from '../../src/query/parse.ts'
import { runProgram } from '../../src/query/program.ts'
import type { QueryStore } from '../../src/query/run.ts'
import { LiveQuery } from '../../src/query/live.ts'
import { valueKey, type Value } from '../../src/query/value.ts'
import { outcomeOf } from './vector-outcome.ts'
import { events, me, nowMicros, vectors, type Expected, type Vector } from './vectors.ts'

const store: QueryStore = {
  read: async function* (where, order) {
    const chosen = events.filter(({ meta }) => matches(where, { ...meta, isLocal: meta.isLocalEvent }))
    yield* order === 'ascending' ? chosen : chosen.toReversed()
  },
}

test.each([...new Map(vectors.map((vector) => [vector.row, vectors.filter(({ row }) => row === vector.row)]))])('AQL: %s', async (_, group) => {
  const outcomes: (readonly [string, Expected])[] = []
  for (const vector of group) outcomes.push([vector.text.slice(0, 200), await outcomeOf(vector, ({ text }) => runProgram(parseProgram(text), store, { me, nowMicros }))])
  expect(outcomes).toEqual(group.map(({ text, expected }) => [text.slice(0, 200), expected]))
  expect(new Set(group.map(({ expected }) => expected.type === 'gives')).size).toBe(2)
})

test('there are enough of them', () => {
  expect(vectors.length).toBeGreaterThanOrEqual(200)
})

/** What a query that is followed gives in the end, taken in part by part; `undefined` where it is refused to be followed. */
const followed = ({ text }: Vector): readonly string[] | undefined => {
  try {
    const live = new LiveQuery(parseProgram(text), { me, nowMicros })
    const answers = [...live.take(events.slice(0, 2), true), ...live.take(events.slice(2, 4), false), ...live.take(events.slice(4), true)]
    const counts = new Map<string, number>()
    for (const answer of answers) {
      if (answer.type !== 'event' && answer.type !== 'antiEvent') continue
      const key = valueKey(answer.payload as Value)
      counts.set(key, (counts.get(key) ?? 0) + (answer.type === 'event' ? 1 : -1))
    }
    return [...counts].flatMap(([key, count]) => Array.from({ length: Math.max(count, -count) }, () => (count < 0 ? `not ${key}` : key))).toSorted()
  } catch (error) {
    if (error instanceof QueryError && (error.code === 'AQL-LIVE' || error.code === 'AQL-FAILED')) return undefined
    throw error
  }
}

test('[G3] followed, a query gives in the end what it gives when asked; some cannot be followed', () => {
  const asked = vectors.flatMap((vector) => (vector.expected.type === 'gives' ? [[vector, vector.expected.payloads] as const] : []))
  const both = asked.flatMap(([vector, payloads]) => {
    const given = followed(vector)
    return given === undefined ? [] : [[[vector.text, given], [vector.text, payloads.map((payload) => valueKey(payload as Value)).toSorted()]] as const]
  })
  expect(both.map(([given]) => given)).toEqual(both.map(([, expected]) => expected))
  expect(both.length).toBeGreaterThan(60)
})
