import type { Pragma, Program, Query, SourceOrder, Step, TagExpression } from './ast.ts'
import { ExpressionParser, takeLimit } from './parse-expression.ts'
import { takeIdentifier } from './parse-literals.ts'
import { readTags } from './parse-tags.ts'

const WORD = /[a-zA-Z0-9ø]+/y
const SPACES = /[^\S\n\r]*/y
const LINE = /[^\n]*\n/y
const NEWLINE = /\r?\n/y

/**
 * The tree of a whole query.
 * @throws QueryError `AQL-SYNTAX` with the place, `AQL-LIMIT`
 */
export const parseProgram = (text: string): Program => {
  const parser = new ExpressionParser(text, readQuery)
  const pragmas: Pragma[] = []
  while (parser.takeWord('PRAGMA')) pragmas.push(readPragma(parser))
  const features = readFeatures(parser)
  const explain = parser.takeWord('EXPLAIN')
  const query = readQuery(parser)
  expectEnd(parser, 'a step (FILTER, SELECT, AGGREGATE, GROUP BY, LIMIT, LET) or the end')
  return { pragmas, features, explain, query }
}

/**
 * The tree of a tag expression alone, as `Where.toString()` of Actyx writes it.
 * @throws QueryError `AQL-SYNTAX` with the place, `AQL-LIMIT`
 */
export const parseTags = (text: string): TagExpression => {
  const parser = new ExpressionParser(text, readQuery)
  const tags = readTags(parser)
  expectEnd(parser, '`&`, `|` or the end')
  return tags
}

const expectEnd = (parser: ExpressionParser, expected: string): void => {
  parser.skipBlank()
  if (parser.at < parser.text.length) parser.failExpecting(expected)
}

const readPragma = (parser: ExpressionParser): Pragma => {
  const name = parser.match(WORD) ?? parser.failExpecting('a word after PRAGMA')
  parser.matchHere(SPACES)
  if (parser.text.startsWith(':=', parser.at)) {
    parser.at += 2
    parser.matchHere(SPACES)
    const line = parser.matchHere(LINE)
    return line === undefined ? parser.fail('the line of a PRAGMA ends with a line break') : { name, form: 'line', text: line.replace(/\r?\n$/, '') }
  }
  if (parser.matchHere(NEWLINE) === undefined) return parser.failExpecting('`:=` or a line break after the word')
  const begin = parser.at
  const end = /(?:^|\n)ENDPRAGMA\r?(?:\n|$)/g
  // The line break before ENDPRAGMA may be the one after the word.
  end.lastIndex = begin - 1
  const found = end.exec(parser.text)
  if (found === null) return parser.fail('PRAGMA has no line ENDPRAGMA', begin)
  parser.at = end.lastIndex
  return { name, form: 'block', text: parser.text.slice(begin, Math.max(begin, found.index)) }
}

const readFeatures = (parser: ExpressionParser): readonly string[] => {
  const features: string[] = []
  if (!parser.takeWord('FEATURES')) return features
  parser.expect('(', 'after FEATURES')
  for (let word = parser.match(WORD); word !== undefined; word = parser.match(WORD)) features.push(word)
  parser.expect(')', 'at the end of the features')
  return features
}

const readQuery = (parser: ExpressionParser): Query =>
  parser.nested(() => {
    if (!parser.takeWord('FROM')) return parser.failExpecting('`FROM`')
    const from: Query['from'] = parser.take('[') ? { type: 'array', items: parser.items(']') } : { type: 'events', tags: readTags(parser), order: readOrder(parser) }
    const steps: Step[] = []
    for (let step = readStep(parser); step !== undefined; step = readStep(parser)) steps.push(step)
    parser.takeWord('END')
    return { from, steps }
  })

const readOrder = (parser: ExpressionParser): SourceOrder | undefined => {
  if (!parser.takeWord('ORDER')) return undefined
  const orders: readonly SourceOrder[] = ['ASC', 'DESC', 'STREAM']
  return orders.find((order) => parser.takeWord(order)) ?? parser.failExpecting('ASC, DESC or STREAM after ORDER')
}

const readStep = (parser: ExpressionParser): Step | undefined => {
  if (parser.takeWord('FILTER')) return { type: 'filter', condition: parser.expression() }
  if (parser.takeWord('SELECT')) return { type: 'select', items: parser.items('') }
  if (parser.takeWord('AGGREGATE')) return { type: 'aggregate', by: undefined, value: parser.aggregation() }
  if (parser.takeWord('GROUP')) return readGroup(parser)
  if (parser.takeWord('LIMIT')) return { type: 'limit', count: takeLimit(parser) }
  return parser.takeWord('LET') ? readLet(parser) : undefined
}

const readGroup = (parser: ExpressionParser): Step => {
  if (!parser.takeWord('BY')) parser.failExpecting('`BY` after GROUP')
  const by = parser.expression()
  if (!parser.takeWord('AGGREGATE')) parser.failExpecting('`AGGREGATE` after the expression of GROUP BY')
  return { type: 'aggregate', by, value: parser.aggregation() }
}

const readLet = (parser: ExpressionParser): Step => {
  parser.skipBlank()
  const at = parser.at
  const name = takeIdentifier(parser) ?? parser.failExpecting('a name after LET')
  if (name === '_') parser.fail('`_` is the input of each step; LET takes another name', at)
  parser.expect(':=', `after LET ${name}`)
  return { type: 'let', name, value: parser.expression() }
}
