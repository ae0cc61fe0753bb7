import { operatorLevels, type AggregateOperator, type BinaryOperator, type Expression, type Index, type Item, type Part, type Query } from './ast.ts'
import { takeCount, takeDate, takeIdentifier, takeKey, takeNumber, takeString } from './parse-literals.ts'
import { Scanner } from './scanner.ts'

type Binary = Extract<Expression, { type: 'chain' }>['rest'][number]

/** Longer spellings first. */
const spellings: readonly (readonly [string, BinaryOperator])[] = [
  ['??', '??'], ['<=', '<='], ['>=', '>='], ['!=', '!='], ['≤', '<='], ['≥', '>='], ['≠', '!='], ['<', '<'], ['>', '>'], ['=', '='], ['|', '|'], ['∨', '|'],
  ['~', '~'], ['⊻', '~'], ['&', '&'], ['∧', '&'], ['+', '+'], ['-', '-'], ['*', '*'], ['×', '*'], ['/', '/'], ['÷', '/'], ['⁄', '/'], ['%', '%'], ['^', '^'],
]
const levels = new Map(operatorLevels.flatMap((operators, level) => operators.map((operator) => [operator, level] as const)))
const AGGREGATOR = /(?:SUM|PRODUCT|MIN|MAX|FIRST|LAST|COUNT|DISTINCT)(?=[\s\u0085]*\()/y
const METADATA = /(?:KEY|TIME|TAGS|APP)(?=[\s\u0085]*\()/y
const CALL = /\p{Lu}\p{Ll}[\p{L}\p{N}_]*(?=[\s\u0085]*\()/uy
const PLAIN = /[^`{]+/y
const CHARACTER = /U\+[0-9A-Fa-f]{1,6}(?=\})/y

/** Whether aggregators may stand here: within AGGREGATE, but not within one another. */
type AggregatorsAllowed = 'no' | 'yes' | 'nested'

/** Reads expressions; how a sub-query is read it is told. */
export class ExpressionParser extends Scanner {
  readonly #readQuery: (parser: ExpressionParser) => Query
  #aggregators: AggregatorsAllowed = 'no'

  constructor(text: string, readQuery: (parser: ExpressionParser) => Query) {
    super(text)
    this.#readQuery = readQuery
  }

  /** What `read` gives, with aggregators allowed or not. */
  #withAggregators<T>(allowed: AggregatorsAllowed, read: () => T): T {
    const before = this.#aggregators
    this.#aggregators = allowed
    const value = read()
    this.#aggregators = before
    return value
  }

  expression(): Expression {
    return this.nested(() => this.#binary(0))
  }

  /** Of AGGREGATE: aggregators may stand anywhere in it. */
  aggregation(): Expression {
    return this.#withAggregators('yes', () => this.expression())
  }

  items(end: string): readonly Item[] {
    if (end !== '' && this.take(end)) return []
    const items = [this.#item()]
    while (this.take(',')) items.push(this.#item())
    if (end !== '' && !this.take(end)) this.failExpecting(`\`,\` or \`${end}\``)
    return items
  }

  #item(): Item {
    const spread = this.take('...')
    return { spread, value: this.expression() }
  }

  #operator(): readonly [BinaryOperator, number, number] | undefined {
    this.skipBlank()
    if (this.text.startsWith('=>', this.at)) return undefined
    const found = spellings.find(([spelling]) => this.text.startsWith(spelling, this.at))
    return found && [found[1], levels.get(found[1]) ?? 0, found[0].length]
  }

  /** @param lowest level of the operators that belong to it */
  #binary(lowest: number): Expression {
    let left = this.#unary()
    for (;;) {
      const level = this.#operator()?.[1]
      if (level === undefined || level < lowest) return left
      const rest: Binary[] = []
      for (let next = this.#operator(); next !== undefined && next[1] === level; next = this.#operator()) {
        this.at += next[2]
        rest.push({ operator: next[0], operand: this.#binary(level + 1) })
      }
      left = { type: 'chain', first: left, rest }
    }
  }

  #unary(): Expression {
    if (this.take('!') || this.take('¬')) return { type: 'not', operand: this.nested(() => this.#unary()) }
    return this.#atom()
  }

  #atom(): Expression {
    const number = takeNumber(this)
    if (number !== undefined) return number
    const string = takeString(this)
    if (string !== undefined) return { type: 'string', value: string }
    if (this.take('`')) return { type: 'interpolation', parts: this.parts() }
    if (this.take('(')) return this.#parenthesised()
    if (this.take('[')) return { type: 'array', items: this.items(']') }
    if (this.take('{')) return this.#object()
    return this.#word() ?? this.failExpecting('an expression')
  }

  #word(): Expression | undefined {
    const call = this.match(CALL)
    if (call !== undefined) return this.#call(call)
    const name = takeIdentifier(this)
    if (name !== undefined) return this.#indexed({ type: 'variable', name })
    if (this.takeWord('NULL')) return { type: 'null' }
    if (this.takeWord('TRUE')) return { type: 'boolean', value: true }
    if (this.takeWord('FALSE')) return { type: 'boolean', value: false }
    if (this.sees('CASE')) return this.#cases()
    if (this.sees('FROM')) return { type: 'subQuery', query: this.#withAggregators('no', () => this.#readQuery(this)) }
    return this.#aggregator() ?? this.#metadata()
  }

  #call(name: string): Expression {
    this.expect('(', `after ${name}`)
    const parameters: Expression[] = []
    if (this.take(')')) return { type: 'call', name, parameters }
    do parameters.push(this.expression())
    while (this.take(','))
    this.expect(')', `at the end of the parameters of ${name}`)
    return { type: 'call', name, parameters }
  }

  #parenthesised(): Expression {
    const inner = this.expression()
    this.expect(')', 'at the end of the parentheses')
    return this.#indexed(inner)
  }

  #indexed(head: Expression): Expression {
    const tail: Index[] = []
    for (;;) {
      if (!this.sees('...') && this.take('.')) tail.push({ type: 'name', name: takeIdentifier(this) ?? this.failExpecting("a property's name (write ['…'] for one in capitals)") })
      else if (this.take('[')) tail.push(this.#bracketIndex())
      else return tail.length === 0 ? head : { type: 'index', head, tail }
    }
  }

  #bracketIndex(): Index {
    const value = this.expression()
    this.expect(']', 'at the end of the index')
    if (value.type === 'string') return { type: 'name', name: value.value }
    if (value.type === 'natural' && value.value <= BigInt(Number.MAX_SAFE_INTEGER)) return { type: 'place', place: Number(value.value) }
    return { type: 'computed', value }
  }

  #object(): Expression {
    const properties: { key: Index; value: Expression }[] = []
    while (!this.take('}')) {
      const name = this.take('[') ? undefined : (takeIdentifier(this) ?? this.failExpecting("a property's name or `}`"))
      const key: Index = name === undefined ? this.#bracketIndex() : { type: 'name', name }
      this.expect(':', "after a property's name")
      properties.push({ key, value: this.expression() })
      this.take(',')
    }
    return { type: 'object', properties }
  }

  #cases(): Expression | undefined {
    const cases: { when: Expression; value: Expression }[] = []
    while (this.takeWord('CASE')) {
      const when = this.expression()
      this.expect('=>', 'after the condition of CASE')
      cases.push({ when, value: this.expression() })
    }
    if (cases.length === 0) return undefined
    if (!this.takeWord('ENDCASE')) this.failExpecting('`CASE` or `ENDCASE`')
    return { type: 'case', cases }
  }

  #aggregator(): Expression | undefined {
    const at = this.at
    const operator = this.match(AGGREGATOR) as AggregateOperator | undefined
    if (operator === undefined) return undefined
    if (this.#aggregators === 'no') this.fail(`${operator} stands only within AGGREGATE`, at)
    if (this.#aggregators === 'nested') this.fail(`${operator} stands within another aggregator; use two AGGREGATE steps`, at)
    this.expect('(', `after ${operator}`)
    const operand = this.#withAggregators('nested', () => this.expression())
    this.expect(')', `at the end of ${operator}`)
    return { type: 'aggregator', operator, operand }
  }

  #metadata(): Expression | undefined {
    const of = this.match(METADATA) as 'KEY' | 'TIME' | 'TAGS' | 'APP' | undefined
    if (of === undefined) return undefined
    this.expect('(', `after ${of}`)
    const value = this.#metadataOf(of)
    this.expect(')', `at the end of ${of}`)
    return value
  }

  #metadataOf(of: 'KEY' | 'TIME' | 'TAGS' | 'APP'): Expression {
    const variable = takeIdentifier(this)
    if (variable !== undefined) return { type: 'metadata', of, variable }
    if (of === 'KEY') return { type: 'keyLiteral', key: takeKey(this) }
    const micros = of === 'TIME' ? takeDate(this) : undefined
    return micros === undefined ? this.failExpecting(of === 'TIME' ? 'a variable or a date' : 'a variable') : { type: 'timeLiteral', micros }
  }

  /** The parts of an interpolation up to its closing sign. */
  parts(): readonly Part[] {
    const at = this.at - 1
    const parts: Part[] = []
    const add = (text: string) => {
      const last = parts.at(-1)
      if (typeof last === 'string') parts[parts.length - 1] = last + text
      else parts.push(text)
    }
    for (;;) {
      const plain = this.matchHere(PLAIN)
      if (plain !== undefined) add(plain)
      const sign = this.text.charAt(this.at++)
      if (sign === '`') return parts
      if (sign === '') this.fail('the interpolation that begins here has no closing `', at)
      const character = this.match(CHARACTER)
      if (character !== undefined) add(this.#character(character))
      else parts.push(this.expression())
      this.expect('}', 'at the end of the interpolated expression')
    }
  }

  #character(escape: string): string {
    const code = Number.parseInt(escape.slice(2), 16)
    if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) this.fail(`${escape} is no character`, this.at - escape.length)
    return String.fromCodePoint(code)
  }
}

export const takeLimit = (parser: Scanner): number => {
  parser.skipBlank()
  const at = parser.at
  const count = takeCount(parser, 'a count after LIMIT')
  return count > 0 ? count : parser.fail('LIMIT takes 1 or more', at)
}
