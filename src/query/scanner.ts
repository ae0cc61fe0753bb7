import { placeIn, QueryError, type QueryErrorCode } from './errors.ts'

/** Characters of one text, with its `PRAGMA events`. */
export const TEXT_LENGTH_MAX = 4 * 1024 * 1024
/** Parentheses, brackets, calls, negations and sub-queries within each other. */
export const NESTING_MAX = 200

/** White space and comments: `--` to the end of the line. */
const BLANK = /(?:[\s\u0085]|--[^\n\r]*)*/y

/** Reads a text from left to right. */
export class Scanner {
  readonly text: string
  /** Where it stands. */
  at = 0
  #nesting = 0

  constructor(text: string) {
    this.text = text
    if (text.length > TEXT_LENGTH_MAX) throw new QueryError('AQL-LIMIT', `the text has ${text.length} characters, at most ${TEXT_LENGTH_MAX} are read`)
  }

  skipBlank(): void {
    BLANK.lastIndex = this.at
    BLANK.exec(this.text)
    this.at = BLANK.lastIndex
  }

  /** What matches here, after blanks. @param pattern sticky */
  match(pattern: RegExp): string | undefined {
    this.skipBlank()
    return this.matchHere(pattern)
  }

  /** What matches right here. @param pattern sticky */
  matchHere(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at
    const found = pattern.exec(this.text)
    if (found === null) return undefined
    this.at = pattern.lastIndex
    return found[0]
  }

  /** Whether the signs come next; they are passed then. */
  take(signs: string): boolean {
    this.skipBlank()
    if (!this.text.startsWith(signs, this.at)) return false
    this.at += signs.length
    return true
  }

  /** The same for a word that is not the beginning of a longer one. */
  takeWord(word: string): boolean {
    this.skipBlank()
    if (!this.text.startsWith(word, this.at) || /[\p{L}\p{N}_]/u.test(this.text.charAt(this.at + word.length))) return false
    this.at += word.length
    return true
  }

  /** Whether the signs come next. */
  sees(signs: string): boolean {
    this.skipBlank()
    return this.text.startsWith(signs, this.at)
  }

  expect(signs: string, where: string): void {
    if (!this.take(signs)) this.failExpecting(`\`${signs}\` ${where}`)
  }

  /** What `read` gives, one level deeper. */
  nested<T>(read: () => T): T {
    if (this.#nesting >= NESTING_MAX) this.fail(`nested deeper than ${NESTING_MAX} levels`, this.at, 'AQL-LIMIT')
    this.#nesting++
    const value = read()
    this.#nesting--
    return value
  }

  /** @param expected what should stand here */
  failExpecting(expected: string): never {
    this.skipBlank()
    const found = /[\p{L}\p{N}_]+|[^\s]/uy
    found.lastIndex = this.at
    const word = found.exec(this.text)?.[0].slice(0, 40)
    this.fail(`expected ${expected}, found ${word === undefined ? 'the end of the text' : `\`${word}\``}`)
  }

  fail(message: string, offset = this.at, code: QueryErrorCode = 'AQL-SYNTAX'): never {
    throw new QueryError(code, message, placeIn(this.text, offset))
  }
}
