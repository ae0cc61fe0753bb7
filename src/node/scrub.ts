import { equalBytes } from '../core/bytes.ts'
import type { EventKey } from '../core/event-key.ts'
import type { Offset, StreamId } from '../core/ids.ts'
import type { EventStore } from '../store/event-store.ts'
import { readBody } from '../stream/body.ts'
import type { StreamCrypto } from '../stream/crypto.ts'
import { summarise } from '../stream/summary.ts'
import { checkPieces, type HeldSegment } from './replication-reads.ts'
import { readSummaries } from './spans.ts'
import { UnreadableError } from './stream-cursor.ts'

/** How often a step is due. */
export const scrubEveryMs = 60_000
/** At most 1.5 MiB of bodies: some 10 ms of work. */
const piecesPerStep = 24

/** Reads the whole store again and again, a little at a time, so that what has become unreadable is fetched again while somebody still has it. @see STORAGE.md, Holes */
export interface Scrub {
  /** The next little; a call while one is under way does nothing. */
  readonly step: () => Promise<void>
}

export interface ScrubEvents {
  /** Where what is not what was sealed begins. */
  readonly unreadable: (error: UnreadableError) => Promise<void>
  /** Summaries of these segments were missing or wrong, and are right now: readers may have passed over their events, none of which sorts before `earliest`. */
  readonly summarised: (stream: StreamId, earliest: EventKey) => void
}

interface Disk {
  readonly store: EventStore
  readonly crypto: StreamCrypto
}

export const createScrub = (disk: Disk, events: ScrubEvents): Scrub => {
  /** Still to be looked at in this round; the next one is last. */
  let streams: StreamId[] = []
  let from: Offset = 0
  let isRunning = false
  const step = async () => {
    if (streams.length === 0) streams = await allStreams(disk.store)
    const stream = streams.at(-1)
    if (stream === undefined) return
    const whole: HeldSegment[] = []
    const checked = await checkPieces(disk, stream, from, piecesPerStep, (held) => whole.push(held))
    from = checked.next ?? 0
    if (from === 0) streams.pop()
    const earliest = await mendSummaries(disk.store, stream, whole)
    if (earliest !== undefined) events.summarised(stream, earliest)
    if (checked.bad !== undefined) await events.unreadable(new UnreadableError(stream, checked.bad, 'they are not what was written'))
  }
  return {
    step: async () => {
      if (isRunning) return
      isRunning = true
      try {
        await step()
      } finally {
        isRunning = false
      }
    },
  }
}

/** A filter that says no wrongly hides events. @returns the first Lamport time of what was wrong */
const mendSummaries = async (store: EventStore, stream: StreamId, segments: readonly HeldSegment[]): Promise<EventKey | undefined> => {
  if (segments.length === 0) return undefined
  const known = readSummaries(await store.summaries(), new Set([stream])).get(stream) ?? []
  const byFirst = new Map(known.map((entry) => [entry.first, entry.bytes]))
  const wrong = segments.flatMap(({ header, body }) => {
    const lines = readBody(body, 0)
    const entry = lines.ok ? summarise(stream, header.first, lines.value) : undefined
    return entry === undefined || equalBytes(entry, byFirst.get(header.first) ?? new Uint8Array()) ? [] : [{ entry, lamport: header.firstLamport }]
  })
  if (wrong.length === 0) return undefined
  await store.addSummaries(wrong.map(({ entry }) => entry))
  return { lamport: Math.min(...wrong.map(({ lamport }) => lamport)), stream }
}

/** Those too of which nothing can be read. */
const allStreams = async (store: EventStore): Promise<StreamId[]> => {
  const [records, heads] = await Promise.all([store.records(), store.heads()])
  return [...new Set([...heads.keys(), ...records.map(({ stream }) => stream)])]
}
