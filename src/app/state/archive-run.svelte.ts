import { codeOf } from './entries.svelte.ts'
import type { Entry } from './entry.ts'

export type ArchiveState =
  | { readonly type: 'idle' }
  | { readonly type: 'running' }
  /** The file was handed to the browser. `code`: what kept it from being whole. */
  | { readonly type: 'done'; readonly bytes: number; readonly code: string }
  | { readonly type: 'failed'; readonly code: string }

/** What makes a file of a text. */
export type SaveFile = (name: string, text: Blob) => void

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
    gather(lines).then(({ parts, code }) => {
      const all = [...parts, ...unsaved.map(({ events, atMicros }) => `${JSON.stringify({ unsaved: events, atMicros })}\n`)]
      if (all.length === 0) return (this.#state = { type: 'failed', code })
      const file = new Blob(all, { type: 'application/x-ndjson' })
      this.#save(name, file)
      return (this.#state = { type: 'done', bytes: file.size, code })
    }, (error: unknown) => (this.#state = { type: 'failed', code: codeOf(error) }))
  }
}

/** What could be read before the disk failed is kept. */
const gather = async (lines: AsyncIterable<string>): Promise<{ readonly parts: readonly string[]; readonly code: string }> => {
  const parts: string[] = []
  try {
    for await (const line of lines) parts.push(line)
    return { parts, code: '' }
  } catch (error) {
    console.error(error)
    return { parts, code: codeOf(error) }
  }
}

/** `millpond-TM4-2026-03-09.ndjson` */
export const archiveName = (code: string, nowMicros: number): string =>
  ['millpond', ...(code === '' ? [] : [code]), new Date(nowMicros / 1000).toISOString().slice(0, 10)].join('-') + '.ndjson'

/** Hands a file to the person, as a download. */
export const saveFile = (page: Document): SaveFile => (name, file) => {
  const link = page.createElement('a')
  link.href = URL.createObjectURL(file)
  link.download = name
  link.click()
  // The browser reads it after the click.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000)
}
