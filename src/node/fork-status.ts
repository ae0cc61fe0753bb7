import { streamIdToNodeId, streamWithoutBranch, type Offset, type StreamId } from '../core/ids.ts'
import { BRANCHES_MAX } from '../protocol/limits.ts'
import { NO_PLACE, type EventStore, type HeldHead, type StreamRecord } from '../store/event-store.ts'
import { parseLine } from '../stream/batch.ts'
import type { StreamCrypto } from '../stream/crypto.ts'
import { branchesOf } from './fork-place.ts'
import { lineAt } from './fork-version.ts'
import type { ForkStatus } from './node.ts'
import { heldSegment } from './replication-reads.ts'

interface Disk {
  readonly store: EventStore
  readonly crypto: StreamCrypto
}

type Heads = ReadonlyMap<StreamId, HeldHead>

/** Whether a stream ends at a fork: one that forks in its first batch has no head, but branches. */
export const hasForked = (heads: Heads, stream: StreamId): boolean => {
  const head = heads.get(stream)
  const prefix = `${streamWithoutBranch(stream)}~`
  return head === undefined ? [...heads.keys()].some((other) => other.startsWith(prefix)) : head.ended
}

/** The forks of all streams, as a person is told of them. Reads nothing where there are no branches. */
export const readForkStatus = async (disk: Disk, heads: Heads): Promise<readonly ForkStatus[]> => {
  const forked = new Set([...heads.keys()].filter((stream) => stream.includes('~')).map(streamWithoutBranch))
  const families = await Promise.all([...forked].map((stream) => disk.store.family(stream)))
  const forks = await Promise.all(families.flatMap((family) => family.map((record) => forkOf(disk, heads, family, record))))
  const found = forks.filter((fork) => fork !== undefined)
  const aside = found.some(isCrowded) ? await displacedIn(disk.store) : []
  return found.map((fork) => ({ ...fork, displaced: isCrowded(fork) ? aside.filter((branch) => streamWithoutBranch(branch) === streamWithoutBranch(fork.stream)).length : 0 }))
}

const isCrowded = ({ entries }: Pick<ForkStatus, 'entries'>): boolean => entries.length === BRANCHES_MAX

/** Branches that were set aside for want of a place. Nothing says any more of which fork of their stream they were. */
const displacedIn = async (store: EventStore): Promise<readonly StreamId[]> => {
  const values = [...(await store.listAside('tail')), ...(await store.listAside('segment'))].map(([, value]) => value as Partial<Record<'stream' | 'reason', unknown>>)
  return [...new Set(values.flatMap(({ stream, reason }) => (reason === NO_PLACE && typeof stream === 'string' ? [stream as StreamId] : [])))]
}

const forkOf = async (disk: Disk, heads: Heads, family: readonly StreamRecord[], record: StreamRecord): Promise<Omit<ForkStatus, 'displaced'> | undefined> => {
  const { stream, standing } = record
  const branches = branchesOf(family, record)
  if (standing?.type !== 'forked' || branches.length === 0) return undefined
  const times = await Promise.all(branches.map((branch) => timeAt(disk, branch.stream, standing.end)))
  return {
    stream, nodeId: streamIdToNodeId(stream), end: standing.end, foundMicros: standing.atMicros,
    sinceMicros: Math.min(...times.map((time) => time ?? standing.atMicros)), entries: branches.map((branch) => entriesIn(heads, family, branch)),
  }
}

const entriesIn = (heads: Heads, family: readonly StreamRecord[], branch: StreamRecord): number => {
  const head = heads.get(branch.stream)
  return (head === undefined ? 0 : head.next - head.start) + branchesOf(family, branch).reduce((sum, inner) => sum + entriesIn(heads, family, inner), 0)
}

/** When the event at `offset` was recorded; `undefined` where it cannot be read now. */
const timeAt = async ({ store, crypto }: Disk, stream: StreamId, offset: Offset): Promise<number | undefined> => {
  const piece = await store.piece(stream, offset)
  const held = piece && (await heldSegment(crypto, stream, piece))
  const line = held && lineAt(held.body, held.header.first, offset)
  const parsed = line && parseLine(line)
  return parsed?.ok === true ? parsed.value[1] : undefined
}
