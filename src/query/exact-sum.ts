import { floatOf, isNatural, naturalOf, toFloat, type Num } from './number.ts'

/** Bits behind the point that the smallest floating number needs. */
const POINT = 1074n
const view = new DataView(new ArrayBuffer(8))

/** A finite number times 2^1074, exactly. */
const toFixed = (value: number): bigint => {
  view.setFloat64(0, value)
  const bits = view.getBigUint64(0)
  const exponent = (bits >> 52n) & 0x7ffn
  const fraction = bits & 0xf_ffff_ffff_ffffn
  const magnitude = exponent === 0n ? fraction : (fraction | (1n << 52n)) << (exponent - 1n)
  return value < 0 ? -magnitude : magnitude
}

/** The nearest floating number; infinite beyond the largest. */
const fromFixed = (fixed: bigint): number => {
  const magnitude = fixed < 0n ? -fixed : fixed
  const shift = BigInt(magnitude.toString(16).length * 4 - 64)
  if (shift <= 0n) return (fixed < 0n ? -1 : 1) * Number(magnitude) * Number.MIN_VALUE
  const top = magnitude >> shift
  // What is cut off decides only whether exactly half was left: one more bit says so.
  const rounded = Number(top << shift === magnitude ? top : top | 1n) * 2 ** Number(shift - POINT)
  return fixed < 0n ? -rounded : rounded
}

/**
 * A sum of any numbers that is rounded once, at the end: the same whatever order they come in, and numbers can be taken out again.
 * Without that, nodes that heard of the same events in different orders would differ in the last digits.
 */
export class ExactSum {
  #naturals = 0n
  #floats = 0n
  #floatCount = 0

  add(value: Num): void {
    this.#count(value, 1n)
  }

  remove(value: Num): void {
    this.#count(value, -1n)
  }

  /** Natural when all numbers are. @throws EvaluationError beyond 0 … 2^64 - 1, or when it is infinite */
  value(): Num {
    return this.#floatCount === 0 ? naturalOf(this.#naturals) : floatOf(fromFixed((this.#naturals << POINT) + this.#floats))
  }

  #count(value: Num, sign: 1n | -1n): void {
    if (isNatural(value)) this.#naturals += sign * BigInt(value)
    else {
      this.#floats += sign * toFixed(toFloat(value))
      this.#floatCount += Number(sign)
    }
  }
}
