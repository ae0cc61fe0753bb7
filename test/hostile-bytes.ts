import { getHeapStatistics } from 'node:v8'
import { concatBytes } from '../src/core/bytes.ts'
import type { Random } from './random.ts'

/** Lengths and counts that no message has: what a decoder may be tempted to make room for. */
const huge = [
  [0x1b, 0, 0x1f, 255, 255, 255, 255, 255, 255], [0x5a, 255, 255, 255, 255], [0x7a, 127, 255, 255, 255], [0x9a, 255, 255, 255, 255], [0xba, 255, 255, 255, 255], [0x9f], [0xbf], [0x5f], [0xff],
  [0xfb, 0x7f, 0xf0, 0, 0, 0, 0, 0, 0], [0xc0], [0xf6], [0xf7], [0xf8, 0xff], [255, 255, 255, 255], [0, 0, 0, 0], [0x7f, 255], [0xef, 0xbb, 0xbf], [0xed, 0xa0, 0x80], [0x0a], [0x22], [0x5b, 0x7b],
].map((each) => Uint8Array.from(each))

const mutateOnce = (random: Random, bytes: Uint8Array, others: readonly Uint8Array[]): Uint8Array => {
  const at = random.below(bytes.length + 1)
  const end = Math.min(bytes.length, at + 1 + random.below(8))
  const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)]
  switch (random.below(8)) {
    case 0: return concatBytes([before, Uint8Array.of((bytes[at] ?? 0) ^ (1 << random.below(8))), bytes.subarray(at + 1)])
    case 1: return concatBytes([before, random.bytes(1 + random.below(4)), bytes.subarray(end)])
    case 2: return concatBytes([before, random.pick(huge), after])
    case 3: return concatBytes([before, random.pick(huge), bytes.subarray(end)])
    case 4: return concatBytes([before, bytes.subarray(end)])
    case 5: return concatBytes([before, bytes.subarray(at, end), after])
    case 6: return before
    default: {
      const other = random.pick(others)
      return concatBytes([before, other.subarray(random.below(other.length + 1))])
    }
  }
}

/** One of `valid` with one to four changes, or noise: what somebody sends who knows the form and means harm. */
export const hostileBytes = (random: Random, valid: readonly Uint8Array[]): Uint8Array => {
  if (random.chance(0.1)) return random.bytes(random.below(300))
  let bytes: Uint8Array = random.pick(valid)
  for (let count = 1 + random.below(4); count > 0; count--) bytes = mutateOnce(random, bytes, valid)
  return bytes
}

const heldBytes = (): number => {
  const { used_heap_size: heap, external_memory: external } = getHeapStatistics()
  return heap + external
}

/** Bytes that a call takes, without what the collector takes back meanwhile. */
export const bytesTaken = (work: () => unknown): number => {
  const before = heldBytes()
  work()
  return heldBytes() - before
}
