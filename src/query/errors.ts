/**
 * `AQL-SYNTAX` the text is no query · `AQL-LIMIT` it is too long or too deep · `AQL-EVENTS` a line of `PRAGMA events` is no event ·
 * `AQL-TAG` an interpolated tag is none · `AQL-LIVE` what cannot be kept up to date · `AQL-FAILED` it stopped while running.
 */
export type QueryErrorCode = 'AQL-SYNTAX' | 'AQL-LIMIT' | 'AQL-EVENTS' | 'AQL-TAG' | 'AQL-LIVE' | 'AQL-FAILED'

/** Where in the text: `line` and `column` count from 1, `offset` from 0; columns and offsets are those of JavaScript strings. */
export interface Place {
  readonly offset: number
  readonly line: number
  readonly column: number
}

/** Why a query is not run, or ended. The message names the place and the cause. */
export class QueryError extends Error {
  override readonly name = 'QueryError'
  readonly code: QueryErrorCode
  /** `undefined` where the text as a whole is meant. */
  readonly place: Place | undefined
  constructor(code: QueryErrorCode, message: string, place?: Place, options?: { readonly cause?: unknown }) {
    super(`${code}: ${place === undefined ? '' : `line ${place.line}, column ${place.column}: `}${message}`, options)
    this.code = code
    this.place = place
  }
}

export const placeIn = (text: string, offset: number): Place => {
  const before = text.slice(0, offset).split('\n')
  return { offset, line: before.length, column: (before.at(-1) ?? '').length + 1 }
}

/** An expression has no value for this input: a warning, not the end of the query. */
export class EvaluationError extends Error {
  override readonly name = 'EvaluationError'
}
