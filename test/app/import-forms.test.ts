import { describe, expect, test } from 'vitest'
import { ImportError } from '../../src/app/import/errors.ts'
import { printFile, readLines } from '../../src/app/import/lines.ts'
import { formOf } from '../../src/app/import/forms.ts'
import type { ParsedLine } from '../../src/app/import/record.ts'
import { ndjson, record } from './import-files.ts'

const MEBIBYTE = 1_048_576

const linesOf = async (file: Blob) => {
  const slices = []
  for await (const { lines } of readLines(file, await printFile(file, () => {}))) slices.push(lines)
  return slices.flat()
}

const parse = async (file: Blob): Promise<readonly ParsedLine[]> => {
  const lines = await linesOf(file)
  const [first] = lines
  if (first === undefined) return []
  const form = formOf(first)
  return [...lines.flatMap((line) => form.take(line)), ...form.end()]
}

/** What became of each line: `3 good` or `3 json`. */
const verdicts = async (file: Blob): Promise<readonly string[]> => (await parse(file)).map((line) => `${line.line} ${line.type === 'bad' ? line.reason : 'good'}`)

describe('lines', () => {
  const text = (bytes: Uint8Array | undefined): string | undefined => (bytes === undefined ? undefined : new TextDecoder().decode(bytes))
  /** 64 bytes with its newline: so many of them fill a slice. */
  const row = 'x'.repeat(63)
  const rows = MEBIBYTE / 64
  const cases: readonly (readonly [string, string, readonly (string | undefined)[]])[] = [
    ['no newline at the end', 'a\nb', ['a', 'b']],
    ['a newline at the end begins no line', 'a\nb\n', ['a', 'b']],
    ['empty lines count', 'a\n\nb\n', ['a', '', 'b']],
    ['carriage returns go with the newline', 'a\r\nb\r\n', ['a', 'b']],
    ['the longest line', `${'x'.repeat(65_536)}\nb`, ['x'.repeat(65_536), 'b']],
    ['a longer one is none, the next is whole', `${'x'.repeat(65_537)}\nb`, [undefined, 'b']],
    ['a longer one at the end', `a\n${'x'.repeat(65_537)}`, ['a', undefined]],
    ['a line across two slices', `${`${row}\n`.repeat(rows - 1)}${row}abc\nd`, [...Array<string>(rows - 1).fill(row), `${row}abc`, 'd']],
    ['a newline at the end of a slice', `${`${row}\n`.repeat(rows)}d`, [...Array<string>(rows).fill(row), 'd']],
    ['a line over several slices', `a\n${'x'.repeat(3 * MEBIBYTE)}\nb\n`, ['a', undefined, 'b']],
  ]
  test.each(cases)('[G6] %s', async (_title, content, expected) => {
    const lines = await linesOf(new Blob([content]))
    expect(lines.map(({ line }) => line)).toEqual(expected.map((_, index) => index + 1))
    expect(lines.map(({ bytes }) => text(bytes))).toEqual(expected)
  })

  test('[G6] a file that changed after it was hashed is refused before a line of the change is used', async () => {
    const print = await printFile(new Blob(['a\n'.repeat(MEBIBYTE)]), () => {})
    const changed = new Blob(['a\n'.repeat(MEBIBYTE / 2), 'b\n'.repeat(MEBIBYTE / 2)])
    let slices = 0
    const read = async () => {
      for await (const slice of readLines(changed, print)) slices += slice.lines.length > 0 ? 1 : 0
    }
    await expect(read()).rejects.toMatchObject({ code: 'IMPORT-FILE-CHANGED' })
    expect(slices).toBe(1)
  })
})

describe('lines of JSON', () => {
  const good = record(1)
  const cases: readonly (readonly [string, unknown, string])[] = [
    ['an event', good, 'good'],
    ['an event with counts', { ...good, good: 5, scrap: 0, part: 'FL-120', quantity: 5, due: '2026-03-10' }, 'good'],
    ['fields that are not known', { ...good, operator: 7 }, 'good'],
    ['no JSON', '{"time":', 'json'],
    ['JSON that is no object', '[1]', 'json'],
    ['a number', '7', 'json'],
    ['no time', { ...good, time: undefined }, 'time'],
    ['a time without offset', { ...good, time: '2026-03-09T06:00:00' }, 'time'],
    ['a day that does not exist', { ...good, time: '2026-02-31T06:00:00Z' }, 'time'],
    ['an empty order', { ...good, case: '' }, 'case'],
    ['an order that is a number', { ...good, case: 7 }, 'case'],
    ['a name that is too long', { ...good, activity: 'x'.repeat(201) }, 'activity'],
    ['a name with a line break', { ...good, activity: 'OP10\nOP20' }, 'activity'],
    ['half a character', { ...good, resource: 'TM\ud800' }, 'resource'],
    ['a name that is too long when composed', { ...good, case: '\u{1d160}'.repeat(100) }, 'case'],
    ['the longest name', { ...good, case: '\u20ac'.repeat(200) }, 'good'],
    ['no station', { ...good, resource: undefined }, 'resource'],
    ['another transition', { ...good, transition: 'suspend' }, 'transition'],
    ['negative scrap', { ...good, scrap: -1 }, 'scrap'],
    ['half a piece', { ...good, good: 0.5 }, 'good'],
    ['a due that is no date', { ...good, due: 'Friday' }, 'due'],
  ]
  test.each(cases)('[G6] %s', async (_title, line, expected) => {
    expect(await verdicts(ndjson([good, line, good]))).toEqual(['1 good', `2 ${expected === 'good' ? 'good' : expected}`, '3 good'])
  })

  test('[G6] empty lines are no lines, a byte-order mark is none of them', async () => {
    expect(await verdicts(new Blob(['\uFEFF', JSON.stringify(good), '\r\n\r\n', JSON.stringify(good)]))).toEqual(['1 good', '3 good'])
  })

  test('[G6] a line that is not UTF-8 is bad, the others stay', async () => {
    expect(await verdicts(new Blob([JSON.stringify(good), '\n', new Uint8Array([0x7b, 0xff, 0x7d]), '\n', JSON.stringify(good)]))).toEqual(['1 good', '2 encoding', '3 good'])
  })
})

describe('tables', () => {
  test('[G7] a formula, markup and names of properties in a table are text', async () => {
    const names = ['=HYPERLINK("//x","y")', '+1+cmd|\' /C calc\'!A0', '@SUM(A1)', '<img src=x onerror=alert(1)>', '__proto__']
    const cell = (text: string): string => `"${text.replaceAll('"', '""')}"`
    const rows = names.map((name) => `2026-03-09T06:00:00.000+01:00,${cell(name)},OP10,TM4,start`)
    const parsed = await parse(new Blob([`time,case,activity,resource,transition\n${rows.join('\n')}\n`]))
    expect(parsed.map((line) => (line.type === 'record' ? line.record.case : line.reason))).toEqual(names)
    const strange = await parse(new Blob(['time,case,activity,resource,transition,__proto__,constructor\n2026-03-09T06:00:00.000+01:00,W1,OP10,TM4,start,x,y\n']))
    expect([strange, ({} as Readonly<Record<string, unknown>>)['x']]).toEqual([[expect.objectContaining({ type: 'record' })], undefined])
  })

  const row = '2026-03-09T06:00:00.000+01:00,W1,OP10,TM4,start'
  const header = 'time,case,activity,resource,transition'
  const recordsOf = async (file: Blob) => (await parse(file)).flatMap((line) => (line.type === 'record' ? [line.record] : []))
  const expected = { time: '2026-03-09T06:00:00.000+01:00', case: 'W1', activity: 'OP10', resource: 'TM4', transition: 'start' }
  const plain: readonly (readonly [string, string])[] = [
    ['commas', `${header}\n${row}\n`],
    ['semicolons, byte-order mark and CRLF, as a German Excel writes', `\uFEFF${header}\r\n${row}\r\n`.replaceAll(',', ';')],
    ['tabs', `${header}\n${row}`.replaceAll(',', '\t')],
    ['quotes around everything', `${header}\n${row}`.split('\n').map((line) => line.split(',').map((cell) => `"${cell}"`).join(',')).join('\n')],
    ['columns in another order, more of them, capitals', `Station no,Transition,RESOURCE,activity, case ,time\n7,start,TM4,OP10,W1,${expected.time}\n`],
    ['empty lines', `${header}\n\n${row}\n\n`],
  ]
  test.each(plain)('[G6] %s', async (_title, content) => {
    expect(await recordsOf(new Blob([content]))).toEqual([expected])
  })

  test('[G6] delimiters, quotes and line breaks inside quotes; a record has the number of its first line', async () => {
    const lines = await parse(new Blob([`${header},note\n${row.replace('OP10', '"Mill ""A"", fine"')},"one\ntwo; three"\n${row}\n`]))
    expect(lines.map(({ line }) => line)).toEqual([2, 4])
    expect(lines[0]).toMatchObject({ record: { activity: 'Mill "A", fine' } })
  })

  test('[G6] pieces are numbers, empty cells are not said', async () => {
    const more = `${header},good,scrap,quantity,part,due\n${row},5,0,,FL-120,\n`
    expect(await recordsOf(new Blob([more]))).toEqual([{ ...expected, good: 5, scrap: 0, part: 'FL-120' }])
    expect(await verdicts(new Blob([`${header},good\n${row},five\n${row},5\n`]))).toEqual(['2 good', '3 good'])
  })

  test('[G6] umlauts in UTF-8 and in windows-1252', async () => {
    const text = `${header}\n${row.replace('TM4', 'Säge 2')}\n`
    const windows = Uint8Array.from(text, (character) => character.charCodeAt(0))
    for (const file of [new Blob([text]), new Blob([windows])]) expect((await recordsOf(file))[0]?.resource).toBe('Säge 2')
  })

  const stray: readonly (readonly [string, string, readonly string[]])[] = [
    ['a quote inside a cell is a character', `${header}\n${row.replace('OP10', '5" pipe')}\n${row.replace('OP10', '6" pipe')}\n`, ['2 good', '3 good']],
    ['a quote that nothing closes makes its own line bad', `${header}\n${row.replace('OP10', '"OP10')}\n${row}\n${row}\n`, ['2 quotes', '3 good', '4 good']],
    ['and costs no more than itself in a long file', `${header}\n${row.replace('OP10', '"OP10')}\n${`${row}\n`.repeat(500)}`, ['2 quotes', ...Array.from({ length: 500 }, (_, index) => `${index + 3} good`)]],
    ['one that another closes far below swallows nothing', `${header}\n${row.replace('OP10', '"OP10')}\n${row}\n${row.replace('TM4', '"TM4"')}\n${row}\n`, ['2 quotes', '3 good', '4 good', '5 good']],
    ['nor one at the end of a line', `${header}\n${row.replace('OP10', '"OP10')}\n${row}\n${row}"\n${row}\n`, ['2 quotes', '3 good', '4 transition', '5 good']],
    ['each of many', `${header}\n${`${row.replace('OP10', '"OP10')}\n${row}\n`.repeat(60)}`, Array.from({ length: 120 }, (_, index) => `${index + 2} ${index % 2 === 0 ? 'quotes' : 'good'}`)],
    ['what follows a closing quote', `${header}\n${row.replace('OP10', '"OP"10')}\n${row}\n`, ['2 quotes', '3 good']],
    ['too few cells', `${header}\nW1,OP10\n${row}\n`, ['2 time', '3 good']],
  ]
  test.each(stray)('[G6] %s', async (_title, content, expectedVerdicts) => {
    expect(await verdicts(new Blob([content]))).toEqual(expectedVerdicts)
  })

  const refused: readonly (readonly [string, BlobPart, string])[] = [
    ['a picture', new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0, 0, 0, 13]), 'IMPORT-NOT-EVENTS'],
    ['UTF-16', new Uint8Array([0xff, 0xfe, 0x74, 0x00]), 'IMPORT-NOT-EVENTS'],
    ['a letter', 'Dear all,\n', 'IMPORT-NOT-EVENTS'],
    ['an array of JSON', '[\n', 'IMPORT-NOT-EVENTS'],
    ['a table without a station', 'time;case;activity;transition\n', 'IMPORT-COLUMNS'],
    ['a first line without an end', 'x'.repeat(70_000), 'IMPORT-NOT-EVENTS'],
  ]
  test.each(refused)('[G6] %s is refused with a reason', async (_title, content, code) => {
    const error: unknown = await parse(new Blob([content])).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(ImportError)
    expect(error).toMatchObject({ code })
  })
})
