import { equalBytes } from '../core/bytes.ts'
import { streamWithoutBranch, type StreamId } from '../core/ids.ts'
import type { ForkMessage } from '../protocol/message.ts'
import { StoreError } from '../store/errors.ts'
import type { EventStore, SetAside } from '../store/event-store.ts'
import { byteOfEvent } from '../stream/body.ts'
import type { StreamCrypto } from '../stream/crypto.ts'
import { decodeHeader } from '../stream/header.ts'
import type { Forks } from './replication-forks.ts'
import { heldSegment } from './replication-reads.ts'
import type { Taker } from './replication-take.ts'

interface Parts {
  readonly store: EventStore
  readonly crypto: StreamCrypto
  readonly forks: Forks
  readonly taker: Taker
}

/** Proofs as the version of the program kept them that made no branches. */
const OLD_FORK = 'fork'

/**
 * Makes branches of what an earlier version of the program has set aside: it ended a forked stream, kept the proof, and put away what it had beyond.
 * What cannot be placed now stays aside, to be tried again at the next opening. Once done it costs one read.
 */
export const migrateForks = async (parts: Parts): Promise<void> => {
  for (const [name, value] of await parts.store.listAside(OLD_FORK)) {
    const { one, other } = value as Pick<ForkMessage, 'one' | 'other'>
    const found = await parts.forks.take({ type: 'fork', one, other })
    if (found.outcome.type === 'forked') await parts.forks.settle(found.outcome.fork)
    const { stream, outcome } = await parts.forks.take({ type: 'fork', one, other })
    if (stream !== undefined && outcome.type === 'known' && (await bringBack(parts, stream))) await parts.store.deleteAside(OLD_FORK, name)
  }
}

/** What was set aside of a stream goes on in the branch that it fits, as if a peer had sent it. @returns whether nothing is left for want of room */
const bringBack = async (parts: Parts, stream: StreamId): Promise<boolean> => {
  let pending = (await parts.store.setAsideByForks()).filter((piece) => streamWithoutBranch(piece.stream) === stream).sort((a, b) => a.first - b.first)
  let before: number
  do {
    before = pending.length
    const left: SetAside[] = []
    for (const piece of pending) {
      const placed = await place(parts, piece)
      if (placed === 'full') return false
      if (!placed) left.push(piece)
      else await parts.store.deleteAside(piece.kind, piece.id)
    }
    pending = left
  } while (pending.length > 0 && pending.length < before)
  return true
}

/** @returns whether it lies in a branch now */
const place = async ({ store, crypto, forks, taker }: Parts, piece: SetAside): Promise<boolean | 'full'> => {
  const { first, sealed, body } = piece
  for (const { stream } of await store.family(streamWithoutBranch(piece.stream))) {
    if (await holds({ store, crypto }, stream, piece)) return true
    const outcome = await taker.take({ type: 'segment', want: 0, stream, header: sealed.header, seal: sealed.seal, from: first, body })
    if (outcome.type === 'full') return 'full'
    if (outcome.type === 'forked') await forks.settle(outcome.fork)
    if (await holds({ store, crypto }, stream, piece)) return true
  }
  return false
}

const holds = async ({ store, crypto }: Pick<Parts, 'store' | 'crypto'>, stream: StreamId, { kind, first, sealed, body }: SetAside): Promise<boolean> => {
  const piece = await store.piece(stream, first)
  if (piece === undefined) return false
  if (kind === 'segment') return equalBytes(piece.sealed.header, sealed.header)
  const header = decodeHeader(sealed.header)
  const held = await heldSegment(crypto, stream, piece).catch((error: unknown) => {
    if (error instanceof StoreError) return undefined
    throw error
  })
  const at = held && byteOfEvent(held.body, first - held.header.first)
  return header.ok && held !== undefined && at !== undefined && equalBytes(held.header.previous, header.value.previous) && equalBytes(held.body.subarray(at, at + body.length), body)
}
