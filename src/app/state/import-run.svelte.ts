import { isArchive, type ArchiveReport, type Node } from '../../index.ts'
import type { ImportProgress, ImportReport } from '../import/import-file.ts'
import type { ImportErrorCode } from '../import/errors.ts'
import type { BadLine } from '../import/import-file.ts'
import type { Key, Values } from '../i18n/words.svelte.ts'

export type ImportState =
  | { readonly type: 'idle' }
  | { readonly type: 'running'; readonly name: string; readonly progress: ImportProgress | undefined }
  | { readonly type: 'ended'; readonly name: string; readonly report: ImportReport }
  /** The file was an archive of a tablet. */
  | { readonly type: 'archived'; readonly name: string; readonly report: ArchiveReport }

const ERROR_KEY: Readonly<Record<ImportErrorCode, Key>> = {
  'IMPORT-EMPTY': 'import.error.empty', 'IMPORT-NOT-EVENTS': 'import.error.events', 'IMPORT-COLUMNS': 'import.error.columns', 'IMPORT-NO-EVENTS': 'import.error.none',
  'IMPORT-FILE-CHANGED': 'import.error.changed', 'IMPORT-FILE-UNREADABLE': 'import.error.changed', 'IMPORT-NOT-STORED': 'import.error.stored',
}

/** Which text says why a file was not read in. */
export const importErrorKey = (code: ImportErrorCode): Key => ERROR_KEY[code]

/** Why a line was left out. */
export const badLineWords = ({ reason }: BadLine): readonly [Key, Values] =>
  reason === 'encoding' || reason === 'length' || reason === 'json' || reason === 'quotes' ? [`import.bad.${reason}`, {}] : ['import.bad.field', { field: reason }]

/** Enough to know an archive by. */
const ARCHIVE_START_BYTES = 32

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
    this.#take(file, progress).then(
      (ended) => (this.#state = ended),
      (error: unknown) => {
        this.#state = { type: 'idle' }
        reportError(error)
      },
    )
  }

  async #take(file: File, progress: (now: ImportProgress) => void): Promise<ImportState> {
    const { name } = file
    const start = new Uint8Array(await file.slice(0, ARCHIVE_START_BYTES).arrayBuffer())
    if (isArchive(start)) return { type: 'archived', name, report: await this.#node.takeArchive(new Uint8Array(await file.arrayBuffer())) }
    // Most tablets never read in a file: what does it is loaded when one is.
    const { importFile } = await import('../import/import-file.ts')
    return { type: 'ended', name, report: await importFile(this.#node, file, { signal: this.#abort.signal, progress }) }
  }

  readonly readSample = (): void => {
    import('../sample/sample.ts').then(({ sampleFile }) => this.read(sampleFile())).catch((error: unknown) => reportError(error))
  }

  readonly cancel = (): void => this.#abort.abort()
}
