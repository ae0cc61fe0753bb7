import type { DurationUnit } from './ast.ts'
import { EvaluationError } from './errors.ts'
import { isNatural, naturalOf, toFloat } from './number.ts'
import { beginningOf, calendarPart, formatMicros, isWritable, parseIsoDate, zoneMinutes, type CalendarPart } from './time.ts'
import { asArray, asNumber, asString, compareValues, describe, isArray, Timestamp, type Value } from './value.ts'

/** A function over values. */
export interface ValueFunction {
  /** How many parameters it takes, at least and at most. */
  readonly arity: readonly [number, number]
  readonly call: (parameters: readonly Value[]) => Value
}

const at = (parameters: readonly Value[], index: number): Value => parameters[index] ?? null
const text = (parameters: readonly Value[], index: number): string => asString(at(parameters, index))

/** Characters, not the units of JavaScript: a position never falls into the middle of one. */
const characters = (value: string): readonly string[] => [...value]

/** @throws EvaluationError unless it is natural */
const position = (value: Value): number => {
  const number = asNumber(value)
  if (!isNatural(number)) throw new EvaluationError(`${describe(value)} is no position: 0, 1, 2, …`)
  return Number(number)
}

const micros = (value: Value): number => {
  if (value instanceof Timestamp) return value.micros
  throw new EvaluationError(`${describe(value)} is not a timestamp`)
}

const timestampOf = (value: number | undefined, from: Value): Timestamp => {
  if (value === undefined || !isWritable(value)) throw new EvaluationError(`${describe(from)} is no time from year 0 to 9999`)
  return new Timestamp(value)
}

/** Minutes east of UTC of the optional last parameter. */
const zone = (parameters: readonly Value[], index: number): number => {
  if (parameters.length <= index) return 0
  const minutes = zoneMinutes(text(parameters, index))
  if (minutes === undefined) throw new EvaluationError(`${describe(at(parameters, index))} is no time zone: 'Z' or '+01:00'`)
  return minutes
}

const one = (call: (value: string) => Value): ValueFunction => ({ arity: [1, 1], call: (parameters) => call(text(parameters, 0)) })
const two = (call: (value: string, other: string) => Value): ValueFunction => ({ arity: [2, 2], call: (parameters) => call(text(parameters, 0), text(parameters, 1)) })
const calendar = (part: CalendarPart): ValueFunction => ({ arity: [1, 2], call: (parameters) => calendarPart(micros(at(parameters, 0)), part, zone(parameters, 1)) })

const units: readonly string[] = ['Y', 'M', 'W', 'D', 'h', 'm', 's']
const isUnit = (value: string): value is DurationUnit => units.includes(value)

const truncate = (parameters: readonly Value[]): Value => {
  const unit = text(parameters, 1)
  if (!isUnit(unit)) throw new EvaluationError(`\`${unit}\` is no unit of time: ${units.join(' ')}`)
  return timestampOf(beginningOf(micros(at(parameters, 0)), unit, zone(parameters, 2)), at(parameters, 0))
}

const indexOf = (value: string, part: string): Value => {
  const unit = value.indexOf(part)
  if (unit < 0) throw new EvaluationError(`\`${part.slice(0, 40)}\` does not occur in the text`)
  return characters(value.slice(0, unit)).length
}

const contains = (parameters: readonly Value[]): Value => {
  const whole = at(parameters, 0)
  return isArray(whole) ? whole.some((item) => compareValues(item, at(parameters, 1)) === 0) : asString(whole).includes(text(parameters, 1))
}

const toNumber = (value: string): Value => {
  if (!/^-?\d+(\.\d+)?$/.test(value.trim())) throw new EvaluationError(`\`${value.slice(0, 40)}\` is no number`)
  const whole = /^\d+$/.test(value.trim())
  return whole ? naturalOf(BigInt(value.trim())) : Number(value)
}

/** All are Millpond's own; of Actyx there is `IsDefined` alone, which is no function over values. */
export const functions: ReadonlyMap<string, ValueFunction> = new Map(
  Object.entries<ValueFunction>({
    Length: { arity: [1, 1], call: (parameters) => (isArray(at(parameters, 0)) ? asArray(at(parameters, 0)) : characters(text(parameters, 0))).length },
    Upper: one((value) => value.toUpperCase()),
    Lower: one((value) => value.toLowerCase()),
    Trim: one((value) => value.trim()),
    Contains: { arity: [2, 2], call: contains },
    StartsWith: two((value, part) => value.startsWith(part)),
    EndsWith: two((value, part) => value.endsWith(part)),
    IndexOf: two(indexOf),
    Substring: {
      arity: [2, 3],
      call: (parameters) => characters(text(parameters, 0)).slice(position(at(parameters, 1)), parameters.length > 2 ? position(at(parameters, 2)) : undefined).join(''),
    },
    Replace: { arity: [3, 3], call: (parameters) => text(parameters, 0).split(text(parameters, 1)).join(text(parameters, 2)) },
    Split: two((value, separator) => (separator === '' ? characters(value) : value.split(separator))),
    Join: { arity: [2, 2], call: (parameters) => asArray(at(parameters, 0)).map(asString).join(text(parameters, 1)) },
    ToNumber: one(toNumber),
    Year: calendar('Year'),
    Month: calendar('Month'),
    Day: calendar('Day'),
    Weekday: calendar('Weekday'),
    Hour: calendar('Hour'),
    Minute: calendar('Minute'),
    Second: calendar('Second'),
    Truncate: { arity: [2, 3], call: truncate },
    Micros: { arity: [1, 1], call: (parameters) => micros(at(parameters, 0)) },
    ToTime: {
      arity: [1, 1],
      call: ([value = null]) => timestampOf(typeof value === 'string' ? parseIsoDate(value) : toFloat(asNumber(value)), value),
    },
    FormatTime: { arity: [1, 1], call: (parameters) => formatMicros(micros(at(parameters, 0))) },
  }),
)
