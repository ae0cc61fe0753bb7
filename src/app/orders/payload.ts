import type { JsonValue } from '../../index.ts'

/** What a person or a file recorded about one operation of an order. Events of a file have `line`, those made by hand have none. */
export interface OperationPayload {
  readonly type: 'operationStarted' | 'operationFinished'
  readonly order: string
  readonly operation: string
  readonly station: string
  /** ISO 8601 with offset, as the clock at the station said. For people: never for order. */
  readonly time: string
  /** 1-based line of the imported file. */
  readonly line?: number
  /** Pieces, said by a finish. */
  readonly good?: number
  readonly scrap?: number
  /** What is made, how many, until when (a date): said of the order. */
  readonly part?: string
  readonly quantity?: number
  readonly due?: string
}

/** Longest name of an order, operation, station or part, in UTF-16 code units: three times that still fits a tag. */
export const NAME_LENGTH_MAX = 200
export const PIECES_MAX = 1_000_000_000

const DATE = /^(\d{4})-(0[1-9]|1[0-2])-(\d\d)$/
const CLOCK = /^([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,9})?)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$/

/** Whether it can be shown and be part of a tag: not blank, not too long, no control characters, no half of a surrogate pair. */
export const isName = (value: unknown): value is string =>
  typeof value === 'string' && value.trim() !== '' && value.length <= NAME_LENGTH_MAX && !/[\p{Cc}\p{Surrogate}]/u.test(value)
/** Whether it is ISO 8601 with offset, such as `2026-03-09T06:30:00.000+01:00`. By rules of our own: browsers differ in what they parse, and state must not. */
export const isTime = (value: unknown): value is string => typeof value === 'string' && value[10] === 'T' && isDate(value.slice(0, 10)) && CLOCK.test(value.slice(11))
export const isDate = (value: unknown): value is string => {
  const [, year, month, day] = typeof value === 'string' ? (DATE.exec(value) ?? []) : []
  return day !== undefined && Number(day) >= 1 && Number(day) <= new Date(Date.UTC(Number(year), Number(month), 0)).getUTCDate()
}
export const isPieces = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0 && Number(value) <= PIECES_MAX
export const isLine = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 1

/**
 * The payload of an operation event; `undefined` for anything else. Never throws, whatever the payload is.
 * An optional field of a shape not known here counts as not said, so that a newer app may say more.
 */
export const parseOperationPayload = (payload: JsonValue): OperationPayload | undefined => {
  if (typeof payload !== 'object' || payload === null || Array.isArray(payload)) return undefined
  const { type, order, operation, station, time, line, good, scrap, part, quantity, due } = payload as Readonly<Record<string, unknown>>
  if (type !== 'operationStarted' && type !== 'operationFinished') return undefined
  if (!isName(order) || !isName(operation) || !isName(station) || !isTime(time)) return undefined
  return {
    type, order, operation, station, time,
    ...(isLine(line) && { line }),
    ...(isPieces(good) && { good }),
    ...(isPieces(scrap) && { scrap }),
    ...(isName(part) && { part }),
    ...(isPieces(quantity) && { quantity }),
    ...(isDate(due) && { due }),
  }
}
