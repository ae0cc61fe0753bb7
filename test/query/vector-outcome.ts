import type { Answer } from '../../src/query/answer.ts'
import { QueryError } from '../../src/query/errors.ts'
import type { Expected, Vector } from './vectors.ts'

/** What comes of a vector, in the words of what is expected of it. */
export const outcomeOf = async (vector: Vector, ask: (vector: Vector) => AsyncIterable<Answer>): Promise<Expected> => {
  const { expected } = vector
  const answers: Answer[] = []
  try {
    for await (const answer of ask(vector)) answers.push(answer)
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
