import { EvaluationError } from './errors.ts'

/**
 * A number that would look natural but is a floating one: 42 * 1.5 is 63.0, and 63.0 / 2 is 31.5 where 63 / 2 is 31.
 * All other floating numbers are plain ones.
 */
export class Float {
  readonly value: number
  constructor(value: number) {
    this.value = value
  }
}

/**
 * A natural number below 2^64, or a finite floating one.
 * As `number`: a safe integer from 0 on is natural, everything else is floating. As `bigint`: natural, above the safe integers.
 */
export type Num = number | bigint | Float

export type Arithmetic = '+' | '-' | '*' | '/' | '%' | '^'

const naturalMax = 2n ** 64n - 1n

export const isNatural = (value: Num): value is number | bigint => typeof value === 'bigint' || (typeof value === 'number' && value >= 0 && Number.isSafeInteger(value) && !Object.is(value, -0))

export const toFloat = (value: Num): number => (value instanceof Float ? value.value : Number(value))

/** @throws EvaluationError beyond 0 … 2^64 - 1 */
export const naturalOf = (value: bigint): Num => {
  if (value < 0n) throw new EvaluationError('the result is below 0, which natural numbers are not; write one of them with a decimal point')
  if (value > naturalMax) throw new EvaluationError('the result is above 2^64 - 1')
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value
}

/** @throws EvaluationError when it is infinite or no number */
export const floatOf = (value: number): Num => {
  if (Number.isNaN(value)) throw new EvaluationError('the result is not a number')
  if (!Number.isFinite(value)) throw new EvaluationError('the result is infinite')
  return isNatural(value) ? new Float(value) : value
}

/** Two natural numbers give a natural one, else both count as floating. @throws EvaluationError */
export const calculate = (left: Num, operator: Arithmetic, right: Num): Num => {
  if (!isNatural(left) || !isNatural(right)) return floatOf(calculateFloat(toFloat(left), operator, toFloat(right)))
  if (typeof left === 'number' && typeof right === 'number' && operator !== '^') {
    const result = operator === '+' ? left + right : operator === '-' ? left - right : operator === '*' ? left * right : undefined
    if (result !== undefined && result >= 0 && Number.isSafeInteger(result)) return result
  }
  return naturalOf(calculateNatural(BigInt(left), operator, BigInt(right)))
}

const calculateFloat = (left: number, operator: Arithmetic, right: number): number => {
  switch (operator) {
    case '+': return left + right
    case '-': return left - right
    case '*': return left * right
    case '/': return left / nonZero(right)
    case '%': return left % nonZero(right)
    case '^': return left ** right
  }
}

const nonZero = <T extends number | bigint>(divisor: T): T => {
  if (Number(divisor) === 0) throw new EvaluationError('division by zero')
  return divisor
}

const calculateNatural = (left: bigint, operator: Arithmetic, right: bigint): bigint => {
  switch (operator) {
    case '+': return left + right
    case '-': return left - right
    case '*': return left * right
    case '/': return left / nonZero(right)
    case '%': return left % nonZero(right)
    case '^': return power(left, right)
  }
}

/** Without calculating what is far above the highest natural number. */
const power = (base: bigint, exponent: bigint): bigint => (base > 1n && exponent > 64n ? naturalMax + 1n : base > 1n ? base ** exponent : exponent === 0n ? 1n : base)

export const compareNumbers = (left: Num, right: Num): number => {
  const [a, b] = isNatural(left) && isNatural(right) ? [left, right] : [toFloat(left), toFloat(right)]
  return a < b ? -1 : a > b ? 1 : 0
}

export const printNumber = (value: Num): string => String(value instanceof Float ? value.value : value)

/** The same for numbers that are equal. */
export const numberKey = (value: Num): string => {
  const float = toFloat(value)
  return typeof value === 'bigint' ? String(value) : Number.isInteger(float) ? String(BigInt(float)) : String(float)
}
