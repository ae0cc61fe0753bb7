import fc from 'fast-check'
import type { TaggedEvent } from '../../src/core/event.ts'
import { publicKeyToNodeId, streamIdOf } from '../../src/core/ids.ts'
import { encodeBatch, type EncodedBatch } from '../../src/stream/batch.ts'

const tag = fc.oneof(fc.constantFrom('a', 'order:1', 'e\u0301', 'Stück'), fc.string({ minLength: 1, maxLength: 12, unit: 'grapheme' }))
const someStream = fc.nat({ max: 255 }).map((byte) => streamIdOf(publicKeyToNodeId(new Uint8Array(32).fill(byte)), byte))
const basis = fc.option(fc.uniqueArray(someStream, { maxLength: 3 }).chain((streams) => fc.constant(Object.fromEntries(streams.map((stream, at) => [stream, at])))))

/** Any event that may be published. */
export const taggedEvent: fc.Arbitrary<TaggedEvent> = fc.record(
  { tags: fc.array(tag, { maxLength: 4 }), event: fc.jsonValue({ maxDepth: 4, noUnicodeString: false }) as fc.Arbitrary<TaggedEvent['event']>, basis },
  { requiredKeys: ['tags', 'event'] },
)

/** A batch that may be sealed, for tests that look at streams rather than events. */
export const batchOf = (lamport: number, events: readonly TaggedEvent[], timestampMicros = lamport): EncodedBatch => {
  const encoded = encodeBatch(events, lamport, { timestampMicros, appId: 'test' })
  if (!encoded.ok) throw new Error(encoded.error.text)
  return encoded.value
}

/** `sizes`: payload bytes of the single event of each batch; Lamport times from `lamport` on. */
export const batchesOf = (lamport: number, sizes: readonly number[]): EncodedBatch[] =>
  sizes.map((size, at) => batchOf(lamport + at, [{ tags: [`tag:${lamport + at}`], event: 'x'.repeat(size) }]))
