import type { Event } from '../core/event.ts'
import { eventKeyToId } from '../core/event-key.ts'
import { streamIdOf, type NodeId } from '../core/ids.ts'
import { isPlainObject, type JsonValue } from '../core/json.ts'
import { isAppId, isTag, normaliseTag } from '../core/tags.ts'
import { matches } from '../core/where.ts'
import type { Program } from './ast.ts'
import { QueryError } from './errors.ts'
import type { PlanSettings } from './plan.ts'
import type { QueryStore } from './run.ts'
import { parseIsoDate } from './time.ts'

/** Stands for the node that nobody is. */
const stream = streamIdOf('A'.repeat(43) as NodeId, 0)

/**
 * The store that `PRAGMA events` describes, one event a line: `{"timestamp"?, "time"?, "tags"?, "appId"?, "payload"}`, `timestamp` in microseconds or
 * `time` as a date. Their order is that of the lines. `undefined`: the query has no such pragma.
 * @throws QueryError `AQL-EVENTS` with the line
 */
export const eventsOfPragma = ({ pragmas }: Program, settings: PlanSettings): QueryStore | undefined => {
  const pragma = pragmas.find(({ name }) => name === 'events')
  if (pragma === undefined) return undefined
  const lines = pragma.text.split('\n').map((text, at) => [text, at + 1] as const).filter(([text]) => text.trim() !== '')
  const events = lines.map(([text, line], at) => readEvent(text, line, at, settings))
  return {
    read: async function* (where, order) {
      const chosen = events.filter(({ meta }) => matches(where, { ...meta, isLocal: meta.isLocalEvent }))
      yield* order === 'ascending' ? chosen : chosen.reverse()
    },
  }
}

const readEvent = (text: string, line: number, at: number, { me, nowMicros }: PlanSettings): Event => {
  const fail = (why: string): never => {
    throw new QueryError('AQL-EVENTS', `line ${line} of PRAGMA events: ${why}`)
  }
  const json = parseJson(text)
  if (!isPlainObject(json)) return fail('it is no JSON object')
  const { timestamp, time, tags = [], appId = me, payload } = json
  if (payload === undefined) return fail('`payload` is missing')
  if (!Array.isArray(tags) || !tags.map((tag: unknown) => (typeof tag === 'string' ? normaliseTag(tag) : tag)).every(isTag)) return fail('`tags` is no array of tags')
  if (!isAppId(appId)) return fail('`appId` is no text')
  const micros = timestamp ?? (typeof time === 'string' ? parseIsoDate(time) : time === undefined ? nowMicros : undefined)
  if (typeof micros !== 'number' || !Number.isSafeInteger(micros)) return fail('`timestamp` is no whole number of microseconds, or `time` no date')
  const key = { lamport: at + 1, stream }
  return {
    meta: {
      ...key, eventId: eventKeyToId(key), offset: at, timestampMicros: micros, appId, tags: tags.map((tag: string) => normaliseTag(tag)), isLocalEvent: true,
      timestampAsDate: () => new Date(micros / 1000),
    },
    payload: payload as JsonValue,
  }
}

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch (error) {
    return error
  }
}
