import { expect, test, vi } from 'vitest'
import { openIdbStore } from '../../src/store/idb-event-store.ts'
import { databaseName, openDatabase } from '../../src/store/idb-schema.ts'
import { createAuthor, never } from '../store/author.ts'
import { answer, idbFactory } from '../store/idb-factory.ts'

// What only a real browser shows.

const begun = vi.spyOn(IDBDatabase.prototype, 'transaction')
const commits = vi.spyOn(IDBTransaction.prototype, 'commit')

/** Forgets what was begun before. */
const forget = (): void => {
  begun.mockClear()
  commits.mockClear()
}

const transactions = (): readonly IDBTransaction[] => begun.mock.results.map(({ value }) => value as IDBTransaction)

const isEnded = (transaction: IDBTransaction): boolean => {
  try {
    return transaction.objectStore(transaction.objectStoreNames[0] ?? '') === undefined
  } catch (error) {
    return error instanceof DOMException && error.name === 'InvalidStateError'
  }
}

test('[S4] an own append resolves after the complete event of a transaction that the browser takes as strict', async () => {
  const [store, author] = [await idbFactory().open(), await createAuthor()]
  for (const bytes of [10, 70_000, 10]) {
    const append = await author.write(await store.state(author.stream), { bytes })
    forget()
    await store.appendOwn(append, never, true)
    expect(transactions().map((transaction) => [transaction.durability, isEnded(transaction)])).toEqual([['strict', true]])
    expect(commits.mock.contexts).toEqual(transactions())
  }
})

test('[S8] reading transactions too are ended by commit, not by the page', async () => {
  const [store, author] = [await idbFactory().open(), await createAuthor()]
  await store.appendOwn(await author.write(undefined, { batches: 3, bytes: 30_000 }), never, true)
  forget()
  await Promise.all([store.state(author.stream), store.heads(), store.piece(author.stream, 0), store.summaries(), store.clock(), store.getMeta('a'), store.flush()])
  expect(transactions().length).toBeGreaterThanOrEqual(7)
  expect(new Set(commits.mock.contexts)).toEqual(new Set(transactions()))
})

test('[S9] records hold their bytes alone, not the buffers that these were parts of', async () => {
  const factory = idbFactory()
  const [store, author] = [await factory.open(), await createAuthor()]
  const append = await author.write(undefined, { batches: 4, bytes: 30_000 })
  const within = (bytes: Uint8Array): Uint8Array => {
    const large = new Uint8Array(1_000_000)
    large.set(bytes, 500)
    return large.subarray(500, 500 + bytes.length)
  }
  const closed = append.closed.map((segment) => ({ ...segment, deflated: within(segment.deflated), headerId: within(segment.headerId) }))
  await store.appendReplicated([{ ...append, closed }], 0)
  await store.local.put('layer', [['a', within(Uint8Array.of(1))]])
  const database = await answer(indexedDB.open(databaseName(factory.swarm)))
  const values: unknown[] = []
  for (const table of ['streams', 'segments', 'tail', 'local']) values.push(...(await answer(database.transaction(table).objectStore(table).getAll())))
  database.close()
  const sizes = values.flatMap((value) => (value instanceof Uint8Array ? [value] : Object.values(value as object))).filter((value) => value instanceof Uint8Array)
  expect(sizes.length).toBe(4)
  expect(sizes.filter((bytes) => bytes.buffer.byteLength !== bytes.byteLength)).toEqual([])
})

test('[S18] a failure at commit, which comes as abort alone after all requests succeeded, is told apart when the disk is full', async () => {
  const [store, author] = [await idbFactory().open(), await createAuthor()]
  for (const [name, code] of [['QuotaExceededError', 'STORE-QUOTA'], ['AbortError', 'STORE-LOST'], ['DataError', 'STORE-FAILED']] as const) {
    const append = await author.write(undefined)
    forget()
    const appending = store.appendOwn(append, never, true)
    const [transaction] = transactions()
    if (transaction === undefined) throw new Error('the transaction begins at once')
    Object.defineProperty(transaction, 'error', { value: new DOMException('', name) })
    transaction.abort()
    await expect(appending).rejects.toMatchObject({ code })
    expect(await store.present()).toEqual({})
  }
})

test('[S24] a transaction that is broken off from outside is reported as lost, and nothing of it is stored', async () => {
  const [store, author] = [await idbFactory().open(), await createAuthor()]
  const append = await author.write(undefined)
  forget()
  const appending = store.appendOwn(append, never, true)
  transactions()[0]?.abort()
  await expect(appending).rejects.toMatchObject({ code: 'STORE-LOST' })
  expect(await store.present()).toEqual({})
  expect((await store.appendOwn(append, never, true)).type).toBe('stored')
})

test('[S24] a store makes way for the deletion of its database, after what is under way, and says so', async () => {
  const factory = idbFactory()
  const [store, author] = [await factory.open(), await createAuthor()]
  const told: Error[] = []
  store.onLost((error) => told.push(error))
  const appending = store.appendOwn(await author.write(undefined), never, true)
  await answer(indexedDB.deleteDatabase(databaseName(factory.swarm)))
  expect((await appending).type).toBe('stored')
  expect(told).toMatchObject([{ code: 'STORE-LOST' }])
  await expect(store.heads()).rejects.toMatchObject({ code: 'STORE-LOST' })
  await store.close()
  expect(await (await factory.open()).present()).toEqual({})
})

test('[S18] a database of a newer version is refused as such', async () => {
  const { swarm } = idbFactory()
  const newer = await answer(indexedDB.open(databaseName(swarm), 7))
  newer.close()
  await expect(openIdbStore(swarm)).rejects.toMatchObject({ code: 'STORE-NEWER' })
})

test('[S18] where another window does not make way, opening ends by its timeout, and what opens late is closed again', async () => {
  const name = databaseName(idbFactory().swarm)
  const holder = await answer(indexedDB.open(name))
  const deletion = answer(indexedDB.deleteDatabase(name))
  await expect(openDatabase(name, () => undefined, 50)).rejects.toMatchObject({ code: 'STORE-BLOCKED' })
  holder.close()
  await deletion
  await answer(indexedDB.deleteDatabase(name))
})

test('[S22] two connections that publish to one stream as fast as they can: no event is lost or doubled', async () => {
  const factory = idbFactory()
  const [one, two, author] = [await factory.open(), await factory.open(), await createAuthor()]
  await one.createIdentity(author.identity)
  const publish = async (store: typeof one, text: string): Promise<number> => {
    let refused = 0
    for (let stored = 0; stored < 60; ) {
      const append = await author.write(await store.state(author.stream), { bytes: 2_000, text })
      if ((await store.appendOwn(append, never, false)).type === 'stored') stored++
      else refused++
      await store.joinTail(author.stream)
    }
    return refused
  }
  const refused = await Promise.all([publish(one, 'one.'), publish(two, 'two.')])
  expect(refused[0] + refused[1]).toBeGreaterThan(0)
  expect(await one.present()).toEqual({ [author.stream]: 119 })
  for (let offset = 0; offset < 120; offset++) expect(await two.piece(author.stream, offset)).toBeDefined()
  expect((await two.state(author.stream))?.hole).toBeUndefined()
})
