import Papa from 'papaparse'
import { ImportError } from './errors.ts'
import type { Line } from './lines.ts'
import { LINE_BYTES_MAX } from './lines.ts'
import type { BadLineReason, ParsedLine } from './record.ts'
import { COLUMNS, MORE_COLUMNS, badLine, parseRecord } from './record.ts'

/** A record of a table ends within so many lines, and within the length of the longest one: a quote that nothing closes costs no more. */
const RECORD_LINES_MAX = 100

/** Makes records of lines, in order. `end` gives what was still waiting for its end. */
export interface Form {
  readonly take: (line: Line) => readonly ParsedLine[]
  readonly end: () => readonly ParsedLine[]
}

/**
 * The form of a file by its first line that is not empty: lines of JSON, or a table with a header row.
 *
 * @throws ImportError `IMPORT-NOT-EVENTS`, `IMPORT-COLUMNS`
 */
export const formOf = (first: Line): Form => {
  const text = first.bytes === undefined ? undefined : decodeTable(first.bytes)
  if (text === undefined || text.includes('\0')) throw new ImportError('IMPORT-NOT-EVENTS', 'the file is not text in UTF-8')
  return text.trimStart().startsWith('{') ? jsonForm : tableForm(text)
}

const jsonForm: Form = {
  take: (line) => {
    const text = decode(line, decodeUtf8)
    if (typeof text !== 'string') return [text]
    const fields = text.trim() === '' ? 'empty' : parseJson(text)
    if (fields === 'empty') return []
    return [fields === undefined ? badLine(line.line, 'json', text) : parseRecord(line.line, fields, text)]
  },
  end: () => [],
}

/** A record may go on over several lines inside quotes; it has the number of its first line. */
const tableForm = (header: string): Form => {
  const { delimiter, columns } = readHeader(header)
  let held: readonly HeldLine[] = []
  let isHeader = true
  const takeText = (line: number, text: string): readonly ParsedLine[] => {
    held = [...held, { line, text }]
    if (held.length > 1 && !text.includes('"')) return isTooLong(held) ? giveUp() : []
    const [first = { line, text }] = held
    const whole = held.map((part) => part.text).join('\n')
    const row = readRow(whole, delimiter)
    if (row === 'open') return isTooLong(held) ? giveUp() : []
    const parsed = row === 'broken' ? badLine(line, 'quotes', text) : parseRecord(first.line, fieldsOf(row, columns), whole)
    if (parsed.type === 'bad' && held.length > 1) return giveUp()
    held = []
    return whole.trim() === '' ? [] : [parsed]
  }
  /** A quote that nothing closes makes its own line bad, not those after it: they are read again. */
  const giveUp = (): readonly ParsedLine[] => {
    const [first, ...rest] = held
    held = []
    return first === undefined ? [] : [badLine(first.line, 'quotes', first.text), ...rest.flatMap(({ line, text }) => takeText(line, text))]
  }
  const end = (): readonly ParsedLine[] => {
    const found: ParsedLine[] = []
    while (held.length > 0) found.push(...giveUp())
    return found
  }
  const take = (line: Line): readonly ParsedLine[] => {
    if (isHeader) {
      isHeader = false
      return []
    }
    const text = decode(line, decodeTable)
    return typeof text === 'string' ? takeText(line.line, text) : [...end(), text]
  }
  return { take, end }
}

interface HeldLine {
  readonly line: number
  readonly text: string
}

const isTooLong = (held: readonly HeldLine[]): boolean => held.length > RECORD_LINES_MAX || held.reduce((units, { text }) => units + text.length, 0) > LINE_BYTES_MAX

const readHeader = (header: string): { readonly delimiter: string; readonly columns: readonly string[] } => {
  const readings = [',', ';', '\t'].map((delimiter) => {
    const row = readRow(header, delimiter)
    const columns = typeof row === 'string' ? [] : row.map((name) => name.trim().toLowerCase())
    return { delimiter, columns, missing: COLUMNS.filter((column) => !columns.includes(column)) }
  })
  const best = readings.reduce((a, b) => (b.missing.length < a.missing.length ? b : a))
  if (best.missing.length === COLUMNS.length) throw new ImportError('IMPORT-NOT-EVENTS', `neither lines of JSON nor a table with the columns ${COLUMNS.join(', ')}`)
  if (best.missing.length > 0) throw new ImportError('IMPORT-COLUMNS', `the table lacks: ${best.missing.join(', ')}`)
  return best
}

const fieldsOf = (row: readonly string[], columns: readonly string[]): Readonly<Record<string, unknown>> => {
  const said = [...COLUMNS, ...MORE_COLUMNS].map((name) => [name, row[columns.indexOf(name)]] as const).filter(([, cell]) => cell !== undefined && cell !== '')
  return Object.fromEntries(said.map(([name, cell]) => [name, COUNTS.has(name) ? Number(cell) : cell]))
}

const COUNTS: ReadonlySet<string> = new Set(['quantity', 'good', 'scrap'])

/** The cells of one record. `open`: its last quote waits for another line; `broken`: what follows a closing quote is no delimiter. */
const readRow = (text: string, delimiter: string): readonly string[] | 'open' | 'broken' => {
  const { data, errors } = Papa.parse<readonly string[]>(text, { delimiter, newline: '\n' })
  if (errors.some((error) => error.code === 'MissingQuotes')) return 'open'
  if (errors.some((error) => error.type === 'Quotes') || data.length > 1) return 'broken'
  return data[0] ?? []
}

const parseJson = (text: string): Readonly<Record<string, unknown>> | undefined => {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Readonly<Record<string, unknown>>) : undefined
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

/** The text of a line, or the line as a bad one. */
const decode = (line: Line, read: (bytes: Uint8Array) => string | undefined): string | ParsedLine => {
  const bad = (reason: BadLineReason): ParsedLine => badLine(line.line, reason, '')
  return line.bytes === undefined ? bad('length') : (read(line.bytes) ?? bad('encoding'))
}

const utf8 = new TextDecoder('utf-8', { fatal: true })
const windows = new TextDecoder('windows-1252')

const decodeUtf8 = (bytes: Uint8Array): string | undefined => {
  try {
    return utf8.decode(bytes)
  } catch (error) {
    if (error instanceof TypeError) return undefined
    throw error
  }
}

/** A German Excel saves tables in windows-1252 unless told otherwise; what it writes for umlauts is never valid UTF-8. */
const decodeTable = (bytes: Uint8Array): string => decodeUtf8(bytes) ?? windows.decode(bytes)
