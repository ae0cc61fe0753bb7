import { compareEventKeys, eventKeyToId } from '../../src/core/event-key.ts'
import type { Event } from '../../src/core/event.ts'
import { streamIdOf, type NodeId, type StreamId } from '../../src/core/ids.ts'
import type { JsonValue } from '../../src/core/json.ts'
import { lastOf } from '../../src/core/offset-map.ts'
import { allEvents, matches } from '../../src/core/where.ts'
import type { Heads, Reader } from '../../src/node/reader.ts'

export const streamOf = (at: number): StreamId => streamIdOf(`${String.fromCharCode(65 + at).repeat(42)}A` as NodeId, 0)

/** A reader over events in memory, which grow and are lost as a test wants; it counts what is asked of it. */
export const createReaderTwin = () => {
  const streams = new Map<StreamId, Event[]>()
  const counts = { passes: 0, events: 0, open: 0 }
  const heads = (): Heads => new Map([...streams].filter(([, events]) => events.length > 0).map(([stream, events]) => [stream, { next: events.length, lamport: events.at(-1)?.meta.lamport ?? 0, headerId: new Uint8Array(32), start: 0, openFirst: 0, ended: false }]))
  const reader: Reader = {
    heads: async () => heads(),
    query: async function* ({ where = allEvents, lowerBound = {}, upperBound, horizon }, order, given) {
      counts.passes++
      counts.open++
      const present = given ?? heads()
      try {
        const chosen = [...streams].flatMap(([stream, events]) => events.slice(lastOf(lowerBound, stream) + 1, Math.min(present.get(stream)?.next ?? 0, upperBound === undefined ? Infinity : lastOf(upperBound, stream) + 1)))
        const wanted = chosen.filter(({ meta }) => matches(where, { ...meta, isLocal: meta.isLocalEvent }) && (horizon === undefined || compareEventKeys(meta, horizon) > 0))
        for (const event of wanted.sort((a, b) => (order === 'ascending' ? 1 : -1) * compareEventKeys(a.meta, b.meta))) {
          counts.events++
          yield event
        }
      } finally {
        counts.open--
      }
    },
  }
  /** One event more at the end of a stream; its Lamport time is above that of the one before. */
  const add = (stream: StreamId, lamport: number, tags: readonly string[] = [], payload: JsonValue = lamport): Event => {
    const events = streams.get(stream) ?? []
    const key = { lamport, stream }
    const event: Event = {
      meta: { ...key, eventId: eventKeyToId(key), offset: events.length, timestampMicros: lamport * 1000, appId: 'app', tags, isLocalEvent: stream === streamOf(0), timestampAsDate: () => new Date(lamport) },
      payload,
    }
    streams.set(stream, [...events, event])
    return event
  }
  const all = (): readonly Event[] => [...streams.values()].flat().sort((a, b) => compareEventKeys(a.meta, b.meta))
  return { reader, counts, add, all, lose: (stream: StreamId, length: number) => streams.set(stream, (streams.get(stream) ?? []).slice(0, length)) }
}

/** Lets everything happen that needs no time. */
export const turns = async (count = 200): Promise<void> => {
  for (let turn = 0; turn < count; turn++) await new Promise<void>((resolve) => queueMicrotask(resolve))
}
