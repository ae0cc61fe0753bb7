import type { Event } from '../core/event.ts'
import type { Where } from '../core/where.ts'
import { answerOf, type Answer } from './answer.ts'
import type { Program } from './ast.ts'
import { QueryError } from './errors.ts'
import type { Evaluation } from './evaluate.ts'
import { Pipeline } from './pipeline.ts'
import type { Plan, PlanSettings } from './plan.ts'
import { evaluatedOf, planOutermost } from './run.ts'
import type { Outcome } from './stage.ts'
import { valueKey } from './value.ts'

type Given = Extract<Outcome, { type: 'value' }>

/**
 * A query that is kept up to date: the events that its answers tell of, minus those taken back, are what the query gives over all events taken in so far,
 * in whatever order they came. History is read once, at the beginning; only a query with LIMIT before its first AGGREGATE needs the order.
 */
export class LiveQuery {
  readonly #program: Program
  readonly #plan: Plan
  /** Whether its results are few enough to be kept: those of AGGREGATE and LIMIT. */
  readonly #isBounded: boolean
  readonly needsOrder: boolean
  #pipeline: Pipeline
  /** The results that hold, with how often; of a bounded query. */
  #given = new Map<string, { readonly outcome: Given; count: number }>()
  /** While all events are taken in again: the results so far, to be compared with those given. */
  #again: Map<string, { readonly outcome: Given; count: number }> | undefined

  /** @throws QueryError `AQL-LIVE` for what cannot be kept up to date, `AQL-TAG` */
  constructor(program: Program, settings: PlanSettings) {
    const { query } = program
    if (query.from.type === 'array') throw new QueryError('AQL-LIVE', 'FROM an array there is nothing to follow: ask it once')
    this.#program = program
    refuse(program)
    const limit = query.steps.findIndex(({ type }) => type === 'limit')
    const aggregate = query.steps.findIndex(({ type }) => type === 'aggregate')
    this.needsOrder = limit >= 0 && (aggregate < 0 || limit < aggregate)
    if (this.needsOrder && query.from.order === 'DESC') throw new QueryError('AQL-LIVE', 'the newest ones by ORDER DESC and LIMIT cannot be kept up to date; use AGGREGATE LAST')
    this.#isBounded = limit >= 0 || aggregate >= 0
    this.#plan = planOutermost(query.from.tags, settings)
    this.#pipeline = this.#begin()
  }

  /** What to follow. */
  get where(): Where {
    return this.#plan.where
  }

  /** The answers to further events; `caughtUp`: these are all for now. @throws QueryError `AQL-FAILED` */
  take(events: readonly Event[], caughtUp: boolean): readonly Answer[] {
    const outcomes = events.filter(({ meta }) => this.#plan.selects(meta)).flatMap((event) => now(this.#pipeline.feed(evaluatedOf(event))))
    if (caughtUp) outcomes.push(...now(this.#pipeline.flush()))
    for (const outcome of outcomes) if (outcome.type === 'value' && this.#isBounded) count(this.#again ?? this.#given, outcome)
    if (this.#again === undefined) return outcomes.map(answerOf)
    const answers = outcomes.filter(({ type }) => type === 'fault').map(answerOf)
    return caughtUp ? [...answers, ...this.#difference(this.#again)] : answers
  }

  /** All events come again, from the first on. */
  restart(): readonly Answer[] {
    this.#pipeline = this.#begin()
    if (!this.#isBounded) return [{ type: 'reset' }]
    this.#again = new Map()
    return []
  }

  #begin(): Pipeline {
    return new Pipeline(this.#program.query, undefined, false)
  }

  /** What holds no longer, then what is new. */
  #difference(again: Map<string, { readonly outcome: Given; count: number }>): readonly Answer[] {
    const gone = [...this.#given].flatMap(([key, { outcome, count: before }]) => repeat({ ...outcome, anti: true }, before - (again.get(key)?.count ?? 0)))
    const fresh = [...again].flatMap(([key, { outcome, count: after }]) => repeat({ ...outcome, anti: false }, after - (this.#given.get(key)?.count ?? 0)))
    this.#given = again
    this.#again = undefined
    return [...gone, ...fresh].map(answerOf)
  }
}

const repeat = <T>(item: T, times: number): readonly T[] => Array.from({ length: Math.max(0, times) }, () => item)

const count = (given: Map<string, { readonly outcome: Given; count: number }>, outcome: Given): void => {
  const key = `${valueKey(outcome.value.value)} ${JSON.stringify(outcome.value.origin)}`
  const known = given.get(key) ?? { outcome, count: 0 }
  known.count += outcome.anti ? -1 : 1
  if (known.count === 0) given.delete(key)
  else given.set(key, known)
}

/** A computation that asks nothing. */
const now = <T>(evaluation: Evaluation<T>): T => {
  const result = evaluation.next([])
  if (result.done !== true) throw new QueryError('AQL-LIVE', 'sub-queries cannot be kept up to date')
  return result.value
}

const refuse = ({ query, pragmas, explain }: Program): void => {
  if (explain) throw new QueryError('AQL-LIVE', 'EXPLAIN tells how a query was read: ask it once')
  if (pragmas.some(({ name }) => name === 'events')) throw new QueryError('AQL-LIVE', 'PRAGMA events are all there is, there is nothing to follow: ask it once')
  if (hasSubQuery(query)) throw new QueryError('AQL-LIVE', 'sub-queries cannot be kept up to date; leave them out, or ask the query again')
}

const hasSubQuery = (part: unknown): boolean =>
  typeof part === 'object' && part !== null && ((part as { readonly type?: unknown }).type === 'subQuery' || Object.values(part).some(hasSubQuery))
