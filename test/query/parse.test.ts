import fc from 'fast-check'
import { expect, test } from 'vitest'
import { QueryError } from '../../src/query/errors.ts'
import { parseProgram, parseTags } from '../../src/query/parse.ts'
import { printProgram, printTags } from '../../src/query/print.ts'
import { programOf, tagsOf } from './arbitraries.ts'
import { vectors } from './vectors.ts'

test('what is printed is read as the same tree', () => {
  fc.assert(fc.property(programOf(3), (program) => {
    expect(parseProgram(printProgram(program))).toEqual(program)
  }), { numRuns: 1000 })
  fc.assert(fc.property(tagsOf(3), (tags) => {
    expect(parseTags(printTags(tags))).toEqual(tags)
  }), { numRuns: 300 })
})

test('every text that is a query is printed as one that means the same', () => {
  for (const { text, expected } of vectors) {
    if (expected.type === 'refused' || text.length > 10_000) continue
    const program = parseProgram(text)
    expect(parseProgram(printProgram(program))).toEqual(program)
  }
})

test('any text is a query or is refused with a code and a place', () => {
  const words = fc.constantFrom('FROM', 'SELECT', 'FILTER', 'AGGREGATE', 'SUM(', 'CASE', '=>', 'ENDCASE', "'a'", '`', '{', '}', '(', ')', '[', ']', '1', '-', '??', '_', '.x', 'PRAGMA events\n', 'ENDPRAGMA\n', ',', '\u{1F436}')
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.array(words, { maxLength: 30 }).map((all) => all.join(' '))), (text) => {
      try {
        parseProgram(text)
      } catch (error) {
        expect(error).toBeInstanceOf(QueryError)
        if (error instanceof QueryError) expect(error.place?.offset).toBeLessThanOrEqual(text.length)
      }
    }),
    { numRuns: 2000 },
  )
})

test('a place is told by line and column', () => {
  expect(() => parseProgram("FROM 'a'\n  FILTER\n  _ = = 1")).toThrow('AQL-SYNTAX: line 3, column 7: expected an expression, found `=`')
})

test('tag expressions of Actyx are read, however long', () => {
  expect(parseTags("'a' & 'b' & isLocal | 'c''d'")).toEqual({
    type: 'or', operands: [{ type: 'and', operands: [{ type: 'tag', name: 'a' }, { type: 'tag', name: 'b' }, { type: 'isLocal' }] }, { type: 'tag', name: "c'd" }],
  })
  const many = parseTags(Array.from({ length: 100_000 }, (_, at) => `'t${at}'`).join(' | '))
  expect(many.type === 'or' && many.operands.length).toBe(100_000)
})
