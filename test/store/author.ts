import { streamIdOf, type Lamport, type StreamId, type SwarmId } from '../../src/core/ids.ts'
import { webCrypto } from '../../src/node/web-crypto.ts'
import type { Identity, StreamAppend } from '../../src/store/event-store.ts'
import { encodeBatch, type EncodedBatch } from '../../src/stream/batch.ts'
import { sealBatches } from '../../src/stream/seal.ts'
import { emptyBase, type StreamBase } from '../../src/stream/segment.ts'

export const swarm = '00112233445566778899aabbccddeeff' as SwarmId

export interface Writing {
  /** Batches of one event each. */
  readonly batches?: number
  /** Size of each payload, about. From 64 KiB on each batch closes a segment. */
  readonly bytes?: number
  /** Lamport time of the first. */
  readonly lamport?: Lamport
  readonly text?: string
}

/** Makes real signed appends to one stream, as a node does. */
export interface Author {
  readonly identity: Identity
  readonly stream: StreamId
  /** Computed on `base`; `undefined`: on the empty stream. */
  readonly write: (base: StreamBase | undefined, writing?: Writing) => Promise<StreamAppend>
  /** The same node writing another of its streams. */
  readonly as: (stream: StreamId) => Author
}

export const createAuthor = async (): Promise<Author> => {
  const identity = await webCrypto.generateIdentity()
  return authorOf(identity, streamIdOf(identity.nodeId, 0))
}

const authorOf = (identity: Identity, stream: StreamId): Author => ({
  identity,
  stream,
  as: (other) => authorOf(identity, other),
  write: (base = emptyBase(stream), writing = {}) =>
    sealBatches({ crypto: webCrypto, signer: webCrypto.signer(identity), swarm }, base, batchesOf(base, writing)),
})

const batchesOf = (base: StreamBase, { batches = 1, bytes = 10, lamport = base.head.lamport + 1, text = 'x' }: Writing): readonly EncodedBatch[] =>
  Array.from({ length: batches }, (_, at) => {
    const event = { tags: ['order:1', `at:${at}`], event: text.repeat(Math.ceil(bytes / text.length)) }
    const batch = encodeBatch([event], lamport + at, { timestampMicros: 1_000_000, appId: 'test' })
    if (!batch.ok) throw new Error(batch.error.text)
    return batch.value
  })

/** First Lamport time of an append that is not overtaken by anything. */
export const never = 2 ** 51
