import type { TaggedEvent } from '../../index.ts'
import { operationEvent } from '../orders/actions.ts'
import { isDate, isName, isPieces, isTime } from '../orders/payload.ts'

/** One line of a file of events. The last five may be absent. */
export interface ImportRecord {
  readonly time: string
  /** The order. */
  readonly case: string
  /** The operation. */
  readonly activity: string
  /** The station. */
  readonly resource: string
  readonly transition: 'start' | 'complete'
  readonly part?: string
  readonly quantity?: number
  readonly due?: string
  readonly good?: number
  readonly scrap?: number
}

/** Columns that every file has. */
export const COLUMNS = ['time', 'case', 'activity', 'resource', 'transition'] as const
/** Columns that a file may have. */
export const MORE_COLUMNS = ['part', 'quantity', 'due', 'good', 'scrap'] as const

/**
 * Why a line is not an event. `encoding` not UTF-8 · `length` longer than 64 KiB · `json` not a JSON object · `quotes` a quote that nothing closes ·
 * otherwise the field that is absent or not valid.
 */
export type BadLineReason = 'encoding' | 'length' | 'json' | 'quotes' | keyof ImportRecord

/** What stands on a line. `line` is 1-based, that of its beginning; `text` its first 100 characters. */
export type ParsedLine =
  | { readonly line: number; readonly type: 'record'; readonly record: ImportRecord }
  | { readonly line: number; readonly type: 'bad'; readonly reason: BadLineReason; readonly text: string }

export const badLine = (line: number, reason: BadLineReason, text: string): ParsedLine => ({ line, type: 'bad', reason, text: text.slice(0, 100) })

/** Checks the fields of a line; those it does not know are left alone. */
export const parseRecord = (line: number, fields: Readonly<Record<string, unknown>>, text: string): ParsedLine => {
  const { time, transition, quantity, due, good, scrap } = fields
  const [order, activity, resource, part] = [fields['case'], fields['activity'], fields['resource'], fields['part']].map(composed)
  const bad = (reason: BadLineReason): ParsedLine => badLine(line, reason, text)
  if (!isTime(time)) return bad('time')
  if (!isName(order)) return bad('case')
  if (!isName(activity)) return bad('activity')
  if (!isName(resource)) return bad('resource')
  if (transition !== 'start' && transition !== 'complete') return bad('transition')
  if (part !== undefined && !isName(part)) return bad('part')
  if (due !== undefined && !isDate(due)) return bad('due')
  if (quantity !== undefined && !isPieces(quantity)) return bad('quantity')
  if (good !== undefined && !isPieces(good)) return bad('good')
  if (scrap !== undefined && !isPieces(scrap)) return bad('scrap')
  const more = { ...(part !== undefined && { part }), ...(due !== undefined && { due }), ...(quantity !== undefined && { quantity }) }
  const counts = { ...(good !== undefined && { good }), ...(scrap !== undefined && { scrap }) }
  return { line, type: 'record', record: { time, case: order, activity, resource, transition, ...more, ...counts } }
}

/** As an event will have it: what is too long then is too long. */
const composed = (value: unknown): unknown => (typeof value === 'string' ? value.normalize() : value)

/** The event that a line becomes; `tag` names its file. */
export const recordToEvent = (record: ImportRecord, line: number, tag: string): TaggedEvent => {
  const { time, case: order, activity: operation, resource: station, transition, ...more } = record
  const type = transition === 'start' ? 'operationStarted' : 'operationFinished'
  return operationEvent({ type, order, operation, station, time, line, ...more }, [tag])
}
