import type { Lamport, StreamId } from '../core/ids.ts'

// A text has one tree, and a tree one text that `print` gives: `parse(print(tree))` is `tree`.

/** A whole query: what comes before its `FROM`, and the query itself. */
export interface Program {
  /** In the order of the text; of those with the same name the first counts. */
  readonly pragmas: readonly Pragma[]
  /** Words of `FEATURES(…)`. Everything is on anyway. */
  readonly features: readonly string[]
  /** Millpond's own: tells what was read instead of what was found. */
  readonly explain: boolean
  readonly query: Query
}

export interface Pragma {
  readonly name: string
  /** `line`: `PRAGMA name := text`; `block`: the lines up to `ENDPRAGMA`. */
  readonly form: 'line' | 'block'
  readonly text: string
}

export interface Query {
  readonly from: Source
  readonly steps: readonly Step[]
}

export type SourceOrder = 'ASC' | 'DESC' | 'STREAM'

export type Source =
  | { readonly type: 'events'; readonly tags: TagExpression; readonly order: SourceOrder | undefined }
  | { readonly type: 'array'; readonly items: readonly Item[] }

export type Step =
  | { readonly type: 'filter'; readonly condition: Expression }
  | { readonly type: 'select'; readonly items: readonly Item[] }
  /** `by` is Millpond's own: one output for each of its values. */
  | { readonly type: 'aggregate'; readonly by: Expression | undefined; readonly value: Expression }
  | { readonly type: 'limit'; readonly count: number }
  | { readonly type: 'let'; readonly name: string; readonly value: Expression }

export type TagExpression =
  /** At least two; one of the same type stands in parentheses. */
  | { readonly type: 'and' | 'or'; readonly operands: readonly TagExpression[] }
  /** In Unicode normal form C. */
  | { readonly type: 'tag'; readonly name: string }
  | { readonly type: 'interpolatedTag'; readonly parts: readonly Part[] }
  | { readonly type: 'allEvents' }
  | { readonly type: 'isLocal' }
  /** `me`: that of whoever asks. */
  | { readonly type: 'appId'; readonly appId: string }
  | { readonly type: 'time'; readonly comparison: Comparison; readonly at: TimePoint }
  | { readonly type: 'key'; readonly comparison: Comparison; readonly key: KeyPoint }

export type Comparison = '<' | '<=' | '>' | '>='

export type TimePoint =
  | { readonly type: 'date'; readonly micros: number }
  | { readonly type: 'ago'; readonly count: number; readonly unit: DurationUnit }

export type DurationUnit = 'Y' | 'M' | 'W' | 'D' | 'h' | 'm' | 's'

/** Without a stream: before every event of that Lamport time. */
export interface KeyPoint {
  readonly lamport: Lamport
  readonly stream: StreamId | undefined
}

/** Text as it stands, or a value to be put in. No two texts follow each other, none is empty. */
export type Part = string | Expression

/** `spread`: an array whose items are meant. */
export interface Item {
  readonly spread: boolean
  readonly value: Expression
}

export type Index =
  | { readonly type: 'name'; readonly name: string }
  | { readonly type: 'place'; readonly place: number }
  | { readonly type: 'computed'; readonly value: Expression }

export type AggregateOperator = 'SUM' | 'PRODUCT' | 'MIN' | 'MAX' | 'FIRST' | 'LAST' | 'COUNT' | 'DISTINCT'

export type BinaryOperator = '??' | '|' | '~' | '&' | '=' | '!=' | '<' | '<=' | '>' | '>=' | '+' | '-' | '*' | '/' | '%' | '^'

export type Expression =
  | { readonly type: 'variable'; readonly name: string }
  /** At least one index. */
  | { readonly type: 'index'; readonly head: Expression; readonly tail: readonly Index[] }
  | { readonly type: 'natural'; readonly value: bigint }
  | { readonly type: 'decimal'; readonly value: number }
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'null' }
  | { readonly type: 'boolean'; readonly value: boolean }
  | { readonly type: 'interpolation'; readonly parts: readonly Part[] }
  | { readonly type: 'object'; readonly properties: readonly { readonly key: Index; readonly value: Expression }[] }
  | { readonly type: 'array'; readonly items: readonly Item[] }
  | { readonly type: 'case'; readonly cases: readonly { readonly when: Expression; readonly value: Expression }[] }
  | { readonly type: 'not'; readonly operand: Expression }
  /** Operators of one level, from left to right, at least one; an operand of the same or a lower level stands in parentheses. */
  | { readonly type: 'chain'; readonly first: Expression; readonly rest: readonly { readonly operator: BinaryOperator; readonly operand: Expression }[] }
  | { readonly type: 'aggregator'; readonly operator: AggregateOperator; readonly operand: Expression }
  | { readonly type: 'call'; readonly name: string; readonly parameters: readonly Expression[] }
  | { readonly type: 'subQuery'; readonly query: Query }
  | { readonly type: 'metadata'; readonly of: 'KEY' | 'TIME' | 'TAGS' | 'APP'; readonly variable: string }
  | { readonly type: 'keyLiteral'; readonly key: KeyPoint }
  | { readonly type: 'timeLiteral'; readonly micros: number }

/** Levels of the binary operators, the one that binds least first. */
export const operatorLevels: readonly (readonly BinaryOperator[])[] = [['??'], ['|'], ['~'], ['&'], ['=', '!='], ['<', '<=', '>', '>='], ['+', '-'], ['*', '/', '%'], ['^']]

export const levelOf = (operator: BinaryOperator): number => operatorLevels.findIndex((level) => level.includes(operator))
