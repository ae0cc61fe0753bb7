import { parseStreamId, type StreamId } from '../core/ids.ts'
import type { BinaryOperator, Expression, Index, Item, KeyPoint, Part, Query } from './ast.ts'
import { EvaluationError } from './errors.ts'
import { functions } from './functions.ts'
import { calculate, Float, isNatural, naturalOf } from './number.ts'
import { mergeOrigins, synthetic, type EventPlace, type Origin } from './origin.ts'
import { printExpression } from './print.ts'
import { asArray, asBoolean, asNumber, compareValues, describe, isArray, isObject, kindOf, printValue, propertyOf, Timestamp, type Value } from './value.ts'

/** A value, and the events that it was made of. */
export interface Evaluated {
  readonly value: Value
  readonly origin: Origin
}

/** Names bound so far, the newest first. */
export interface Scope {
  readonly name: string
  readonly bound: Evaluated
  readonly outer: Scope | undefined
}

/** What evaluating needs of others: the answer to a sub-query, asked from within this scope. */
export interface SubQueryRequest {
  readonly query: Query
  readonly scope: Scope | undefined
}

/** A computation that may stop to have sub-queries answered; without them it runs through. */
export type Evaluation<T> = Generator<SubQueryRequest, T, readonly Evaluated[]>

/** What aggregators hold, where the expression of an AGGREGATE is evaluated. @throws EvaluationError */
export type AggregatorValues = (aggregator: Extract<Expression, { type: 'aggregator' }>) => Evaluated

export interface Context {
  readonly scope: Scope | undefined
  readonly aggregators?: AggregatorValues
}

/** The same with one more name. */
export const bind = (scope: Scope | undefined, name: string, bound: Evaluated): Scope => ({ name, bound, outer: scope })

/** @throws EvaluationError when the expression has no value here; the message names the innermost part that has none */
export function* evaluate(expression: Expression, context: Context): Evaluation<Evaluated> {
  switch (expression.type) {
    case 'variable': return lookUp(context.scope, expression.name)
    case 'natural': return pure(naturalOf(expression.value))
    case 'decimal': return pure(isNatural(expression.value) ? new Float(expression.value) : expression.value)
    case 'string': return pure(expression.value)
    case 'null': return pure(null)
    case 'boolean': return pure(expression.value)
    case 'index': return yield* index(expression, context)
    case 'interpolation': return yield* interpolate(expression.parts, context)
    case 'object': return yield* object(expression, context)
    case 'array': return yield* array(expression.items, context)
    case 'case': return yield* cases(expression, context)
    case 'not': {
      const { value, origin } = yield* evaluate(expression.operand, context)
      return { value: !inPlace(() => expression.operand, () => asBoolean(value)), origin }
    }
    case 'chain': return yield* chain(expression, context)
    case 'aggregator': return aggregated(expression, context)
    case 'call': return yield* call(expression, context)
    case 'subQuery': return collect(yield { query: expression.query, scope: context.scope })
    case 'metadata': return metadata(expression.of, lookUp(context.scope, expression.variable).origin)
    case 'keyLiteral': return pure([keyPoint(expression.key)])
    case 'timeLiteral': return pure(new Timestamp(expression.micros))
  }
}

const pure = (value: Value): Evaluated => ({ value, origin: synthetic })

/** What `read` gives; where it fails, the message says at which part of the text. */
const inPlace = <T>(place: () => Expression, read: () => T): T => {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof EvaluationError)) throw error
    const text = printExpression(place())
    throw new EvaluationError(`${error.message} (in \`${text.length > 80 ? `${text.slice(0, 80)}…` : text}\`)`, { cause: error })
  }
}

const lookUp = (scope: Scope | undefined, name: string): Evaluated => {
  for (let at = scope; at !== undefined; at = at.outer) if (at.name === name) return at.bound
  throw new EvaluationError(`variable \`${name}\` is not bound`)
}

const aggregated = (expression: Extract<Expression, { type: 'aggregator' }>, { aggregators }: Context): Evaluated => {
  if (aggregators === undefined) throw new EvaluationError(`${expression.operator} stands only within AGGREGATE`)
  return aggregators(expression)
}

function* index({ head, tail }: Extract<Expression, { type: 'index' }>, context: Context): Evaluation<Evaluated> {
  const { value, origin } = yield* evaluate(head, context)
  let inner = value
  for (const [at, step] of tail.entries()) {
    const key = yield* keyOf(step, context)
    inner = inPlace(() => ({ type: 'index', head, tail: tail.slice(0, at + 1) }), () => indexed(inner, key))
  }
  return { value: inner, origin }
}

function* keyOf(step: Index, context: Context): Evaluation<string | number> {
  if (step.type !== 'computed') return step.type === 'name' ? step.name : step.place
  const { value } = yield* evaluate(step.value, context)
  if (typeof value === 'string') return value
  if (typeof value === 'number' && isNatural(value)) return value
  throw new EvaluationError(`${describe(value)} is no index (in \`${printExpression(step.value)}\`)`)
}

const indexed = (value: Value, key: string | number): Value => {
  const found = isArray(value) ? (typeof key === 'number' ? value[key] : undefined) : isObject(value) ? propertyOf(value, String(key)) : undefined
  if (found === undefined) throw new EvaluationError(`property \`${key}\` not found in ${kindOf(value)}`)
  return found
}

export function* interpolate(parts: readonly Part[], context: Context): Evaluation<Evaluated & { readonly value: string }> {
  let text = ''
  let origin = synthetic
  for (const part of parts) {
    if (typeof part === 'string') text += part
    else {
      const inner = yield* evaluate(part, context)
      text += printValue(inner.value)
      origin = mergeOrigins(origin, inner.origin)
    }
  }
  return { value: text, origin }
}

function* object({ properties }: Extract<Expression, { type: 'object' }>, context: Context): Evaluation<Evaluated> {
  const entries: (readonly [string, Value])[] = []
  let origin = synthetic
  for (const { key, value } of properties) {
    const name = yield* keyOf(key, context)
    const inner = yield* evaluate(value, context)
    entries.push([String(name), inner.value])
    origin = mergeOrigins(origin, inner.origin)
  }
  return { value: Object.fromEntries(entries), origin }
}

/** The values of items, those of a spread array one by one. */
export function* evaluateItem({ spread, value }: Item, context: Context): Evaluation<readonly Evaluated[]> {
  if (spread && value.type === 'subQuery') return yield { query: value.query, scope: context.scope }
  const inner = yield* evaluate(value, context)
  if (!spread) return [inner]
  return inPlace(() => value, () => asArray(inner.value)).map((item) => ({ value: item, origin: inner.origin }))
}

function* array(items: readonly Item[], context: Context): Evaluation<Evaluated> {
  const values: Evaluated[] = []
  for (const item of items) values.push(...(yield* evaluateItem(item, context)))
  return collect(values)
}

const collect = (values: readonly Evaluated[]): Evaluated => ({
  value: values.map(({ value }) => value),
  origin: values.reduce((origin, value) => mergeOrigins(origin, value.origin), synthetic),
})

function* cases({ cases: branches }: Extract<Expression, { type: 'case' }>, context: Context): Evaluation<Evaluated> {
  for (const { when, value } of branches) {
    const holds = yield* attempt(when, context)
    if (holds?.value === true) return yield* evaluate(value, context)
  }
  throw new EvaluationError('no case matched')
}

/** `undefined` where the expression has no value. */
function* attempt(expression: Expression, context: Context): Evaluation<Evaluated | undefined> {
  try {
    return yield* evaluate(expression, context)
  } catch (error) {
    if (error instanceof EvaluationError) return undefined
    throw error
  }
}

/** From left to right. */
function* chain({ first, rest }: Extract<Expression, { type: 'chain' }>, context: Context): Evaluation<Evaluated> {
  if (rest[0]?.operator === '??') return yield* alternative([first, ...rest.map(({ operand }) => operand)], context)
  let left = yield* evaluate(first, context)
  for (const [at, { operator, operand }] of rest.entries()) {
    const right = yield* evaluate(operand, context)
    const value = inPlace(() => ({ type: 'chain', first, rest: rest.slice(0, at + 1) }), () => operate(left.value, operator, right.value))
    left = { value, origin: mergeOrigins(left.origin, right.origin) }
  }
  return left
}

/** The first that has a value; the last one's error where none has. */
function* alternative(operands: readonly Expression[], context: Context): Evaluation<Evaluated> {
  for (const operand of operands.slice(0, -1)) {
    const value = yield* attempt(operand, context)
    if (value !== undefined) return value
  }
  return yield* evaluate(operands.at(-1) ?? { type: 'null' }, context)
}

/** Both sides have their values; but the kind of the right one matters only where the left one does not decide. */
const operate = (left: Value, operator: BinaryOperator, right: Value): Value => {
  switch (operator) {
    case '??': return left
    case '|': return asBoolean(left) || asBoolean(right)
    case '&': return asBoolean(left) && asBoolean(right)
    case '~': return asBoolean(left) !== asBoolean(right)
    case '=': return compare(left, operator, right) === 0
    case '!=': return compare(left, operator, right) !== 0
    case '<': return compare(left, operator, right) < 0
    case '<=': return compare(left, operator, right) <= 0
    case '>': return compare(left, operator, right) > 0
    case '>=': return compare(left, operator, right) >= 0
    default: return calculate(asNumber(left), operator, asNumber(right))
  }
}

const compare = (left: Value, operator: BinaryOperator, right: Value): number => {
  const result = compareValues(left, right)
  if (result === undefined) throw new EvaluationError(`cannot apply \`${operator}\` to ${kindOf(left)} and ${kindOf(right)}`)
  return result
}

function* call({ name, parameters }: Extract<Expression, { type: 'call' }>, context: Context): Evaluation<Evaluated> {
  const known = functions.get(name)
  const [least, most] = name === 'IsDefined' ? [1, 1] : (known?.arity ?? [0, Infinity])
  if (known === undefined && name !== 'IsDefined') throw new EvaluationError(`undefined function \`${name}\``)
  if (parameters.length < least || parameters.length > most) {
    throw new EvaluationError(`\`${name}\` takes ${least === most ? least : `${least} to ${most}`} parameters, not ${parameters.length}`)
  }
  if (known === undefined) return pure((yield* attempt(parameters[0] ?? { type: 'null' }, context)) !== undefined)
  const values: Evaluated[] = []
  for (const parameter of parameters) values.push(yield* evaluate(parameter, context))
  const value = inPlace(() => ({ type: 'call', name, parameters }), () => known.call(values.map((inner) => inner.value)))
  return { value, origin: collect(values).origin }
}

/** Node id (JSON has no bytes, so as text) and number of a stream. */
const nodeIdOf = (stream: StreamId): readonly [string, number] => {
  const parsed = parseStreamId(stream)
  return parsed === undefined ? [stream, 0] : [parsed.nodeId, parsed.number]
}

const keyPoint = ({ lamport, stream }: KeyPoint): Value => (stream === undefined ? [lamport] : [lamport, ...nodeIdOf(stream)])

const eventPlace = ({ lamport, stream, offset }: EventPlace): Value => [lamport, ...nodeIdOf(stream), offset]

/** Arrays: one entry for an event, two for a range (its ends), none for what no event has made. */
const metadata = (of: 'KEY' | 'TIME' | 'TAGS' | 'APP', origin: Origin): Evaluated => {
  const event = origin.type === 'event' ? origin.meta : undefined
  const range = origin.type === 'range' ? origin : undefined
  switch (of) {
    case 'KEY': return { value: event ? [eventPlace(event)] : range ? [eventPlace(range.first), eventPlace(range.last)] : [], origin }
    case 'TIME': return { value: (event ? [event.timestampMicros] : range ? [range.firstMicros, range.lastMicros] : []).map((micros) => new Timestamp(micros)), origin }
    case 'TAGS': return { value: event ? event.tags : [], origin }
    case 'APP': return { value: event ? [event.appId] : [], origin }
  }
}
