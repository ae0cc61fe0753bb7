import type { Offset, StreamId } from '../core/ids.ts'
import { lastOf } from '../core/offset-map.ts'
import type { EventStore, StreamState } from '../store/event-store.ts'
import type { StreamCrypto } from '../stream/crypto.ts'
import type { Changes } from '../tab/changes.ts'
import { createDiskWatch, type DiskWatch } from './disk-watch.ts'
import { hasForked, readForkStatus } from './fork-status.ts'
import type { Self } from './identity.ts'
import type { Heads } from './reader.ts'
import type { Replication } from './replication.ts'
import { presentOf, withLast, type StatusBoard } from './status.ts'

export interface HeldParts {
  readonly store: EventStore
  readonly crypto: StreamCrypto
  readonly self: Self
  readonly board: StatusBoard
  readonly changes: Pick<Changes, 'post'>
  /** `undefined` while this tab has no connections. */
  readonly replication: () => Replication | undefined
  /** Whoever follows events of any stream is to look. */
  readonly grown: () => void
  /** Heads fell, and never do within a session: connects again. */
  readonly reconnect: () => Promise<void>
  /** Looks whether another tab has changed the identity. */
  readonly lookAtIdentity: () => Promise<void>
  /** Takes care of the errors of what nobody awaits. */
  readonly supervise: (doing: string, work: Promise<unknown>) => void
}

/** Knows what lies on this disk, and tells all of this tab, the other tabs and the peers what grew there or fell, whoever wrote it. */
export class Held {
  readonly #parts: HeldParts
  readonly #watch: DiskWatch
  /** What this tab published last: a comparison that began before it may not take it back. */
  #ownLast: readonly [stream: StreamId, last: Offset] | undefined
  /** Streams that replication itself has changed since the last comparison. */
  readonly #replicated = new Set<StreamId>()

  constructor(parts: HeldParts) {
    this.#parts = parts
    this.#watch = createDiskWatch(parts.store, (heads, streams) => this.#headsChanged(heads, streams))
  }

  /** Own events of this tab are durable: everyone learns of it, before `publish` resolves. */
  published(state: StreamState): void {
    const { board, self, changes, replication, grown } = this.#parts
    const [stream, last] = [state.stream, state.head.next - 1]
    this.#watch.expect(stream, last + 1)
    this.#ownLast = [stream, last]
    board.setPresent(withLast(board.status().present, stream, last), self.ids())
    grown()
    replication()?.published(stream, state)
    changes.post({ type: 'grown', streams: [stream] })
  }

  /** Replication has added to this stream, up to `next`: told without reading all heads, which the next comparison finds so too. */
  grew(stream: StreamId, next: Offset): void {
    const { board, self, changes, grown, supervise } = this.#parts
    this.#replicated.add(stream)
    // One that began before would take it back.
    if (this.#watch.isComparing()) return supervise('reading what was replicated', this.compare())
    board.setPresent(withLast(board.status().present, stream, next - 1), self.ids())
    grown()
    changes.post({ type: 'grown', streams: [stream] })
  }

  /** Replication has changed, or is about to lower, this stream: it knows of that by itself. */
  replicated(stream: StreamId): void {
    this.#replicated.add(stream)
  }

  /** @returns when a comparison of all heads with the disk that began after the call is done */
  readonly compare = (): Promise<void> => this.#watch.compare()

  /** The identity too: another tab may have changed it. */
  async compareAll(): Promise<void> {
    await this.#parts.lookAtIdentity()
    await this.compare()
  }

  #headsChanged(heads: Heads, streams: readonly StreamId[]): void {
    if (streams.length === 0) return
    const { board, self, changes, replication, grown, reconnect, supervise } = this.#parts
    const byOthers = streams.filter((stream) => !this.#replicated.has(stream))
    const fell = this.#fallen(heads, byOthers)
    for (const stream of fell) board.note('STREAM-LOWERED', stream, `of this stream only ${heads.get(stream)?.next ?? 0} entries can be read on this disk now; the rest is fetched again`)
    this.#replicated.clear()
    const held = presentOf(heads)
    board.setPresent(this.#ownLast?.[0] === self.stream() ? withLast(held, ...this.#ownLast) : held, self.ids())
    grown()
    if (streams.some((stream) => stream.includes('~'))) supervise('looking at forks', this.#lookAtForks(heads))
    const running = replication()
    if (running === undefined) return
    changes.post({ type: 'grown', streams })
    if (fell.length > 0) supervise('connecting again with lower heads', reconnect())
    else if (byOthers.length > 0) supervise('comparing heads', running.refresh())
  }

  #fallen(heads: Heads, streams: readonly StreamId[]): readonly StreamId[] {
    const { present } = this.#parts.board.status()
    return streams.filter((stream) => !hasForked(heads, stream) && (heads.get(stream)?.next ?? 0) <= lastOf(present, stream))
  }

  async #lookAtForks(heads: Heads): Promise<void> {
    this.#parts.board.set({ forks: await readForkStatus(this.#parts, heads) })
  }
}
