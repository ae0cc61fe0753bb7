import type { StreamId } from '../core/ids.ts'
import { equalBytes } from '../core/bytes.ts'
import type { EventStore, Head } from '../store/event-store.ts'
import type { Heads } from './reader.ts'

/** Compares the heads on disk with those last seen, because other tabs write too and their messages are only hints. */
export interface DiskWatch {
  /**
   * Reads all heads and tells of those that differ. Calls while one is under way share the next.
   * @returns when a comparison that began after the call is done
   */
  readonly compare: () => Promise<void>
  readonly isComparing: () => boolean
  /** A head that this tab has just written: it and those before it are not to be told. */
  readonly expect: (stream: StreamId, next: number) => void
}

/** @param changed hears all heads and the streams whose head differs, none when nothing does */
export const createDiskWatch = (store: Pick<EventStore, 'heads'>, changed: (heads: Heads, streams: readonly StreamId[]) => void): DiskWatch => {
  let seen: Heads = new Map()
  const expected = new Map<StreamId, number>()
  let running: Promise<void> | undefined
  let following: Promise<void> | undefined

  const isSeen = (stream: StreamId, head: Head) => {
    const before = seen.get(stream)
    if (before !== undefined && before.next === head.next && equalBytes(before.headerId, head.headerId)) return true
    return head.next <= (expected.get(stream) ?? 0)
  }
  const compareNow = async () => {
    const heads = await store.heads()
    const streams = [...heads].filter(([stream, head]) => !isSeen(stream, head)).map(([stream]) => stream)
    const vanished = [...seen.keys()].filter((stream) => !heads.has(stream))
    seen = heads
    for (const [stream, next] of expected) if ((heads.get(stream)?.next ?? 0) >= next) expected.delete(stream)
    changed(heads, [...streams, ...vanished])
  }
  const begin = () => {
    running = compareNow().finally(() => (running = undefined))
    return running
  }
  return {
    compare: () => {
      if (running === undefined) return begin()
      following ??= running
        .then(
          () => undefined,
          () => undefined,
        )
        .then(() => {
          following = undefined
          return begin()
        })
      return following
    },
    isComparing: () => running !== undefined,
    expect: (stream, next) => expected.set(stream, next),
  }
}
