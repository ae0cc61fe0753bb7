import { expect, test } from 'vitest'
import { Appender } from '../../src/node/replication-append.ts'
import { StoreError } from '../../src/store/errors.ts'
import type { AppendResult, StreamAppend } from '../../src/store/event-store.ts'
import { createMemoryDisk, openMemoryStore } from '../../src/store/memory-event-store.ts'
import { createAuthor, swarm } from '../store/author.ts'

/** An appender on a disk, what it hands over in each transaction, and what the disk says instead of storing, if anything. */
const openAppender = async (says: (appends: readonly StreamAppend[]) => AppendResult | undefined = () => undefined) => {
  const store = openMemoryStore(createMemoryDisk(), swarm)
  const given: number[] = []
  const appender = new Appender({
    store: {
      appendReplicated: async (appends, clockTo) => {
        given.push(appends.length)
        return says(appends) ?? store.appendReplicated(appends, clockTo)
      },
    },
    advanceClock: async (_stream, lamports) => Math.max(...lamports),
  })
  const authors = await Promise.all(Array.from({ length: 4 }, createAuthor))
  const pieces = await Promise.all(authors.map((author) => author.write(undefined)))
  return { store, given, authors, appends: () => pieces.map((each) => appender.append(each, [1])) }
}

test('[S3] what comes while a transaction is under way is stored together in the next one', async () => {
  const { store, given, appends } = await openAppender()
  expect((await Promise.all(appends())).map(({ type }) => type)).toEqual(['stored', 'stored', 'stored', 'stored'])
  expect(given).toEqual([1, 3])
  expect(Object.values(await store.present())).toEqual([0, 0, 0, 0])
})

test('[S2] one that is stale keeps none of the others from being stored', async () => {
  const { store, authors, given, appends } = await openAppender((group) => {
    const stale = group.find(({ stream }) => stream === authors[2]?.stream)
    return stale && { type: 'stale', stream: stale.stream }
  })
  const results = await Promise.all(appends())
  expect(results.map(({ type }) => type)).toEqual(['stored', 'stored', 'stale', 'stored'])
  expect(given).toEqual([1, 3, 1, 1, 1])
  expect(Object.keys(await store.present())).toHaveLength(3)
})

test('[S18] where a group does not fit on the disk, its parts are tried one by one, and each gets its own error', async () => {
  const { authors, appends } = await openAppender((group) => {
    if (group.length > 1 || group[0]?.stream === authors[1]?.stream) throw new StoreError('STORE-QUOTA', 'full')
    return undefined
  })
  const results = await Promise.allSettled(appends())
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled'])
})
