import fc from 'fast-check'
import { streamIdOf, type NodeId } from '../../src/core/ids.ts'
import { operatorLevels, type AggregateOperator, type Expression, type Index, type Item, type KeyPoint, type Part, type Pragma, type Program, type Query, type Source, type Step, type TagExpression } from '../../src/query/ast.ts'

// Every tree that a text can have: no tree here that `parse` would write differently.

const name = fc.oneof(fc.constantFrom('x', 'fooBar', 'Foo', 'a_1', 'ø'), fc.stringMatching(/^[a-z][a-zA-Z0-9_]{0,5}$/))
const variable = fc.oneof(fc.constant('_'), name)
const text = fc.oneof(fc.string({ maxLength: 8, unit: 'grapheme' }), fc.constantFrom("it's", '"', '`{', '--', '\n'))
const tagName = text.map((tag) => tag.normalize('NFC')).filter((tag) => tag !== '' && tag.isWellFormed())
const micros = fc.integer({ min: Date.UTC(0, 0, 1), max: Date.UTC(9999, 11, 31) }).map((millis) => millis * 1000 + 7).filter((value) => Number.isSafeInteger(value))
const stream = fc.integer({ min: 0, max: 255 }).map((number) => streamIdOf('A'.repeat(43) as NodeId, number))
const key: fc.Arbitrary<KeyPoint> = fc.record({ lamport: fc.nat(), stream: fc.option(stream, { nil: undefined }) })
const comparison = fc.constantFrom('<' as const, '<=' as const, '>' as const, '>=' as const)
const decimal = fc.double({ noNaN: true, noDefaultInfinity: true })

const partsOf = (expression: fc.Arbitrary<Expression>): fc.Arbitrary<readonly Part[]> =>
  fc.array(fc.oneof(text.filter((part) => part !== ''), expression), { maxLength: 3 }).map((parts) => parts.filter((part, at) => typeof part !== 'string' || typeof parts[at - 1] !== 'string'))

interface Depth {
  readonly left: number
  readonly aggregators: boolean
}

const isComputed = (value: Expression) => value.type !== 'string' && value.type !== 'natural'

const indexOf = (depth: Depth): fc.Arbitrary<Index> =>
  fc.oneof(
    fc.record({ type: fc.constant('name' as const), name: fc.oneof(name, text, fc.constantFrom('_', 'FOO')) }),
    fc.record({ type: fc.constant('place' as const), place: fc.nat() }),
    fc.record({ type: fc.constant('computed' as const), value: expressionOf(depth).filter(isComputed) }),
  )

const itemsOf = (depth: Depth, minLength: number): fc.Arbitrary<readonly Item[]> => fc.array(fc.record({ spread: fc.boolean(), value: expressionOf(depth) }), { minLength, maxLength: 3 })

const atom: fc.Arbitrary<Expression> = fc.oneof(
  variable.map((value) => ({ type: 'variable' as const, name: value })),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((value) => ({ type: 'natural' as const, value })),
  decimal.map((value) => ({ type: 'decimal' as const, value })),
  text.map((value) => ({ type: 'string' as const, value })),
  fc.constant({ type: 'null' as const }),
  fc.boolean().map((value) => ({ type: 'boolean' as const, value })),
  key.map((value) => ({ type: 'keyLiteral' as const, key: value })),
  micros.map((value) => ({ type: 'timeLiteral' as const, micros: value })),
  fc.record({ type: fc.constant('metadata' as const), of: fc.constantFrom('KEY' as const, 'TIME' as const, 'TAGS' as const, 'APP' as const), variable }),
)

const chainOf = (inner: fc.Arbitrary<Expression>): fc.Arbitrary<Expression> =>
  fc.constantFrom(...operatorLevels).chain((level) =>
    fc.record({ type: fc.constant('chain' as const), first: inner, rest: fc.array(fc.record({ operator: fc.constantFrom(...level), operand: inner }), { minLength: 1, maxLength: 3 }) }),
  )

const operators: readonly AggregateOperator[] = ['SUM', 'PRODUCT', 'MIN', 'MAX', 'FIRST', 'LAST', 'COUNT', 'DISTINCT']

const expressionOf = (depth: Depth): fc.Arbitrary<Expression> => {
  if (depth.left === 0) return atom
  const down = { ...depth, left: depth.left - 1 }
  const inner = fc.constant(null).chain(() => expressionOf(down))
  return fc.oneof(
    atom,
    fc.record({ type: fc.constant('index' as const), head: inner, tail: fc.array(fc.constant(null).chain(() => indexOf(down)), { minLength: 1, maxLength: 3 }) }),
    partsOf(inner).map((parts) => ({ type: 'interpolation' as const, parts })),
    fc.record({ type: fc.constant('object' as const), properties: fc.array(fc.record({ key: fc.constant(null).chain(() => indexOf(down)), value: inner }), { maxLength: 3 }) }),
    fc.constant(null).chain(() => itemsOf(down, 0)).map((items) => ({ type: 'array' as const, items })),
    fc.array(fc.record({ when: inner, value: inner }), { minLength: 1, maxLength: 3 }).map((cases) => ({ type: 'case' as const, cases })),
    inner.map((operand) => ({ type: 'not' as const, operand })),
    chainOf(inner),
    fc.record({ type: fc.constant('call' as const), name: fc.constantFrom('IsDefined', 'Length', 'Foo'), parameters: fc.array(inner, { maxLength: 3 }) }),
    fc.constant(null).chain(() => queryOf(down.left)).map((query) => ({ type: 'subQuery' as const, query })),
    ...(depth.aggregators
      ? [fc.constant(null).chain(() => fc.record({ type: fc.constant('aggregator' as const), operator: fc.constantFrom(...operators), operand: expressionOf({ ...down, aggregators: false }) }))]
      : []),
  )
}

const tagAtom: fc.Arbitrary<TagExpression> = fc.oneof(
  tagName.map((tag) => ({ type: 'tag' as const, name: tag })),
  fc.constant({ type: 'allEvents' as const }),
  fc.constant({ type: 'isLocal' as const }),
  fc.constantFrom('me', 'com.example-1', 'Odd App').map((appId) => ({ type: 'appId' as const, appId })),
  fc.record({ type: fc.constant('key' as const), comparison, key }),
  fc.record({ type: fc.constant('time' as const), comparison, at: fc.oneof(
    micros.map((value) => ({ type: 'date' as const, micros: value })),
    fc.record({ type: fc.constant('ago' as const), count: fc.nat(1e9), unit: fc.constantFrom('Y' as const, 'M' as const, 'W' as const, 'D' as const, 'h' as const, 'm' as const, 's' as const) }),
  ) }),
)

export const tagsOf = (left: number): fc.Arbitrary<TagExpression> => {
  if (left === 0) return tagAtom
  const inner = fc.constant(null).chain(() => tagsOf(left - 1))
  const operands = fc.array(inner, { minLength: 2, maxLength: 4 })
  return fc.oneof(
    tagAtom,
    fc.record({ type: fc.constantFrom('and' as const, 'or' as const), operands }),
    partsOf(fc.constant(null).chain(() => expressionOf({ left: left - 1, aggregators: false }))).map((parts) => ({ type: 'interpolatedTag' as const, parts })),
  )
}

const stepOf = (left: number): fc.Arbitrary<Step> => {
  const inner = expressionOf({ left, aggregators: false })
  return fc.oneof(
    inner.map((condition) => ({ type: 'filter' as const, condition })),
    itemsOf({ left, aggregators: false }, 1).map((items) => ({ type: 'select' as const, items })),
    fc.record({ type: fc.constant('aggregate' as const), by: fc.option(inner, { nil: undefined }), value: expressionOf({ left, aggregators: true }) }),
    fc.integer({ min: 1 }).map((count) => ({ type: 'limit' as const, count })),
    fc.record({ type: fc.constant('let' as const), name, value: inner }),
  )
}

const sourceOf = (left: number): fc.Arbitrary<Source> =>
  fc.oneof(
    fc.record({ type: fc.constant('events' as const), tags: tagsOf(left), order: fc.constantFrom(undefined, 'ASC' as const, 'DESC' as const, 'STREAM' as const) }),
    itemsOf({ left, aggregators: false }, 0).map((items) => ({ type: 'array' as const, items })),
  )

export const queryOf = (left: number): fc.Arbitrary<Query> => fc.record({ from: sourceOf(left), steps: fc.array(fc.constant(null).chain(() => stepOf(left)), { maxLength: 3 }) })

const line = fc.string({ maxLength: 8 }).map((value) => value.trim().replace(/[\r\n]/g, ''))
const pragma: fc.Arbitrary<Pragma> = fc.oneof(
  fc.record({ name: fc.constantFrom('features', 'events', 'zøg'), form: fc.constant('line' as const), text: line }),
  fc.record({ name: fc.constantFrom('events', 'other'), form: fc.constant('block' as const), text: fc.array(line, { maxLength: 3 }).map((lines) => lines.join('\n').trim()) }),
)

export const programOf = (left: number): fc.Arbitrary<Program> =>
  fc.record({ pragmas: fc.array(pragma, { maxLength: 2 }), features: fc.array(fc.constantFrom('a', 'zøg', 'B1'), { maxLength: 2 }), explain: fc.boolean(), query: queryOf(left) })
