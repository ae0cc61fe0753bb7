import { streamIdOf, type Offset, type StreamId } from '../../src/core/ids.ts'
import { encodeUtf8 } from '../../src/core/utf8.ts'
import type { Message, SegmentMessage } from '../../src/protocol/message.ts'
import type { Identity } from '../../src/store/event-store.ts'
import { encodeHeader, headerId, type Header } from '../../src/stream/header.ts'
import { pureCrypto } from '../seeded-crypto.ts'
import { swarm } from './replication-world.ts'

export interface Forging {
  readonly lines: readonly string[]
  readonly first?: Offset
  readonly previous?: Uint8Array
  readonly closed?: boolean
  /** What the header says that is not so. */
  readonly change?: Partial<Header>
}

/** A line with one event. */
export const lineOf = (lamport: number, payload: unknown = 'x', tags: readonly string[] = []): string => `${JSON.stringify([lamport, 1, '', [[tags, payload]]])}\n`

/** A segment of any content, true or not, with a seal that holds. */
export const forgeSegment = async (identity: Identity, { lines, first = 0, previous = new Uint8Array(32), closed = false, change = {} }: Forging) => {
  const body = encodeUtf8(lines.join(''))
  const lamportOf = (text: string | undefined): number => Number(/\d+/.exec(text ?? '')?.[0])
  const header = encodeHeader({
    swarm: swarm.id, stream: streamIdOf(identity.nodeId, 0), first, events: lines.length, firstLamport: lamportOf(lines[0]), lastLamport: lamportOf(lines.at(-1)),
    bodyBytes: body.length, previous, bodyHash: await pureCrypto.sha256(body), closed, ...change,
  })
  return { header, seal: await pureCrypto.signer(identity).sign(header), body, deflated: await pureCrypto.deflate(body), id: await headerId(pureCrypto, header) }
}

export type Forged = Awaited<ReturnType<typeof forgeSegment>>

/** As it is pushed, whole. */
export const pushOf = (stream: StreamId, forged: Forged, change: Partial<SegmentMessage> = {}): Message =>
  ({ type: 'segment', want: 0, stream, header: forged.header, seal: forged.seal, from: 0, body: forged.header.at(-1) === 1 ? forged.deflated : forged.body, ...change })
