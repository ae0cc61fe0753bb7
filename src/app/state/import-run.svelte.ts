import type { Node } from '../../index.ts'
import type { ImportProgress, ImportReport } from '../import/import-file.ts'
import type { ImportErrorCode } from '../import/errors.ts'
import type { BadLine } from '../import/import-file.ts'
import type { Key, Values } from '../i18n/words.svelte.ts'

export type ImportState =
  | { readonly type: 'idle' }
  | { readonly type: 'running'; readonly name: string; readonly progress: ImportProgress | undefined }
  | { readonly type: 'ended'; readonly name: string; readonly report: ImportReport }

const ERROR_KEY: Readonly<Record<ImportErrorCode, Key>> = {
  'IMPORT-EMPTY': 'import.error.empty', 'IMPORT-NOT-EVENTS': 'import.error.events', 'IMPORT-COLUMNS': 'import.error.columns', 'IMPORT-NO-EVENTS': 'import.error.none',
  'IMPORT-FILE-CHANGED': 'import.error.changed', 'IMPORT-FILE-UNREADABLE': 'import.error.changed', 'IMPORT-NOT-STORED': 'import.error.stored',
}

/** Which text says why a file was not read in. */
export const importErrorKey = (code: ImportErrorCode): Key => ERROR_KEY[code]

/** Why a line was left out. */
export const badLineWords = ({ reason }: BadLine): readonly [Key, Values] =>
  reason === 'encoding' || reason === 'length' || reason === 'json' || reason === 'quotes' ? [`import.bad.${reason}`, {}] : ['import.bad.field', { field: reason }]

/** Reading in one file after another, with what it says while it runs. It goes on when the screen is left. */
export class ImportRun {
  readonly #node: Node
  #state = $state.raw<ImportState>({ type: 'idle' })
  #abort = new AbortController()

  constructor(node: Node) {
    this.#node = node
  }

  get current(): ImportState {
    return this.#state
  }

  readonly read = (file: File): void => {
    if (this.#state.type === 'running') return
    this.#abort = new AbortController()
    this.#state = { type: 'running', name: file.name, progress: undefined }
    const progress = (now: ImportProgress): void => {
      this.#state = { type: 'running', name: file.name, progress: now }
    }
    // Most tablets never read in a file: what does it is loaded when one is.
    const { signal } = this.#abort
    import('../import/import-file.ts').then(({ importFile }) => importFile(this.#node, file, { signal, progress })).then(
      (report) => (this.#state = { type: 'ended', name: file.name, report }),
      (error: unknown) => {
        this.#state = { type: 'idle' }
        reportError(error)
      },
    )
  }

  readonly readSample = (): void => {
    import('../sample/sample.ts').then(({ sampleFile }) => this.read(sampleFile())).catch((error: unknown) => reportError(error))
  }

  readonly cancel = (): void => this.#abort.abort()
}
