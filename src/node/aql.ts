import { fail, ok, type Result } from '../core/result.ts'
import type { Answer } from '../query/answer.ts'
import { QueryError } from '../query/errors.ts'
import { parseProgram } from '../query/parse.ts'
import { runProgram } from '../query/program.ts'
import type { QueryStore } from '../query/run.ts'
import { LiveQuery } from '../query/live.ts'
import type { AqlOptions, AqlSubscriber } from './node.ts'
import { presentWithin, type Heads, type Reader } from './reader.ts'
import { emptyTrace } from './spans.ts'
import type { Subscriptions } from './subscriptions.ts'

export interface AqlDevices {
  readonly reader: Reader
  readonly nowMicros: () => number
  /** Of `appId(me)`. */
  readonly appId: string
}

/** Answers of one query over what is present when it is called; sub-queries read within the same bounds. */
// Looked up now, though read later. An error waits for whoever iterates.
const runAql = (devices: AqlDevices, text: string, options: AqlOptions, present: Promise<Result<Heads, unknown>> = devices.reader.heads().then(ok, fail)): AsyncIterable<Answer> => ({
  [Symbol.asyncIterator]: () => answers(devices, text, options, present),
})

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

/** Follows a query. No callback comes within the call. @returns a function that stops it at once */
const followAql = (
  devices: Omit<AqlDevices, 'reader'> & { readonly subscriptions: Subscriptions },
  text: string,
  subscriber: AqlSubscriber,
  options: Omit<AqlOptions, 'order'>,
): (() => void) => {
  const live = liveOf(devices, text, options)
  if (!live.ok) return failLater(live.error, subscriber)
  const { appId: _, ...bounds } = options
  /** What is to be told before the next events. */
  let before: readonly Answer[] = []
  let isFirst = true
  return devices.subscriptions.subscribe(
    { where: live.value.where, ...bounds },
    {
      events: (chunk, caughtUp, offsets) => {
        const answers = [...before, ...live.value.take(chunk, caughtUp)]
        before = []
        if (answers.length === 0 && !(isFirst && caughtUp)) return undefined
        isFirst &&= !caughtUp
        return subscriber.answers(caughtUp ? [...answers, { type: 'offsets', offsets }] : answers, caughtUp)
      },
      timeTravel: () => (before = live.value.restart()),
      failed: subscriber.failed,
    },
    live.value.needsOrder ? 'timeTravel' : 'deliver',
  )
}

const liveOf = ({ appId, nowMicros }: Omit<AqlDevices, 'reader'>, text: string, options: AqlOptions): Result<LiveQuery, QueryError> => {
  try {
    return ok(new LiveQuery(parseProgram(text), { me: options.appId ?? appId, nowMicros: nowMicros() }))
  } catch (error) {
    if (error instanceof QueryError) return fail(error)
    throw error
  }
}

const failLater = (error: QueryError, { failed }: AqlSubscriber): (() => void) => {
  let isStopped = false
  queueMicrotask(() => {
    if (!isStopped) failed(error)
  })
  return () => (isStopped = true)
}

/** The query language over a node. */
export const aql = { runAql, followAql }
export type Aql = typeof aql
