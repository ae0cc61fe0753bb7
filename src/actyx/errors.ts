/**
 * Why a call of the Actyx interface is refused or has ended.
 * `ACTYX-QUERY` the query, its bounds, order or chunk size are not what they may be · `ACTYX-BOUND` an upper bound lies beyond what is present ·
 * `ACTYX-EVENT` what is to be published is no event · `ACTYX-MANIFEST` the manifest has no valid app id · `ACTYX-DISPOSED` `dispose` was called before.
 * Errors of the node and of AQL come as they are: NodeError, StoreError, QueryError.
 */
export type ActyxErrorCode = 'ACTYX-QUERY' | 'ACTYX-BOUND' | 'ACTYX-EVENT' | 'ACTYX-MANIFEST' | 'ACTYX-DISPOSED'

export class ActyxError extends Error {
  override readonly name = 'ActyxError'
  readonly code: ActyxErrorCode
  constructor(code: ActyxErrorCode, message: string) {
    super(`${code}: ${message}`)
    this.code = code
  }
}

/** A value that is not what it should be, for the text of an error. */
export const shown = (value: unknown): string => {
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'a list' : 'an object'
  return typeof value === 'function' ? 'a function' : String(value)
}
