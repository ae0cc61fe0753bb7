import { expect, test } from 'vitest'
import { matches } from '../../src/core/where.ts'
import type { Answer } from '../../src/query/answer.ts'
import { QueryError } from '../../src/query/errors.ts'
import { parseProgram } from '../../src/query/parse.ts'
import { runProgram } from '../../src/query/program.ts'
import type { QueryStore } from '../../src/query/run.ts'
import { events, me, nowMicros, vectors, type Expected, type Vector } from './vectors.ts'

const store: QueryStore = {
  read: async function* (where, order) {
    const chosen = events.filter(({ meta }) => matches(where, { ...meta, isLocal: meta.isLocalEvent }))
    yield* order === 'ascending' ? chosen : chosen.toReversed()
  },
}

const outcomeOf = async ({ text, expected }: Vector): Promise<Expected> => {
  const answers: Answer[] = []
  try {
    for await (const answer of runProgram(parseProgram(text), store, { me, nowMicros })) answers.push(answer)
  } catch (error) {
    if (!(error instanceof QueryError)) throw error
    const message = expected.type === 'refused' && error.message.includes(expected.message) ? expected.message : error.message
    return { type: 'refused', code: error.code, column: expected.type === 'refused' && expected.column === undefined ? undefined : error.place?.column, message }
  }
  const payloads = answers.flatMap((answer) => (answer.type === 'event' ? [answer.payload] : []))
  const warnings = answers.flatMap((answer) => (answer.type === 'diagnostic' ? [answer.message] : []))
  if (expected.type === 'gives') return { type: 'gives', payloads, warnings: warnings.length }
  const said = warnings.find((message) => expected.type === 'warns' && message.includes(expected.message)) === undefined ? warnings.join('; ') : expected.message
  return payloads.length === 0 ? { type: 'warns', message: said } : { type: 'gives', payloads, warnings: warnings.length }
}

test.each([...new Map(vectors.map((vector) => [vector.row, vectors.filter(({ row }) => row === vector.row)]))])('AQL: %s', async (_, group) => {
  const outcomes: (readonly [string, Expected])[] = []
  for (const vector of group) outcomes.push([vector.text.slice(0, 200), await outcomeOf(vector)])
  expect(outcomes).toEqual(group.map(({ text, expected }) => [text.slice(0, 200), expected]))
  expect(new Set(group.map(({ expected }) => expected.type === 'gives')).size).toBe(2)
})

test('there are enough of them', () => {
  expect(vectors.length).toBeGreaterThanOrEqual(200)
})
