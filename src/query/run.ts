import type { Event } from '../core/event.ts'
import { isTag, normaliseTag, TAG_BYTES_MAX } from '../core/tags.ts'
import type { Where } from '../core/where.ts'
import { preferredOrder } from './aggregate.ts'
import type { Query, Source, TagExpression } from './ast.ts'
import { EvaluationError, QueryError } from './errors.ts'
import { evaluateItem, interpolate, type Evaluated, type Evaluation, type Scope, type SubQueryRequest } from './evaluate.ts'
import { Pipeline } from './pipeline.ts'
import { planTags, type Plan, type PlanSettings } from './plan.ts'
import { printTags } from './print.ts'
import type { Outcome } from './stage.ts'
import type { Value } from './value.ts'

export type ReadOrder = 'ascending' | 'descending'

/** Where a query reads. Its bounds are those of the whole query, sub-queries included. */
export interface QueryStore {
  /** Events that match, in order. */
  readonly read: (where: Where, order: ReadOrder) => AsyncIterable<Event>
}

export interface RunSettings extends PlanSettings {
  /** Of a query that says none and prefers none. */
  readonly order?: ReadOrder
  /** Hears of every event that the store gave, and whether the tag expression means it. */
  readonly seen?: (selected: boolean) => void
}

/** What a query gives, lazily: it reads on when asked. @throws QueryError; what the store throws */
export async function* runQuery(query: Query, store: QueryStore, settings: RunSettings, outer?: Scope): AsyncGenerator<Outcome, undefined> {
  const order = orderOf(query, settings)
  const pipeline = new Pipeline(query, outer, order === 'descending')
  const answer = (request: SubQueryRequest) => answerSubQuery(request, store, settings)
  if (!pipeline.isDone) {
    for await (const input of inputsOf(query.from, store, { ...settings, order }, outer)) {
      if (input.type === 'fault') yield input
      else yield* await settled(pipeline.feed(input.value), answer)
      if (pipeline.isDone) break
    }
  }
  yield* await settled(pipeline.flush(), answer)
  return undefined
}

/** The direction in which a query reads. */
export const orderOf = (query: Query, { order = 'ascending' }: Pick<RunSettings, 'order'>): ReadOrder => {
  const said = query.from.type === 'events' ? query.from.order : 'ASC'
  const chosen = said ?? preferredOrder(query)
  return chosen === undefined ? order : chosen === 'DESC' ? 'descending' : 'ascending'
}

type Input = { readonly type: 'value'; readonly value: Evaluated } | Extract<Outcome, { type: 'fault' }>

async function* inputsOf(from: Source, store: QueryStore, settings: RunSettings & { readonly order: ReadOrder }, outer: Scope | undefined): AsyncGenerator<Input> {
  if (from.type === 'array') return yield* arrayInputs(from, (request) => answerSubQuery(request, store, settings), outer)
  const tags = await settled(resolveTags(from.tags, outer), (request) => answerSubQuery(request, store, settings))
  const { where, selects } = planTags(tags, settings)
  for await (const event of store.read(where, settings.order)) {
    const selected = selects(event.meta)
    settings.seen?.(selected)
    if (selected) yield { type: 'value', value: evaluatedOf(event) }
  }
}

async function* arrayInputs({ items }: Extract<Source, { type: 'array' }>, answer: Answering, outer: Scope | undefined): AsyncGenerator<Input> {
  for (const item of items) {
    try {
      for (const value of await settled(evaluateItem(item, { scope: outer }), answer)) yield { type: 'value', value }
    } catch (error) {
      if (!(error instanceof EvaluationError)) throw error
      yield { type: 'fault', message: `${error.message}, in an item of FROM` }
    }
  }
}

/** An event as the input of a first step. */
export const evaluatedOf = ({ meta, payload }: Event): Evaluated => ({ value: payload as Value, origin: { type: 'event', meta } })

type Answering = (request: SubQueryRequest) => Promise<readonly Evaluated[]>

/** The results of a sub-query; what a step of it has no value for makes the whole of it fail. */
const answerSubQuery = async ({ query, scope }: SubQueryRequest, store: QueryStore, settings: RunSettings): Promise<readonly Evaluated[]> => {
  const values: Evaluated[] = []
  for await (const outcome of runQuery(query, store, { ...settings, order: 'ascending' }, scope)) {
    if (outcome.type === 'fault') throw new EvaluationError(`${outcome.message} of a sub-query`)
    values.push(outcome.value)
  }
  return values
}

/** Runs a computation, at once where it asks no sub-query. */
const settled = <T>(evaluation: Evaluation<T>, answer: Answering): T | Promise<T> => {
  const first = evaluation.next([])
  return first.done === true ? first.value : continued(evaluation, first.value, answer)
}

const continued = async <T>(evaluation: Evaluation<T>, first: SubQueryRequest, answer: Answering): Promise<T> => {
  let request = first
  for (;;) {
    const next = await answer(request).then(
      (values) => evaluation.next(values),
      (error: unknown) => evaluation.throw(error),
    )
    if (next.done === true) return next.value
    request = next.value
  }
}

/** The same with each interpolated tag as the tag that it is here. @throws QueryError `AQL-TAG` */
function* resolveTags(tags: TagExpression, scope: Scope | undefined): Evaluation<TagExpression> {
  if (tags.type === 'and' || tags.type === 'or') {
    const operands: TagExpression[] = []
    for (const operand of tags.operands) operands.push(yield* resolveTags(operand, scope))
    return { type: tags.type, operands }
  }
  if (tags.type !== 'interpolatedTag') return tags
  const name = normaliseTag((yield* interpolate(tags.parts, { scope })).value)
  if (isTag(name)) return { type: 'tag', name }
  throw new EvaluationError(`a tag has 1 to ${TAG_BYTES_MAX} bytes of text, not what ${printTags(tags)} gives`)
}

/** For a query that is kept up to date: its tags cannot ask sub-queries. @throws QueryError `AQL-TAG` */
export const planOutermost = (tags: TagExpression, settings: PlanSettings): Plan => {
  try {
    const resolved = resolveTags(tags, undefined).next()
    if (resolved.done !== true) throw new QueryError('AQL-LIVE', 'a tag that a sub-query makes cannot be kept up to date')
    return planTags(resolved.value, settings)
  } catch (error) {
    throw error instanceof EvaluationError ? new QueryError('AQL-TAG', error.message, undefined, { cause: error }) : error
  }
}
