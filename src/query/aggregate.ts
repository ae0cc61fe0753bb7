import { createAggregator, type Aggregator } from './aggregators.ts'
import type { Expression, Query, Step } from './ast.ts'
import { EvaluationError } from './errors.ts'
import { bind, evaluate, type Context, type Evaluated, type Evaluation, type Scope } from './evaluate.ts'
import { synthetic } from './origin.ts'
import type { Outcome, Stage, StageInput } from './stage.ts'
import { orderValues, valueKey } from './value.ts'

type AggregateStep = Extract<Step, { type: 'aggregate' }>
type AggregatorExpression = Extract<Expression, { type: 'aggregator' }>

/** The inputs with one value of GROUP BY; without it, all. */
interface Group {
  readonly key: Evaluated
  readonly aggregators: ReadonlyMap<AggregatorExpression, Aggregator>
  inputs: number
  /** What was put out last. */
  shown: Evaluated | undefined
}

/** AGGREGATE: takes in, and puts out when flushed; what has changed since the last time, as the old value taken back and the new one. */
export class Aggregate implements Stage {
  readonly #step: AggregateStep
  readonly #outer: Scope | undefined
  readonly #expressions: readonly AggregatorExpression[]
  readonly #groups = new Map<string, Group>()
  /** Groups that have had inputs since the last flush. */
  readonly #touched = new Map<string, Group>()

  constructor(step: AggregateStep, outer: Scope | undefined) {
    this.#step = step
    this.#outer = outer
    this.#expressions = aggregatorsIn(step.value)
    if (step.by === undefined) this.#touch('', { value: null, origin: synthetic })
  }

  *apply({ scope, anti }: StageInput): Evaluation<readonly Outcome[]> {
    const key = this.#step.by === undefined ? undefined : yield* evaluate(this.#step.by, { scope })
    const name = key === undefined ? '' : valueKey(key.value)
    const inputs: (readonly [AggregatorExpression, Evaluated])[] = []
    const faults: Outcome[] = []
    for (const expression of this.#expressions) {
      try {
        inputs.push([expression, yield* evaluate(expression.operand, { scope })])
      } catch (error) {
        if (!(error instanceof EvaluationError)) throw error
        faults.push({ type: 'fault', message: error.message })
      }
    }
    const group = this.#touch(name, { value: key?.value ?? null, origin: synthetic })
    group.inputs += anti ? -1 : 1
    for (const [expression, input] of inputs) group.aggregators.get(expression)?.feed(input, anti)
    return faults
  }

  *flush(): Evaluation<readonly Outcome[]> {
    const touched = [...this.#touched].sort(([, a], [, b]) => orderValues(a.key.value, b.key.value))
    const outcomes: Outcome[] = []
    this.#touched.clear()
    for (const [name, group] of touched) {
      const isGone = this.#step.by !== undefined && group.inputs === 0
      if (isGone) this.#groups.delete(name)
      outcomes.push(...(yield* this.#show(group, isGone)))
    }
    return outcomes
  }

  isDone(descending: boolean): boolean {
    const only = this.#groups.get('')
    return this.#step.by === undefined && only !== undefined && [...only.aggregators.values()].every((aggregator) => aggregator.isSettled(descending))
  }

  #touch(name: string, key: Evaluated): Group {
    const group: Group = this.#groups.get(name) ?? {
      key, aggregators: new Map(this.#expressions.map((expression) => [expression, createAggregator(expression.operator)])), inputs: 0, shown: undefined,
    }
    this.#groups.set(name, group)
    this.#touched.set(name, group)
    return group
  }

  *#show(group: Group, isGone: boolean): Evaluation<readonly Outcome[]> {
    const before = group.shown
    let next: Evaluated | undefined
    const outcomes: Outcome[] = []
    try {
      next = isGone ? undefined : yield* evaluate(this.#step.value, this.#contextOf(group))
    } catch (error) {
      if (!(error instanceof EvaluationError)) throw error
      outcomes.push({ type: 'fault', message: error.message })
    }
    if (before !== undefined && next !== undefined && isSame(before, next)) return outcomes
    group.shown = next
    if (before !== undefined) outcomes.push({ type: 'value', value: before, anti: true, scope: this.#outer })
    if (next !== undefined) outcomes.push({ type: 'value', value: next, anti: false, scope: this.#outer })
    return outcomes
  }

  /** Outside of the aggregators `_` is the group. */
  #contextOf({ key, aggregators }: Group): Context {
    const scope = this.#step.by === undefined ? this.#outer : bind(this.#outer, '_', key)
    return { scope, aggregators: (expression) => aggregators.get(expression)?.value() ?? { value: null, origin: synthetic } }
  }
}

const isSame = (a: Evaluated, b: Evaluated): boolean => valueKey(a.value) === valueKey(b.value) && JSON.stringify(a.origin) === JSON.stringify(b.origin)

/** The aggregators of an expression, but not those of its sub-queries. */
export const aggregatorsIn = (expression: Expression): readonly AggregatorExpression[] => {
  const all = (expressions: readonly Expression[]) => expressions.flatMap(aggregatorsIn)
  switch (expression.type) {
    case 'aggregator': return [expression]
    case 'index': return all([expression.head, ...expression.tail.flatMap((step) => (step.type === 'computed' ? [step.value] : []))])
    case 'interpolation': return all(expression.parts.filter((part) => typeof part !== 'string'))
    case 'object': return all(expression.properties.flatMap(({ key, value }) => (key.type === 'computed' ? [key.value, value] : [value])))
    case 'array': return all(expression.items.map(({ value }) => value))
    case 'case': return all(expression.cases.flatMap(({ when, value }) => [when, value]))
    case 'not': return aggregatorsIn(expression.operand)
    case 'chain': return all([expression.first, ...expression.rest.map(({ operand }) => operand)])
    case 'call': return all(expression.parameters)
    default: return []
  }
}

/** Whether it needs events in one direction only: LAST alone the newest first, FIRST alone the oldest. Not where a step before it counts. */
export const preferredOrder = ({ steps }: Query): 'ASC' | 'DESC' | undefined => {
  const at = steps.findIndex(({ type }) => type === 'aggregate' || type === 'limit')
  const step = steps[at]
  if (step?.type !== 'aggregate' || step.by !== undefined) return undefined
  const operators = new Set(aggregatorsIn(step.value).map(({ operator }) => operator))
  if (operators.size !== 1) return undefined
  return operators.has('LAST') ? 'DESC' : operators.has('FIRST') ? 'ASC' : undefined
}
