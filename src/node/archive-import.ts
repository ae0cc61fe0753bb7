import type { Lamport, NodeId, StreamId } from '../core/ids.ts'
import { merge } from '../core/offset-map.ts'
import type { TakeOutcome } from '../protocol/plan-state.ts'
import type { EventStore } from '../store/event-store.ts'
import { decodeHeader } from '../stream/header.ts'
import { readArchive, writeArchive, type ArchivePiece } from './archive.ts'
import type { NodeCrypto, Swarm } from './crypto.ts'
import type { Environment } from './environment.ts'
import type { ArchiveReport, Node, NodeStatus } from './node.ts'
import { ReplicatedClock } from './replication-clock.ts'
import { Forks } from './replication-forks.ts'
import { Taker, type ReplicationRoom } from './replication-take.ts'

export interface ArchiveParts {
  readonly store: EventStore
  readonly crypto: NodeCrypto
  readonly environment: Environment
  readonly swarm: Swarm
  readonly nodeId: () => NodeId
  readonly room?: ReplicationRoom
  /** The archive holds more of the own stream than this disk: it was restored from an older copy. Resolves when there is another identity. */
  readonly restored: (shown: NodeId) => Promise<void>
  readonly status: () => NodeStatus
  /** Something may have been stored. */
  readonly compare: () => Promise<void>
  readonly note: (code: string, about: StreamId | undefined, text: string) => void
}

export const createArchives = (parts: ArchiveParts): Pick<Node, 'archive' | 'takeArchive'> => ({
  archive: (which) => {
    const { name, peers } = parts.status()
    const beyond = which === 'all' ? {} : { beyond: peers.map(({ holds }) => holds).reduce(merge, {}) }
    return writeArchive(parts.store, parts.crypto, { name, atMicros: parts.environment.nowMicros(), ...beyond })
  },
  takeArchive: async (file) => {
    const report = await importArchive(parts, file)
    await parts.compare()
    return report
  },
})

/** Takes in the pieces of an archive as if peers had sent them: each is verified and stored in the stream that it was written in. */
const importArchive = async (parts: ArchiveParts, file: Uint8Array): Promise<ArchiveReport> => {
  const counts = { stored: 0, known: 0, refused: 0 }
  const pieces = readArchive(file, parts.swarm.id)
  for (;;) {
    const next = pieces.next()
    if (next.done === true) return { ...counts, fault: next.value }
    const { stream } = next.value
    const before = await lengthOf(parts.store, stream)
    const outcome = await takePiece(parts, next.value)
    if (outcome.type === 'stored') counts.stored += (await lengthOf(parts.store, stream)) - before
    else if (outcome.type === 'known') counts.known++
    else {
      counts.refused++
      parts.note('ARCHIVE-REFUSED', stream, `a piece from offset ${next.value.from} on: ${outcome.type}${'text' in outcome ? ` ${outcome.text}` : ''}`)
    }
  }
}

const lengthOf = async (store: EventStore, stream: StreamId): Promise<number> => (await store.state(stream))?.head.next ?? 0

const takePiece = async (parts: ArchiveParts, piece: ArchivePiece): Promise<TakeOutcome> => {
  const { crypto, nodeId } = parts
  const { stream, sealed, from, body } = piece
  const header = decodeHeader(sealed.header)
  const isClosed = header.ok && header.value.closed
  const segment = { type: 'segment', want: 0, stream, header: sealed.header, seal: sealed.seal, from, body: isClosed ? await crypto.deflate(body) : body } as const
  const shown = nodeId()
  const outcome = await takerOf(parts).take(segment)
  if (outcome.type !== 'mine') return outcome
  await parts.restored(shown)
  return takerOf(parts).take(segment)
}

/** For the identity as it is now. */
const takerOf = ({ store, crypto, environment, swarm, nodeId, room, note }: ArchiveParts): Taker => {
  const clock = new ReplicatedClock(store, environment.monotonicMs, (stream, lamport) =>
    note('CLOCK-BEYOND', stream, `an event with Lamport time ${lamport} lies too far above the clock to move it`))
  const context = {
    store, crypto, swarm: swarm.id, nodeId: nodeId(), nowMicros: environment.nowMicros, hasRoom: () => room?.hasRoom() !== false,
    advanceClock: (stream: StreamId, lamports: readonly Lamport[]) => clock.advance(stream, lamports),
  }
  return new Taker({
    ...context, ...(room && { room }), forks: new Forks(context),
    hole: (stream, first) => note('STREAM-HOLE', stream, `cannot be read from offset ${first} on; it is fetched again`),
  })
}
