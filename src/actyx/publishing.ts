import type { TaggedEvent as NodeTaggedEvent } from '../core/event.ts'
import type { JsonValue } from '../core/json.ts'
import { isTag, normaliseTag, TAG_BYTES_MAX, TAG_COUNT_MAX } from '../core/tags.ts'
import { utf8Length } from '../core/utf8.ts'
import type { Node } from '../node/node.ts'
import { ActyxError } from './errors.ts'
import type { EventFns } from './event-fns.ts'
import { metadataOf } from './events.ts'
import { report, type Runs } from './runs.ts'
import type { Metadata, PendingEmission, TaggedEvent } from './types.ts'

/** Of a batch as JSON, with what stands around its events besides the app id. */
const [batchBytesMax, aroundBytes] = [128 * 1024, 64]
const batchEventsMax = 65_536
const payloadDepthMax = 61

type Publishing = Pick<EventFns, 'publish' | 'emit'>

export const createPublishing = (node: Node, appId: string, runs: Runs): Publishing => {
  const roomBytes = batchBytesMax - aroundBytes - utf8Length(JSON.stringify(appId))
  const publishAll = async (events: unknown): Promise<Metadata[]> => {
    runs.check()
    if (!Array.isArray(events)) throw new ActyxError('ACTYX-EVENT', 'events are a list of { tags, event }')
    const batches = batchesOf(events.map((event, at) => judged(event, at, roomBytes)), roomBytes)
    // All are handed over within this turn: what is published after this call comes after it.
    const metas = await Promise.all(batches.map((batch) => node.publish(batch, { appId })))
    return metas.flat().map(metadataOf)
  }
  // The overloads that callers rely on.
  const publish = (async (events: TaggedEvent | TaggedEvent[]): Promise<Metadata | Metadata[]> => {
    if (Array.isArray(events)) return publishAll(events)
    const [meta] = await publishAll([events])
    if (meta === undefined) throw new ActyxError('ACTYX-EVENT', 'nothing was published')
    return meta
  }) as EventFns['publish']
  return { publish, emit: (events) => emission(publishAll(events)) }
}

const emission = (metas: Promise<Metadata[]>): PendingEmission => {
  let emitted: Metadata[] | undefined
  let isAwaited = false
  const waiting: ((metas: Metadata[]) => void)[] = []
  const tell = (told: Metadata[]) => {
    emitted = told
    for (const whenEmitted of waiting.splice(0)) whenEmitted(told)
  }
  metas.then(tell, (error: unknown) => {
    if (!isAwaited) throw error
  }).catch(report)
  return {
    subscribe: (whenEmitted) => {
      if (emitted === undefined) waiting.push(whenEmitted)
      else whenEmitted(emitted)
    },
    toPromise: () => {
      isAwaited = true
      return metas
    },
  }
}

interface Judged {
  readonly event: NodeTaggedEvent
  readonly bytes: number
}

/** @throws ActyxError `ACTYX-EVENT`, with the place of what is wrong */
const judged = (event: unknown, at: number, roomBytes: number): Judged => {
  const refuse = (why: string) => new ActyxError('ACTYX-EVENT', `event ${at}: ${why}`)
  const { tags, event: payload } = Object(event) as { readonly tags?: unknown; readonly event?: unknown }
  if (!Array.isArray(tags)) throw refuse('it is { tags, event }, and its tags are a list of texts')
  if (tags.length > TAG_COUNT_MAX) throw refuse(`it has ${tags.length} tags, at most ${TAG_COUNT_MAX}`)
  for (const tag of tags as readonly unknown[]) {
    if (typeof tag !== 'string') throw refuse(`a tag is a text, not ${tag === null ? 'null' : `a ${typeof tag}`}`)
    if (!isTag(normaliseTag(tag))) throw refuse(`a tag has 1 to ${TAG_BYTES_MAX} bytes: ${JSON.stringify(tag.slice(0, 40))}`)
  }
  const normalised = (tags as readonly string[]).map(normaliseTag)
  const json = jsonOf(payload, refuse)
  const bytes = utf8Length(json.text) + utf8Length(JSON.stringify(normalised)) + 4
  if (bytes > roomBytes) throw refuse(`it has ${bytes} bytes, at most ${roomBytes}`)
  return { event: { tags: normalised, event: json.value }, bytes }
}

/** The payload as it will come back: properties that are `undefined` are left out, `toJSON` is asked. */
const jsonOf = (payload: unknown, refuse: (why: string) => ActyxError): { readonly text: string; readonly value: JsonValue } => {
  const depths = new WeakMap<object, number>()
  const check = function (this: unknown, key: string, value: unknown): unknown {
    if (typeof value === 'bigint' || typeof value === 'function' || typeof value === 'symbol' || (typeof value === 'number' && !Number.isFinite(value))) {
      throw refuse(`JSON cannot say ${typeof value === 'number' ? String(value) : `a ${typeof value}`}${key === '' ? '' : `, at ${JSON.stringify(key)}`}`)
    }
    if (typeof value === 'object' && value !== null) {
      const depth = (depths.get(Object(this)) ?? 0) + 1
      if (depth > payloadDepthMax) throw refuse(`its payload is deeper than ${payloadDepthMax}, or contains itself`)
      if (value instanceof Map || value instanceof Set) throw refuse(`JSON cannot say a Map or a Set, at ${JSON.stringify(key)}`)
      depths.set(value, depth)
    }
    return value
  }
  const text: string | undefined = stringify(payload, check, refuse)
  if (text === undefined) throw refuse('it has no payload')
  return { text, value: JSON.parse(text) as JsonValue }
}

const stringify = (payload: unknown, check: (this: unknown, key: string, value: unknown) => unknown, refuse: (why: string) => ActyxError): string | undefined => {
  try {
    return JSON.stringify(payload, check)
  } catch (error) {
    throw error instanceof ActyxError ? error : refuse(`its payload cannot be written as JSON: ${String(error)}`)
  }
}

/** As many events in each as fit. */
const batchesOf = (events: readonly Judged[], roomBytes: number): readonly (readonly NodeTaggedEvent[])[] => {
  const batches: NodeTaggedEvent[][] = []
  let room = 0
  for (const { event, bytes } of events) {
    const last = batches.at(-1)
    if (last === undefined || bytes > room || last.length === batchEventsMax) {
      batches.push([event])
      room = roomBytes - bytes
    } else {
      last.push(event)
      room -= bytes
    }
  }
  return batches
}
