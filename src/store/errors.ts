/**
 * Why the store could not do as asked.
 * `STORE-QUOTA` the disk or its quota is full · `STORE-UNREADABLE` a record cannot be read or is not what was written ·
 * `STORE-CLOSED` the store was closed · `STORE-LOST` the browser closed the database connection · `STORE-BLOCKED` another window holds it open ·
 * `STORE-STUCK` it cannot be opened again · `STORE-LEFT` what was stored was deleted because a person left the swarm ·
 * `STORE-NEWER` made by a newer version of the program · `STORE-FAILED` anything else, see `cause`.
 */
export type StoreErrorCode =
  | 'STORE-QUOTA' | 'STORE-UNREADABLE' | 'STORE-CLOSED' | 'STORE-LOST' | 'STORE-STUCK' | 'STORE-LEFT' | 'STORE-BLOCKED' | 'STORE-NEWER' | 'STORE-FAILED'

export class StoreError extends Error {
  override readonly name = 'StoreError'
  readonly code: StoreErrorCode
  constructor(code: StoreErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(`${code}: ${message}`, options)
    this.code = code
  }
}
