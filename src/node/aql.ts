import { fail, ok, type Result } from '../core/result.ts'
import type { Answer } from '../query/answer.ts'
import { parseProgram } from '../query/parse.ts'
import { runProgram } from '../query/program.ts'
import type { QueryStore } from '../query/run.ts'
import type { AqlOptions } from './node.ts'
import { presentWithin, type Heads, type Reader } from './reader.ts'
import { emptyTrace } from './spans.ts'

export interface AqlDevices {
  readonly reader: Reader
  readonly nowMicros: () => number
  /** Of `appId(me)`. */
  readonly appId: string
}

/** Answers of one query over what is present when it is called; sub-queries read within the same bounds. */
export const runAql = (devices: AqlDevices, text: string, options: AqlOptions): AsyncIterable<Answer> => {
  // Looked up now, though read later. An error waits for whoever iterates.
  const present = devices.reader.heads().then(ok, fail)
  return { [Symbol.asyncIterator]: () => answers(devices, text, options, present) }
}

async function* answers({ reader, nowMicros, appId }: AqlDevices, text: string, options: AqlOptions, present: Promise<Result<Heads, unknown>>): AsyncGenerator<Answer, undefined> {
  const program = parseProgram(text)
  const heads = await present
  if (!heads.ok) throw heads.error
  const trace = emptyTrace()
  const bounds = { ...(options.lowerBound && { lowerBound: options.lowerBound }), ...(options.upperBound && { upperBound: options.upperBound }) }
  const store: QueryStore = { read: (where, order) => reader.query({ where, ...bounds }, order, heads.value, trace) }
  yield* runProgram(program, store, { me: options.appId ?? appId, nowMicros: nowMicros(), order: options.order ?? 'ascending' }, () => trace)
  if (!program.explain) yield { type: 'offsets', offsets: presentWithin(heads.value, options.upperBound) }
  return undefined
}
