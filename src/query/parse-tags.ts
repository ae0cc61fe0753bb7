import { isAppId, isTag, normaliseTag, TAG_BYTES_MAX } from '../core/tags.ts'
import type { Comparison, DurationUnit, TagExpression } from './ast.ts'
import type { ExpressionParser } from './parse-expression.ts'
import { takeDate, takeKey, takeString } from './parse-literals.ts'

const COMPARISON = /<=|>=|≤|≥|<|>/y
const AGO = /(\d+)([YMWDhms])[\s\u0085]+ago(?![\p{L}\p{N}_])/uy
const APP_ID = /[-a-z0-9]+(?:\.[-a-z0-9]+)*/y
const comparisons: Readonly<Record<string, Comparison>> = { '<': '<', '<=': '<=', '≤': '<=', '>': '>', '>=': '>=', '≥': '>=' }

/** Which events: `&` binds tighter than `|`. Chains are read in a loop, so that a long one is as good as a short one. */
export const readTags = (parser: ExpressionParser): TagExpression =>
  parser.nested(() => chain('or', ['|', '∨'], parser, () => chain('and', ['&', '∧'], parser, () => readAtom(parser))))

const chain = (type: 'and' | 'or', signs: readonly string[], parser: ExpressionParser, read: () => TagExpression): TagExpression => {
  const first = read()
  const operands = [first]
  while (signs.some((sign) => parser.take(sign))) operands.push(read())
  return operands.length === 1 ? first : { type, operands }
}

const readAtom = (parser: ExpressionParser): TagExpression => {
  parser.skipBlank()
  const at = parser.at
  const name = takeString(parser)
  if (name !== undefined) return { type: 'tag', name: checkedTag(parser, name, at) }
  if (parser.take('`')) return { type: 'interpolatedTag', parts: parser.parts() }
  if (parser.take('(')) {
    const inner = readTags(parser)
    parser.expect(')', 'at the end of the parentheses')
    return inner
  }
  if (parser.takeWord('allEvents')) return { type: 'allEvents' }
  if (parser.takeWord('isLocal')) return { type: 'isLocal' }
  if (parser.takeWord('appId')) return readAppId(parser)
  if (parser.takeWord('TIME')) return readTime(parser, readComparison(parser, 'TIME'))
  if (parser.takeWord('KEY')) return { type: 'key', comparison: readComparison(parser, 'KEY'), key: takeKey(parser) }
  if (parser.takeWord('from')) return readBound(parser, 'from', '>=')
  if (parser.takeWord('to')) return readBound(parser, 'to', '<')
  return parser.failExpecting("a tag ('…'), allEvents, isLocal, appId(…), TIME, KEY or `(`")
}

const checkedTag = (parser: ExpressionParser, text: string, at: number): string => {
  const name = normaliseTag(text)
  return isTag(name) ? name : parser.fail(`a tag has 1 to ${TAG_BYTES_MAX} bytes of text`, at)
}

const readAppId = (parser: ExpressionParser): TagExpression => {
  parser.expect('(', 'after appId')
  parser.skipBlank()
  const at = parser.at
  const appId = takeString(parser) ?? parser.match(APP_ID)
  if (appId === undefined) return parser.failExpecting('an app id (small letters, digits, dashes and dots), or `me`')
  if (!isAppId(appId)) return parser.fail('the app id is too long', at)
  parser.expect(')', 'after the app id')
  return { type: 'appId', appId }
}

const readComparison = (parser: ExpressionParser, word: string): Comparison =>
  comparisons[parser.match(COMPARISON) ?? ''] ?? parser.failExpecting(`<, <=, > or >= after ${word}`)

const readTime = (parser: ExpressionParser, comparison: Comparison): TagExpression => {
  const micros = takeDate(parser)
  if (micros !== undefined) return { type: 'time', comparison, at: { type: 'date', micros } }
  parser.skipBlank()
  const at = parser.at
  const ago = parser.matchHere(AGO)
  const match = /^(\d+)(.)/.exec(ago ?? '')
  if (match === null) return parser.failExpecting('a date, or a time such as `3D ago` (Y M W D h m s)')
  const count = Number(match[1])
  if (count > 1e9) return parser.fail('that is too long ago', at)
  return { type: 'time', comparison, at: { type: 'ago', count, unit: match[2] as DurationUnit } }
}

/** The older spelling of a lower (included) and an upper bound (excluded). */
const readBound = (parser: ExpressionParser, word: string, comparison: Comparison): TagExpression => {
  parser.expect('(', `after ${word}`)
  const micros = takeDate(parser)
  const bound: TagExpression = micros === undefined ? { type: 'key', comparison, key: takeKey(parser) } : { type: 'time', comparison, at: { type: 'date', micros } }
  parser.expect(')', `at the end of ${word}`)
  return bound
}
