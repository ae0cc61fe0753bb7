import type { Entry } from './entry.ts'
import { codeOf } from './error-code.ts'

/** What makes a file of a text. */
export type SaveFile = (name: string, text: Blob) => void

export interface ArchiveFile {
  /** `undefined`: nothing could be read. */
  readonly file: Blob | undefined
  /** What kept it from being whole. */
  readonly code: string
}

/** The file of what can be read, and of what could not be recorded. What could be read before the disk failed is kept. */
export const archiveFile = async (lines: AsyncIterable<string>, unsaved: readonly Entry[]): Promise<ArchiveFile> => {
  const parts: string[] = []
  let code = ''
  try {
    for await (const line of lines) parts.push(line)
  } catch (error) {
    console.error(error)
    code = codeOf(error)
  }
  parts.push(...unsaved.map(({ events, atMicros }) => `${JSON.stringify({ unsaved: events, atMicros })}\n`))
  return { file: parts.length === 0 ? undefined : new Blob(parts, { type: 'application/x-ndjson' }), code }
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
