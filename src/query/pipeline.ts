import { Aggregate } from './aggregate.ts'
import type { Item, Query, Step } from './ast.ts'
import { EvaluationError, QueryError } from './errors.ts'
import { bind, evaluate, evaluateItem, type Evaluated, type Evaluation, type Scope } from './evaluate.ts'
import type { Outcome, Stage, StageInput } from './stage.ts'
import { asBoolean } from './value.ts'

/**
 * The steps of a query while it runs. Each value goes through them with the names bound on its own way.
 * A step that has no value for its input gives a fault, which goes out as it is.
 */
export class Pipeline {
  readonly #stages: readonly Stage[]
  readonly #steps: readonly Step[]
  readonly #outer: Scope | undefined
  readonly #descending: boolean

  /** @param outer names bound around it, where it is a sub-query */
  constructor({ steps }: Query, outer: Scope | undefined, descending: boolean) {
    this.#steps = steps
    this.#outer = outer
    this.#descending = descending
    this.#stages = steps.map((step) => createStage(step, outer))
  }

  /** @throws QueryError `AQL-FAILED` */
  *feed(value: Evaluated, anti = false): Evaluation<readonly Outcome[]> {
    let outcomes: readonly Outcome[] = [{ type: 'value', value, anti, scope: this.#outer }]
    for (const at of this.#stages.keys()) outcomes = yield* this.#apply(at, outcomes)
    return outcomes
  }

  /** Lets the steps put out what they have gathered. May be called again and again. @throws QueryError `AQL-FAILED` */
  *flush(): Evaluation<readonly Outcome[]> {
    let outcomes: readonly Outcome[] = []
    for (const [at, stage] of this.#stages.entries()) {
      const applied: readonly Outcome[] = yield* this.#apply(at, outcomes)
      const flushed: readonly Outcome[] = stage.flush === undefined ? [] : yield* stage.flush()
      outcomes = [...applied, ...flushed.map((outcome) => this.#placed(at, outcome))]
    }
    return outcomes
  }

  /** Whether no further value makes a difference. */
  get isDone(): boolean {
    return this.#stages.some((stage) => stage.isDone?.(this.#descending))
  }

  *#apply(at: number, inputs: readonly Outcome[]): Evaluation<readonly Outcome[]> {
    const outcomes: Outcome[] = []
    for (const input of inputs) {
      if (input.type === 'fault') outcomes.push(input)
      else outcomes.push(...(yield* this.#applyOne(at, input)))
    }
    return outcomes
  }

  *#applyOne(at: number, { value, anti, scope }: Extract<Outcome, { type: 'value' }>): Evaluation<readonly Outcome[]> {
    const stage = this.#stages[at]
    if (stage === undefined) return []
    try {
      const outcomes = yield* stage.apply({ value, anti, scope: bind(scope, '_', value), outer: scope })
      return outcomes.map((outcome) => this.#placed(at, outcome))
    } catch (error) {
      if (error instanceof EvaluationError) return [this.#placed(at, { type: 'fault', message: error.message })]
      throw error
    }
  }

  /** A fault says in which step it arose. */
  #placed(at: number, outcome: Outcome): Outcome {
    return outcome.type === 'fault' ? { type: 'fault', message: `${outcome.message}, in step ${at + 1} (${wordOf(this.#steps[at])})` } : outcome
  }
}

const wordOf = (step: Step | undefined): string => step?.type.toUpperCase() ?? ''

const createStage = (step: Step, outer: Scope | undefined): Stage => {
  switch (step.type) {
    case 'filter': return { apply: (input) => filter(step, input) }
    case 'select': return { apply: (input) => select(step.items, input) }
    case 'let': return { apply: (input) => letStep(step, input) }
    case 'limit': return limit(step.count)
    case 'aggregate': return new Aggregate(step, outer)
  }
}

function* filter({ condition }: Extract<Step, { type: 'filter' }>, { value, anti, scope, outer }: StageInput): Evaluation<readonly Outcome[]> {
  const { value: passes } = yield* evaluate(condition, { scope })
  return asBoolean(passes) ? [{ type: 'value', value, anti, scope: outer }] : []
}

function* select(items: readonly Item[], { anti, scope, outer }: StageInput): Evaluation<readonly Outcome[]> {
  const outcomes: Outcome[] = []
  for (const item of items) {
    try {
      for (const value of yield* evaluateItem(item, { scope })) outcomes.push({ type: 'value', value, anti, scope: outer })
    } catch (error) {
      if (!(error instanceof EvaluationError)) throw error
      outcomes.push({ type: 'fault', message: error.message })
    }
  }
  return outcomes
}

function* letStep(step: Extract<Step, { type: 'let' }>, { value, anti, scope, outer }: StageInput): Evaluation<readonly Outcome[]> {
  return [{ type: 'value', value, anti, scope: bind(outer, step.name, yield* evaluate(step.value, { scope })) }]
}

/** Lets through so many; what is taken back makes room for another. */
const limit = (count: number): Stage => {
  let left = count
  return {
    apply: function* ({ value, anti, outer }) {
      // Asks nothing, unlike the others.
      yield* []
      if (left === 0 && anti) {
        throw new QueryError('AQL-FAILED', 'LIMIT has let through its number and cannot tell whether the value now taken back was among them; put LIMIT before the AGGREGATE')
      }
      if (left === 0) return []
      left += anti ? 1 : -1
      return [{ type: 'value', value, anti, scope: outer }]
    },
    isDone: () => left === 0,
  }
}
