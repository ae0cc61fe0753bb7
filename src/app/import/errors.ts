/**
 * Why a file was not, or not wholly, published.
 * `IMPORT-EMPTY` the file has no bytes · `IMPORT-NOT-EVENTS` neither lines of JSON nor a table with the columns ·
 * `IMPORT-COLUMNS` a table that lacks some of them · `IMPORT-NO-EVENTS` not one line is an event ·
 * `IMPORT-FILE-CHANGED`, `IMPORT-FILE-UNREADABLE` choose it again · `IMPORT-NOT-STORED` the node could not store, `cause` says why; what is stored stays.
 */
export type ImportErrorCode =
  | 'IMPORT-EMPTY' | 'IMPORT-NOT-EVENTS' | 'IMPORT-COLUMNS' | 'IMPORT-NO-EVENTS' | 'IMPORT-FILE-CHANGED' | 'IMPORT-FILE-UNREADABLE' | 'IMPORT-NOT-STORED'

export class ImportError extends Error {
  override readonly name = 'ImportError'
  readonly code: ImportErrorCode
  constructor(code: ImportErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(`${code}: ${message}`, options)
    this.code = code
  }
}
