import { expect, test } from 'vitest'
import { createMemoryDisk, openMemoryStore } from '../../src/store/memory-event-store.ts'
import { unpackAppend } from '../../src/store/records.ts'
import { createAuthor, never, swarm } from './author.ts'

test('[S10] 16 appends are joined to one record of up to 48 KiB, which has the key of its first and the seal of its last', async () => {
  const [disk, author] = [createMemoryDisk(), await createAuthor()]
  const store = openMemoryStore(disk, swarm)
  const counts = []
  for (let at = 0; at < 31; at++) {
    await store.appendOwn(await author.write(await store.state(author.stream), { bytes: 1_900 }), never, false)
    await store.joinTail(author.stream)
    counts.push(disk.entries('tail').length)
  }
  expect(counts).toEqual([...Array.from({ length: 15 }, (_, at) => at + 1), ...Array.from({ length: 15 }, (_, at) => at + 1), 16])
  await store.appendOwn(await author.write(await store.state(author.stream), { bytes: 10 }), never, false)
  await store.joinTail(author.stream)
  const records = disk.entries('tail').map(([key, value]) => ({ key, append: unpackAppend(value) }))
  expect(records.map(({ key, append }) => [key, append?.events])).toEqual([[[author.stream, 0], 25], [[author.stream, 25], 7]])
  for (const { append } of records) expect(append?.lines.length).toBeLessThanOrEqual(48 * 1024)
  const state = await store.state(author.stream)
  expect(records.at(-1)?.append?.sealed).toEqual(state?.open.sealed)
  expect(state?.head.next).toBe(32)
})
