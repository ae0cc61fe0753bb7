import { bytesToHex, concatBytes } from '../../src/core/bytes.ts'
import type { TaggedEvent } from '../../src/core/event.ts'
import { eventKeyToId } from '../../src/core/event-key.ts'
import { streamIdOf } from '../../src/core/ids.ts'
import { decodeUtf8 } from '../../src/core/utf8.ts'
import type { NodeCrypto } from '../../src/node/crypto.ts'
import { encodeBatch, type EncodedBatch } from '../../src/stream/batch.ts'
import { encodeHeader, headerId, noHeaderId, type Header } from '../../src/stream/header.ts'
import { branchIdOf, chainLine, noLines, startBytes, swarmIdOf } from '../../src/stream/swarm.ts'
import { publishedIdentity, publishedKeys } from './keys.ts'
import { smallOrder } from './validity-cases.ts'

interface Publish {
  readonly lamport: number
  readonly timestampMicros: number
  readonly appId: string
  readonly events: readonly TaggedEvent[]
}

const publishes = (stream: string): readonly Publish[] => [
  { lamport: 1, timestampMicros: 1_328_000_000_000_000, appId: 'com.example.floor', events: [{ tags: ['order:4711', 'operation'], event: { type: 'operationStarted', order: '4711', time: '2012-01-31T08:53:20Z' } }] },
  { lamport: 7, timestampMicros: 1_328_000_060_000_000, appId: '', events: [{ tags: [], event: null }, { tags: ['Stückzahl:\u{1f4e6}', 'e\u0301'], event: [1.5, -3, 1e21, 'ä "\\" \u0001 \ud800', { nested: {} }], basis: { [stream]: 0 } }] },
  { lamport: 4_503_599_627_370_495, timestampMicros: 9_007_199_254_740_991, appId: 'a', events: [{ tags: ['last'], event: false, basis: null }] },
]

const encode = ({ events, lamport, ...options }: Publish): EncodedBatch => {
  const encoded = encodeBatch(events, lamport, options)
  if (!encoded.ok) throw new Error(encoded.error.text)
  return encoded.value
}

/** All forms of version 1, made from the published keys: what `test/fixtures/format-1.json` holds, but for the deflated body. */
export const makeGolden = async (crypto: NodeCrypto): Promise<unknown> => {
  const identity = await publishedIdentity(0)
  const signer = crypto.signer(identity)
  const random = Uint8Array.from({ length: 16 }, (_, at) => at)
  const swarm = await swarmIdOf(crypto, identity.publicKey, random)
  const stream = streamIdOf(identity.nodeId, 0)
  const published = publishes(stream)
  const [first, second, third] = published.map(encode) as [EncodedBatch, EncodedBatch, EncodedBatch]

  const seal = async (fields: Partial<Header>, batches: readonly EncodedBatch[]): Promise<{ id: Uint8Array; golden: unknown }> => {
    const body = concatBytes(batches.map(({ line }) => line))
    const header = encodeHeader({
      swarm, stream, first: 0, events: batches.reduce((sum, { events }) => sum + events, 0), firstLamport: batches[0]?.firstLamport ?? 0,
      lastLamport: batches.at(-1)?.lastLamport ?? 0, bodyBytes: body.length, previous: noHeaderId, bodyHash: await crypto.sha256(body), closed: false, ...fields,
    })
    const id = await headerId(crypto, header)
    return { id, golden: { header: bytesToHex(header), headerId: bytesToHex(id), seal: bytesToHex(await signer.sign(header)) } }
  }
  const closed = await seal({ closed: true }, [first, second])
  const before = await chainLine(crypto, await chainLine(crypto, noLines, first.line), second.line)
  const start = { offset: 3, previous: closed.id, lamportBefore: second.lastLamport, chain: before }
  const signedStart = startBytes(swarm, stream, start)
  const chain = await chainLine(crypto, await chainLine(crypto, noLines, first.line), third.line)
  return {
    key: { seed: publishedKeys[0][0], publicKey: publishedKeys[0][1], nodeId: identity.nodeId },
    swarm: { founder: publishedKeys[0][1], random: bytesToHex(random), id: swarm },
    stream,
    lines: [first, second, third].map(({ line }) => ({ text: decodeUtf8(line), hex: bytesToHex(line) })),
    eventIds: [first, second, third].flatMap(({ firstLamport, events }) => Array.from({ length: events }, (_, at) => eventKeyToId({ lamport: firstLamport + at, stream }))),
    openAfterLine0: (await seal({}, [first])).golden,
    openAfterLine1: (await seal({}, [first, second])).golden,
    closedAfterLine1: closed.golden,
    nextOpenWithLine2: (await seal({ first: 3, previous: closed.id }, [third])).golden,
    start: { offset: 3, lamportBefore: second.lastLamport, chain: bytesToHex(before), signed: bytesToHex(signedStart), signature: bytesToHex(await signer.sign(signedStart)) },
    branch: { lines: [0, 2], chain: bytesToHex(chain), id: branchIdOf(stream, chain) },
    notKeys: smallOrder,
  }
}
