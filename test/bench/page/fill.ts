import { publicKeyToNodeId, type StreamId, type SwarmId } from '../../../src/core/ids.ts'
import type { TaggedEvent } from '../../../src/index.ts'
import { webCrypto } from '../../../src/node/web-crypto.ts'
import type { EventStore, Identity } from '../../../src/store/event-store.ts'
import { encodeBatch, type EncodedBatch } from '../../../src/stream/batch.ts'
import { sealBatches } from '../../../src/stream/seal.ts'
import { emptyBase } from '../../../src/stream/segment.ts'
import { logEvents } from './log.ts'

export interface Filling {
  readonly streams: number
  readonly events: number
  /** Events published together. */
  readonly perBatch: number
  /** The first event sorts right after this Lamport time. Default: after all there is. */
  readonly lamportBefore?: number
  /** Events of all streams in one append of each; absent: as many as one transaction may hold. */
  readonly perAppend?: number
}

/** What was published at once is stored at once, as large as one transaction may be. */
const eventsPerAppend = 4_000

/**
 * Puts streams of other nodes into a store, as if replicated: what a page would hold after that long, without its having to wait for it.
 * The events of the log go round the streams, batch by batch, and Lamport times rise over all of them, as on a floor where everybody hears everybody.
 */
export const fill = async (store: EventStore, swarm: SwarmId, { streams, events, perBatch, perAppend = eventsPerAppend, ...rest }: Filling): Promise<readonly StreamId[]> => {
  const identities = await Promise.all(Array.from({ length: streams }, () => webCrypto.generateIdentity()))
  const ids = identities.map(({ publicKey }): StreamId => `${publicKeyToNodeId(publicKey)}-0` as StreamId)
  const lamportBefore = rest.lamportBefore ?? (await store.clock())
  const step = Math.max(perBatch * streams, Math.floor(perAppend / (perBatch * streams)) * perBatch * streams)
  for (let from = 0; from < events; from += step) {
    const part = await logEvents(from, Math.min(step, events - from))
    await Promise.all(identities.map(async (identity, at) => {
      const batches = batchesOf(part, { perBatch, streams, at, lamport: lamportBefore + from + 1 })
      if (batches.length > 0) await add(store, swarm, { identity, stream: ids[at] as StreamId, batches })
    }))
  }
  return ids
}

interface Share {
  readonly perBatch: number
  readonly streams: number
  /** Which of the streams. */
  readonly at: number
  /** Lamport time of the first event of all. */
  readonly lamport: number
}

const batchesOf = (events: readonly TaggedEvent[], { perBatch, streams, at, lamport }: Share): readonly EncodedBatch[] => {
  const batches: EncodedBatch[] = []
  for (let from = at * perBatch; from < events.length; from += perBatch * streams) {
    const encoded = encodeBatch(events.slice(from, from + perBatch), lamport + from, { timestampMicros: 1_700_000_000_000_000 + (lamport + from) * 1000, appId: 'bench' })
    if (!encoded.ok) throw new Error(encoded.error.text)
    batches.push(encoded.value)
  }
  return batches
}

const add = async (store: EventStore, swarm: SwarmId, { identity, stream, batches }: { readonly identity: Identity; readonly stream: StreamId; readonly batches: readonly EncodedBatch[] }): Promise<void> => {
  const base = (await store.state(stream)) ?? emptyBase(stream)
  const append = await sealBatches({ crypto: webCrypto, signer: webCrypto.signer(identity), swarm }, base, batches)
  const result = await store.appendReplicated([append], batches.at(-1)?.lastLamport ?? 0)
  if (result.type !== 'stored') throw new Error(`${stream} could not be filled: ${result.type}`)
  if (append.tail !== undefined) await store.joinTail(stream)
}
