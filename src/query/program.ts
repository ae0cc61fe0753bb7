import { answerOf, type Answer, type Explanation } from './answer.ts'
import type { Program } from './ast.ts'
import { EvaluationError, QueryError } from './errors.ts'
import { eventsOfPragma } from './events-pragma.ts'
import { printProgram } from './print.ts'
import { orderOf, runQuery, type QueryStore, type RunSettings } from './run.ts'

/** What a store tells of its reading. */
export type StoreTrace = Pick<Explanation, 'streams' | 'segments' | 'segmentsSkipped' | 'segmentsOpened' | 'openSegmentsRead'>

const noTrace: StoreTrace = { streams: 0, segments: 0, segmentsSkipped: 0, segmentsOpened: 0, openSegmentsRead: 0 }

/**
 * The answers of a query, lazily. With `PRAGMA events` it reads these instead of the store; with `EXPLAIN` there is one answer that tells what was read.
 * @param trace what the store has done so far
 * @throws QueryError; what the store throws
 */
export async function* runProgram(program: Program, store: QueryStore, settings: RunSettings, trace: () => StoreTrace = () => noTrace): AsyncGenerator<Answer, undefined> {
  const counts = { read: 0, selected: 0, results: 0, warnings: 0 }
  const seen = (selected: boolean) => {
    counts.read++
    counts.selected += Number(selected)
  }
  for await (const outcome of outcomesOf(program, eventsOfPragma(program, settings) ?? store, { ...settings, seen })) {
    if (outcome.type === 'fault') counts.warnings++
    else counts.results++
    if (!program.explain) yield answerOf(outcome)
  }
  if (!program.explain) return undefined
  yield {
    type: 'explain',
    explanation: {
      query: printProgram({ ...program, pragmas: [], features: [], explain: false }), order: orderOf(program.query, settings), ...trace(),
      eventsRead: counts.read, eventsSelected: counts.selected, results: counts.results, warnings: counts.warnings,
    },
  }
  return undefined
}

async function* outcomesOf({ query }: Program, store: QueryStore, settings: RunSettings) {
  try {
    yield* runQuery(query, store, settings)
  } catch (error) {
    // Only the tags of the outermost FROM are nobody's to catch.
    throw error instanceof EvaluationError ? new QueryError('AQL-TAG', error.message, undefined, { cause: error }) : error
  }
}
