import { levelOf, operatorLevels, type Expression, type Index, type Item, type KeyPoint, type Part, type Program, type Query, type Step, type TagExpression } from './ast.ts'
import { formatMicros } from './time.ts'

/** The text of a whole query: parsed, it gives the same tree. */
export const printProgram = ({ pragmas, features, explain, query }: Program): string =>
  [
    ...pragmas.map(({ name, form, text }) => (form === 'line' ? `PRAGMA ${name} := ${text}\n` : `PRAGMA ${name}\n${text === '' ? '' : `${text}\n`}ENDPRAGMA\n`)),
    features.length === 0 ? '' : `FEATURES(${features.join(' ')}) `,
    explain ? 'EXPLAIN ' : '',
    printQuery(query),
  ].join('')

export const printQuery = ({ from, steps }: Query): string => {
  const source = from.type === 'array' ? `[${printItems(from.items)}]` : printTags(from.tags) + (from.order === undefined ? '' : ` ORDER ${from.order}`)
  return [`FROM ${source}`, ...steps.map(printStep)].join(' ')
}

export const printStep = (step: Step): string => {
  switch (step.type) {
    case 'filter': return `FILTER ${printExpression(step.condition)}`
    case 'select': return `SELECT ${printItems(step.items)}`
    case 'aggregate': return `${step.by === undefined ? '' : `GROUP BY ${printExpression(step.by)} `}AGGREGATE ${printExpression(step.value)}`
    case 'limit': return `LIMIT ${step.count}`
    case 'let': return `LET ${step.name} := ${printExpression(step.value)}`
  }
}

export const printTags = (tags: TagExpression): string => {
  switch (tags.type) {
    case 'or': return tags.operands.map((operand) => inParentheses(printTags(operand), operand.type === 'or')).join(' | ')
    case 'and': return tags.operands.map((operand) => inParentheses(printTags(operand), operand.type === 'or' || operand.type === 'and')).join(' & ')
    case 'tag': return printString(tags.name)
    case 'interpolatedTag': return printParts(tags.parts)
    case 'allEvents': return 'allEvents'
    case 'isLocal': return 'isLocal'
    case 'appId': return `appId(${/^[-a-z0-9]+(\.[-a-z0-9]+)*$/.test(tags.appId) ? tags.appId : printString(tags.appId)})`
    case 'key': return `KEY ${tags.comparison} ${printKey(tags.key)}`
    case 'time': return `TIME ${tags.comparison} ${tags.at.type === 'date' ? formatMicros(tags.at.micros) : `${tags.at.count}${tags.at.unit} ago`}`
  }
}

export const printExpression = (expression: Expression): string => {
  switch (expression.type) {
    case 'variable': return expression.name
    case 'index': return inParentheses(printExpression(expression.head), expression.head.type !== 'variable') + expression.tail.map(printIndex).join('')
    case 'natural': return String(expression.value)
    case 'decimal': return printDecimal(expression.value)
    case 'string': return printString(expression.value)
    case 'null': return 'NULL'
    case 'boolean': return expression.value ? 'TRUE' : 'FALSE'
    case 'interpolation': return printParts(expression.parts)
    case 'object': return `{ ${expression.properties.map(({ key, value }) => `${printKeyOf(key)}: ${printExpression(value)}, `).join('')}}`
    case 'array': return `[${printItems(expression.items)}]`
    case 'case': return `${expression.cases.map(({ when, value }) => `CASE ${printExpression(when)} => ${printExpression(value)} `).join('')}ENDCASE`
    case 'not': return `!${inParentheses(printExpression(expression.operand), expression.operand.type === 'chain')}`
    case 'chain': return printChain(expression)
    case 'aggregator': return `${expression.operator}(${printExpression(expression.operand)})`
    case 'call': return `${expression.name}(${expression.parameters.map(printExpression).join(', ')})`
    case 'subQuery': return `${printQuery(expression.query)} END`
    case 'metadata': return `${expression.of}(${expression.variable})`
    case 'keyLiteral': return `KEY(${printKey(expression.key)})`
    case 'timeLiteral': return `TIME(${formatMicros(expression.micros)})`
  }
}

const printChain = ({ first, rest }: Extract<Expression, { type: 'chain' }>): string => {
  const level = rest[0] === undefined ? operatorLevels.length : levelOf(rest[0].operator)
  const operand = (inner: Expression) => inParentheses(printExpression(inner), inner.type === 'chain' && levelOf(inner.rest[0]?.operator ?? '??') <= level)
  return operand(first) + rest.map((next) => ` ${next.operator} ${operand(next.operand)}`).join('')
}

const inParentheses = (text: string, needed: boolean): string => (needed ? `(${text})` : text)

const printItems = (items: readonly Item[]): string => items.map(({ spread, value }) => (spread ? '...' : '') + printExpression(value)).join(', ')

const isName = (name: string): boolean => /^(?=\p{Ll}|\p{Lu}\p{Ll})[\p{L}\p{N}_]+$|^_$/u.test(name)

const printIndex = (index: Index): string => (index.type === 'name' && isName(index.name) ? `.${index.name}` : printBracket(index))

const printKeyOf = (index: Index): string => (index.type === 'name' && isName(index.name) ? index.name : printBracket(index))

const printBracket = (index: Index): string =>
  `[${index.type === 'name' ? printString(index.name) : index.type === 'place' ? String(index.place) : printExpression(index.value)}]`

const printString = (text: string): string => `'${text.replaceAll("'", "''")}'`

const printParts = (parts: readonly Part[]): string =>
  `\`${parts.map((part) => (typeof part === 'string' ? part.replace(/[`{]/g, (sign) => `{U+${sign.charCodeAt(0).toString(16).toUpperCase()}}`) : `{${printExpression(part)}}`)).join('')}\``

const printKey = ({ lamport, stream }: KeyPoint): string => `${lamport}${stream === undefined ? '' : `/${stream}`}`

/** All digits, for AQL knows no exponents, and a point or a sign: without one it would be a natural number. */
export const printDecimal = (value: number): string => {
  const text = Object.is(value, -0) ? '-0' : String(value)
  const match = /^(-?)(\d+)(?:\.(\d+))?e([+-]\d+)$/.exec(text)
  const plain = match === null ? text : shifted(match)
  return /[-.]/.test(plain) ? plain : `${plain}.0`
}

const shifted = ([, sign = '', whole = '', fraction = '', exponent = '0']: readonly string[]): string => {
  const point = whole.length + Number(exponent)
  const digits = whole + fraction
  if (point <= 0) return `${sign}0.${'0'.repeat(-point)}${digits}`
  return `${sign}${digits.padEnd(point, '0').slice(0, point)}${digits.length > point ? `.${digits.slice(point)}` : ''}`
}
