import { codeOf } from './error-code.ts'
import { archiveFile, type SaveFile } from './archive-file.ts'
import type { Entry } from './entry.ts'

export type ArchiveState =
  | { readonly type: 'idle' }
  | { readonly type: 'running' }
  /** The file was handed to the browser. `code`: what kept it from being whole. */
  | { readonly type: 'done'; readonly bytes: number; readonly code: string }
  | { readonly type: 'failed'; readonly code: string }

/** A file that a person keeps, of what can be read on this tablet and of what could not be recorded. */
export class ArchiveRun {
  readonly #save: SaveFile
  #state = $state.raw<ArchiveState>({ type: 'idle' })

  constructor(save: SaveFile) {
    this.#save = save
  }

  get current(): ArchiveState {
    return this.#state
  }

  readonly write = (lines: AsyncIterable<string>, unsaved: readonly Entry[], name: string): void => {
    this.#state = { type: 'running' }
    archiveFile(lines, unsaved).then(({ file, code }) => {
      if (file === undefined) return (this.#state = { type: 'failed', code })
      this.#save(name, file)
      return (this.#state = { type: 'done', bytes: file.size, code })
    }, (error: unknown) => (this.#state = { type: 'failed', code: codeOf(error) }))
  }
}
