import type { AggregateOperator } from './ast.ts'
import { EvaluationError, QueryError } from './errors.ts'
import type { Evaluated } from './evaluate.ts'
import { ExactSum } from './exact-sum.ts'
import { calculate, compareNumbers, type Num } from './number.ts'
import { compareKeys, firstKey, lastKey, mergeOrigins, synthetic, type Origin } from './origin.ts'
import { compareValues, describe, isNumber, kindOf, orderValues, valueKey, type Value } from './value.ts'

/** Takes in values and holds one made of all of them, whatever order they came in. */
export interface Aggregator {
  /** @throws QueryError `AQL-FAILED` when it cannot take a value back */
  readonly feed: (input: Evaluated, anti: boolean) => void
  /** @throws EvaluationError when there is none */
  readonly value: () => Evaluated
  /** Whether further values in this direction change nothing. */
  readonly isSettled: (descending: boolean) => boolean
}

export const createAggregator = (operator: AggregateOperator): Aggregator => {
  switch (operator) {
    case 'SUM':
    case 'PRODUCT': return new Total(operator)
    case 'MIN':
    case 'MAX': return new Extreme(operator)
    case 'FIRST':
    case 'LAST': return new End(operator)
    case 'COUNT': return new Count()
    case 'DISTINCT': return new Distinct()
  }
}

const noValue = (): never => {
  throw new EvaluationError('no value added')
}

const refuseAnti = (anti: boolean, operator: AggregateOperator): void => {
  if (anti) throw new QueryError('AQL-FAILED', `${operator} cannot take a value back that another AGGREGATE before it has changed; use SUM, PRODUCT, COUNT or DISTINCT, or no second AGGREGATE`)
}

/** Of numbers: sum or product. Of booleans: whether any, or all, are true. */
class Total implements Aggregator {
  readonly #operator: 'SUM' | 'PRODUCT'
  readonly #sum = new ExactSum()
  readonly #product = new Product()
  #numbers = 0
  #true = 0
  #false = 0
  /** Values of other kinds. */
  #others = 0
  #other: Value = null
  #origin = synthetic

  constructor(operator: 'SUM' | 'PRODUCT') {
    this.#operator = operator
  }

  feed({ value, origin }: Evaluated, anti: boolean): void {
    const step = anti ? -1 : 1
    this.#origin = mergeOrigins(this.#origin, origin)
    if (value === true) this.#true += step
    else if (value === false) this.#false += step
    else if (!isNumber(value)) {
      this.#others += step
      this.#other = value
    } else {
      this.#numbers += step
      if (this.#operator === 'PRODUCT') this.#product.feed(value, origin, anti)
      else if (anti) this.#sum.remove(value)
      else this.#sum.add(value)
    }
  }

  value(): Evaluated {
    const booleans = this.#true + this.#false
    const name = `incompatible types in ${this.#operator}: `
    if (this.#others > 0) throw new EvaluationError(`${name}${describe(this.#other)} is neither a number nor TRUE or FALSE`)
    if (booleans > 0 && this.#numbers > 0) throw new EvaluationError(`${name}both numbers and booleans`)
    if (booleans > 0) return { value: this.#operator === 'SUM' ? this.#true > 0 : this.#false === 0, origin: this.#origin }
    if (this.#numbers === 0) return noValue()
    return { value: this.#operator === 'SUM' ? this.#sum.value() : this.#product.value(), origin: this.#origin }
  }

  isSettled(): boolean {
    return false
  }
}

/**
 * Multiplied in the order of the events, for each step rounds: nodes that heard of them in different orders come to the same.
 * So all factors are kept.
 */
class Product {
  #factors: { readonly value: Num; readonly origin: Origin }[] = []
  #sorted = true
  /** Product of the first so many. */
  #running: Num = 1
  #through = 0

  feed(value: Num, origin: Origin, anti: boolean): void {
    if (anti) {
      this.#factors.splice(this.#factors.findIndex((factor) => compareNumbers(factor.value, value) === 0), 1)
      this.#through = 0
      return
    }
    const last = this.#factors.at(-1)
    this.#sorted &&= last === undefined || compareKeys(firstKey(last.origin), firstKey(origin)) <= 0
    this.#factors.push({ value, origin })
  }

  value(): Num {
    if (!this.#sorted) {
      this.#factors.sort((a, b) => compareKeys(firstKey(a.origin), firstKey(b.origin)))
      this.#sorted = true
      this.#through = 0
    }
    if (this.#through === 0) this.#running = 1
    for (; this.#through < this.#factors.length; this.#through++) this.#running = calculate(this.#running, '*', this.#factors[this.#through]?.value ?? 1)
    return this.#running
  }
}

/** Of equal values the one of the first event. */
class Extreme implements Aggregator {
  readonly #operator: 'MIN' | 'MAX'
  #best: Evaluated | undefined
  #fault: string | undefined

  constructor(operator: 'MIN' | 'MAX') {
    this.#operator = operator
  }

  feed(input: Evaluated, anti: boolean): void {
    refuseAnti(anti, this.#operator)
    if (this.#best === undefined) {
      this.#best = input
      return
    }
    const order = compareValues(input.value, this.#best.value)
    if (order === undefined) this.#fault ??= `incompatible types in ${this.#operator}: cannot compare ${kindOf(input.value)} and ${kindOf(this.#best.value)}`
    else if (this.#operator === 'MIN' ? order < 0 : order > 0) this.#best = input
    else if (order === 0 && compareKeys(firstKey(input.origin), firstKey(this.#best.origin)) < 0) this.#best = input
  }

  value(): Evaluated {
    if (this.#fault !== undefined) throw new EvaluationError(this.#fault)
    return this.#best ?? noValue()
  }

  isSettled(): boolean {
    return false
  }
}

/** By the order of the events; of several values of one event by the order of the values. */
class End implements Aggregator {
  readonly #operator: 'FIRST' | 'LAST'
  #end: Evaluated | undefined

  constructor(operator: 'FIRST' | 'LAST') {
    this.#operator = operator
  }

  feed(input: Evaluated, anti: boolean): void {
    refuseAnti(anti, this.#operator)
    if (this.#end === undefined || this.#isBeyond(input.origin, this.#end.origin)) this.#end = input
  }

  #isBeyond(a: Origin, b: Origin): boolean {
    if (this.#operator === 'FIRST') return (compareKeys(firstKey(a), firstKey(b)) || compareKeys(lastKey(a), lastKey(b))) < 0
    return (compareKeys(lastKey(a), lastKey(b)) || compareKeys(firstKey(a), firstKey(b))) >= 0
  }

  value(): Evaluated {
    return this.#end ?? noValue()
  }

  isSettled(descending: boolean): boolean {
    return this.#end !== undefined && descending === (this.#operator === 'LAST')
  }
}

/** Millpond's own: how many values; 0 for none. */
class Count implements Aggregator {
  #count = 0
  #origin = synthetic

  feed({ origin }: Evaluated, anti: boolean): void {
    this.#count += anti ? -1 : 1
    this.#origin = mergeOrigins(this.#origin, origin)
  }

  value(): Evaluated {
    return { value: this.#count, origin: this.#origin }
  }

  isSettled(): boolean {
    return false
  }
}

/** Millpond's own: an array of the different values, sorted; empty for none. */
class Distinct implements Aggregator {
  readonly #counts = new Map<string, { readonly value: Value; count: number }>()
  #sorted: readonly Value[] | undefined
  #origin = synthetic

  feed({ value, origin }: Evaluated, anti: boolean): void {
    const key = valueKey(value)
    const known = this.#counts.get(key)
    this.#origin = mergeOrigins(this.#origin, origin)
    if (known !== undefined) known.count += anti ? -1 : 1
    else if (!anti) this.#counts.set(key, { value, count: 1 })
    if (known?.count === 0) this.#counts.delete(key)
    if (known === undefined || known.count === 0) this.#sorted = undefined
  }

  value(): Evaluated {
    this.#sorted ??= [...this.#counts.values()].map(({ value }) => value).sort(orderValues)
    return { value: this.#sorted, origin: this.#origin }
  }

  isSettled(): boolean {
    return false
  }
}
