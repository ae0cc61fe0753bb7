import type { Offset, StreamId } from '../core/ids.ts'
import type { EventStore } from '../store/event-store.ts'
import type { StreamCrypto } from '../stream/crypto.ts'
import { checkPieces } from './replication-reads.ts'
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

/** @param unreadable hears where what is not what was sealed begins */
export const createScrub = (
  devices: { readonly store: EventStore; readonly crypto: StreamCrypto },
  unreadable: (error: UnreadableError) => Promise<void>,
): Scrub => {
  /** Still to be looked at in this round; the next one is last. */
  let streams: StreamId[] = []
  let from: Offset = 0
  let isRunning = false
  const step = async () => {
    if (streams.length === 0) streams = await allStreams(devices.store)
    const stream = streams.at(-1)
    if (stream === undefined) return
    const checked = await checkPieces(devices, stream, from, piecesPerStep)
    from = checked.next ?? 0
    if (from === 0) streams.pop()
    if (checked.bad !== undefined) await unreadable(new UnreadableError(stream, checked.bad, 'they are not what was written'))
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

/** Those too of which nothing can be read. */
const allStreams = async (store: EventStore): Promise<StreamId[]> => {
  const [records, heads] = await Promise.all([store.records(), store.heads()])
  return [...new Set([...heads.keys(), ...records.map(({ stream }) => stream)])]
}
