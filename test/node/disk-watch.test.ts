import { expect, test } from 'vitest'
import { streamIdOf, publicKeyToNodeId, type StreamId } from '../../src/core/ids.ts'
import { createDiskWatch } from '../../src/node/disk-watch.ts'
import type { HeldHead } from '../../src/store/event-store.ts'

const [a, b] = [1, 2].map((byte) => streamIdOf(publicKeyToNodeId(new Uint8Array(32).fill(byte)), 0)) as unknown as readonly [StreamId, StreamId]
const head = (next: number, id = next): HeldHead => ({ next, lamport: next, headerId: new Uint8Array(32).fill(id), start: 0, openFirst: 0, ended: false })

const open = () => {
  const disk = new Map<StreamId, HeldHead>()
  const told: (readonly StreamId[])[] = []
  let reads = 0
  const heads = async () => {
    reads++
    const copy = new Map(disk)
    await Promise.resolve()
    return copy
  }
  return { disk, told, reads: () => reads, watch: createDiskWatch({ heads }, (_heads, streams) => told.push(streams)) }
}

test('[G8] tells of heads that grew, fell, changed or vanished since the last comparison', async () => {
  const { disk, told, watch } = open()
  const change = async (...entries: (readonly [StreamId, HeldHead])[]) => {
    disk.clear()
    for (const [stream, one] of entries) disk.set(stream, one)
    await watch.compare()
  }
  await change([a, head(3)])
  await change([a, head(3)])
  await change([a, head(4)], [b, head(1)])
  await change([a, head(2)], [b, head(1)])
  await change([a, head(2, 9)], [b, head(1)])
  await change([a, head(2, 9)])
  expect(told).toEqual([[a], [], [a, b], [a], [a], [b]])
})

test('[G8] what this tab wrote itself is not told again, what lies beyond is', async () => {
  const { disk, told, watch } = open()
  watch.expect(a, 4)
  watch.expect(a, 5)
  disk.set(a, head(4))
  await watch.compare()
  disk.set(a, head(5))
  await watch.compare()
  watch.expect(a, 6)
  disk.set(a, head(7))
  await watch.compare()
  expect(told).toEqual([[], [], [a]])
})

test('[G8] a call while a comparison is under way is answered by one that began after it', async () => {
  const { disk, told, reads, watch } = open()
  const first = watch.compare()
  disk.set(a, head(1))
  const others = [watch.compare(), watch.compare(), watch.compare()]
  await Promise.all([first, ...others])
  expect(reads()).toBe(2)
  expect(told).toEqual([[], [a]])
})
