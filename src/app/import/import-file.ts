import type { Node, TaggedEvent } from '../../index.ts'
import { parseOperationPayload } from '../orders/payload.ts'
import { ImportError } from './errors.ts'
import type { Form } from './forms.ts'
import { formOf } from './forms.ts'
import type { FilePrint, Line } from './lines.ts'
import { printFile, readLines } from './lines.ts'
import type { ImportRecord, ParsedLine } from './record.ts'
import { recordToEvent } from './record.ts'

export interface ImportOptions {
  /** Which records to publish. Default: all. */
  readonly only?: (record: ImportRecord, line: number) => boolean
  /** Events in one publish, 1 to 1,000. Default 50. */
  readonly batch?: number
  /** Stops the import before the next publish; what is stored stays. */
  readonly signal?: AbortSignal
  readonly progress?: (progress: ImportProgress) => void
}

export interface ImportProgress {
  /** `reading`: to know the file again; `publishing`: what of it is not stored yet. Bytes begin anew in each. */
  readonly phase: 'reading' | 'publishing'
  readonly bytes: number
  readonly bytesAll: number
  readonly counts: ImportCounts
}

/** Lines so far, empty ones not counted. */
export interface ImportCounts {
  /** Published by this import, durable here. */
  readonly published: number
  /** Found published, by this node or any other. */
  readonly already: number
  /** Left out by `only`. */
  readonly leftOut: number
  readonly bad: number
}

export interface ImportReport {
  /** `failed` and `cancelled`: what was published stays, and importing the same file again goes on from there. */
  readonly end: { readonly type: 'complete' } | { readonly type: 'cancelled' } | { readonly type: 'failed'; readonly error: ImportError }
  /** Tag of all events of this file; `undefined`: it was not read to its end. */
  readonly tag: string | undefined
  readonly counts: ImportCounts
  /** In the order of the file, at most 1,000. */
  readonly bad: readonly BadLine[]
}

export type BadLine = Extract<ParsedLine, { readonly type: 'bad' }>

type ImportNode = Pick<Node, 'publish' | 'query'>

const BAD_LISTED_MAX = 1000
/** A publish takes 128 KiB of UTF-8; an UTF-16 code unit makes at most three bytes of it. */
const BATCH_UNITS_MAX = 40_000

/**
 * Publishes the lines of a file as events of this node, each once per file and line number: what events with the file's tag are stored,
 * from whichever node, is not published again. The report says how it ended; only a bug rejects. Two windows import the same file in turn.
 */
export const importFile = async (node: ImportNode, file: Blob, options: ImportOptions = {}): Promise<ImportReport> => {
  const run: Run = { node, options, file, tag: undefined, counts: { published: 0, already: 0, leftOut: 0, bad: 0 }, bad: [] }
  const report = (end: ImportReport['end']): ImportReport => ({ end, tag: run.tag, counts: { ...run.counts }, bad: run.bad })
  try {
    await publishFile(run)
    return report({ type: 'complete' })
  } catch (error) {
    if (options.signal?.aborted === true && !(error instanceof ImportError)) return report({ type: 'cancelled' })
    if (error instanceof ImportError) return report({ type: 'failed', error })
    throw error
  }
}

/** One import under way. */
interface Run {
  readonly node: ImportNode
  readonly options: ImportOptions
  readonly file: Blob
  tag: string | undefined
  readonly counts: { -readonly [K in keyof ImportCounts]: number }
  readonly bad: BadLine[]
}

const publishFile = async (run: Run): Promise<void> => {
  const { file, options } = run
  if (file.size === 0) throw new ImportError('IMPORT-EMPTY', 'the file is empty')
  const print = await printFile(file, (bytes) => tell(run, 'reading', bytes))
  const tag = `import:${print.hash.slice(0, 16)}`
  run.tag = tag
  await inTurn(tag, options.signal, async () => publishLines(run, print, tag))
  const { published, already, leftOut } = run.counts
  if (published + already + leftOut === 0) throw new ImportError('IMPORT-NO-EVENTS', 'not one line of the file is an event')
}

const publishLines = async (run: Run, print: FilePrint, tag: string): Promise<void> => {
  const present = await stored(() => presentLines(run.node, tag))
  const sizeMax = Math.min(Math.max(run.options.batch ?? 50, 1), 1000)
  let batch: TaggedEvent[] = []
  let units = 0
  const flush = async (): Promise<void> => {
    if (batch.length === 0) return
    const events = batch
    batch = []
    units = 0
    run.options.signal?.throwIfAborted()
    await stored(() => run.node.publish(events))
    run.counts.published += events.length
  }
  for await (const { parsed, bytes } of parsedLines(run.file, print)) {
    for (const line of parsed) {
      const event = choose(run, present, line, tag)
      if (event === undefined) continue
      const size = JSON.stringify(event).length
      if (batch.length === sizeMax || units + size > BATCH_UNITS_MAX) {
        await flush()
        tell(run, 'publishing', bytes)
      }
      batch.push(event)
      units += size
    }
    tell(run, 'publishing', bytes)
  }
  await flush()
  tell(run, 'publishing', run.file.size)
}

/** The event to publish for a line, or `undefined` with the reason counted. */
const choose = (run: Run, present: ReadonlySet<number>, line: ParsedLine, tag: string): TaggedEvent | undefined => {
  if (line.type === 'bad') {
    run.counts.bad += 1
    if (run.bad.length < BAD_LISTED_MAX) run.bad.push(line)
    return undefined
  }
  if (run.options.only?.(line.record, line.line) === false) run.counts.leftOut += 1
  else if (present.has(line.line)) run.counts.already += 1
  else return recordToEvent(line.record, line.line, tag)
  return undefined
}

async function* parsedLines(file: Blob, print: FilePrint): AsyncGenerator<{ readonly parsed: readonly ParsedLine[]; readonly bytes: number }> {
  let form: Form | undefined
  for await (const { lines, bytes } of readLines(file, print)) {
    const parsed: ParsedLine[] = []
    for (const line of lines) {
      if (form === undefined && isPreamble(line)) continue
      form ??= formOf(line)
      parsed.push(...form.take(line))
    }
    yield { parsed, bytes }
  }
  yield { parsed: form?.end() ?? [], bytes: file.size }
}

/** What may stand before the first line: nothing, or the word by which some tables say their delimiter. */
const isPreamble = (line: Line): boolean => line.bytes !== undefined && line.bytes.length < 16 && /^\s*(sep=.)?\s*$/.test(new TextDecoder().decode(line.bytes))

/** Lines of the file that are published, found from the events themselves. */
const presentLines = async (node: ImportNode, tag: string): Promise<ReadonlySet<number>> => {
  const lines = new Set<number>()
  for await (const { payload } of node.query({ where: [{ tags: [tag] }] })) {
    const line = parseOperationPayload(payload)?.line
    if (line !== undefined) lines.add(line)
  }
  return lines
}

const stored = async <T>(work: () => Promise<T>): Promise<T> => {
  try {
    return await work()
  } catch (cause) {
    throw new ImportError('IMPORT-NOT-STORED', cause instanceof Error ? cause.message : String(cause), { cause })
  }
}

/** Runs alone among the windows of this browser, where it has locks. */
const inTurn = async (name: string, signal: AbortSignal | undefined, work: () => Promise<void>): Promise<void> => {
  const locks = globalThis.navigator?.locks
  await (locks === undefined ? work() : locks.request(`millpond/${name}`, signal === undefined ? {} : { signal }, work))
}

const tell = (run: Run, phase: ImportProgress['phase'], bytes: number): void => {
  run.options.signal?.throwIfAborted()
  run.options.progress?.({ phase, bytes, bytesAll: run.file.size, counts: { ...run.counts } })
}
