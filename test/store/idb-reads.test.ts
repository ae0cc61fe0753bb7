import 'fake-indexeddb/auto'
import { afterEach, expect, test, vi } from 'vitest'
import { createAuthor, never } from './author.ts'
import { idbFactory } from './idb-factory.ts'

afterEach(() => void vi.restoreAllMocks())

const filled = async () => {
  const [store, author] = [await idbFactory().open(), await createAuthor()]
  await store.createIdentity(author.identity)
  const base = await store.state(author.stream)
  await store.appendOwn(await author.write(base, { batches: 4, bytes: 30_000 }), never, true)
  await store.putAside('kind', 'id', 1)
  await store.local.put('layer', [['key', Uint8Array.of(1)]])
  return { store, author }
}

test('[S8] a reading transaction is ended in the turn that queues its last request: it needs the page no more', async () => {
  const { store, author } = await filled()
  const reads: Readonly<Record<string, () => Promise<unknown>>> = {
    identity: store.identity, state: () => store.state(author.stream), heads: store.heads, present: store.present, records: store.records,
    'a closed piece': () => store.piece(author.stream, 0), 'an open piece': () => store.piece(author.stream, 3), summaries: store.summaries, clock: store.clock,
    getMeta: () => store.getMeta('a'), listMeta: () => store.listMeta(''), getAside: () => store.getAside('kind', 'id'), listAside: () => store.listAside('kind'),
    'local.get': () => store.local.get('layer', 'key'), 'local.range': () => store.local.range('layer', 'a', 'z'),
  }
  const begun = vi.spyOn(IDBDatabase.prototype, 'transaction')
  const commits = vi.spyOn(IDBTransaction.prototype, 'commit')
  for (const [what, read] of Object.entries(reads)) {
    for (const calls of [begun, commits]) calls.mockClear()
    const reading = read()
    // No answer can have come within one turn.
    for (let turn = 0; turn < 20; turn++) await Promise.resolve()
    expect({ what, begun: begun.mock.calls.length, ended: commits.mock.calls.length }).toEqual({ what, begun: 1, ended: 1 })
    await reading
    expect(commits.mock.calls.length).toBe(begun.mock.calls.length)
  }
})

test('[S11] [S12] what was guessed wrong is read again: a stream that another tab has closed, lowered or filled since', async () => {
  const factory = idbFactory()
  const [store, other, author] = [await factory.open(), await factory.open(), await createAuthor()]
  const grow = async (bytes: number) => other.appendReplicated([await author.write(await other.state(author.stream), { bytes })], 0)
  await grow(10)
  expect(await store.piece(author.stream, 0)).toMatchObject({ type: 'open' })
  expect((await store.heads()).get(author.stream)?.next).toBe(1)
  await grow(70_000)
  await grow(10)
  expect(await store.piece(author.stream, 0)).toMatchObject({ type: 'closed' })
  expect(await store.piece(author.stream, 2)).toMatchObject({ type: 'open', first: 2 })
  expect((await store.heads()).get(author.stream)?.next).toBe(3)
  await other.lower(author.stream, 0, 'test', 0)
  expect(await store.piece(author.stream, 0)).toBeUndefined()
  expect((await store.heads()).has(author.stream)).toBe(false)
  await grow(20)
  expect(await store.piece(author.stream, 0)).toMatchObject({ type: 'open', first: 0 })
  expect((await store.heads()).get(author.stream)?.next).toBe(1)
})

test('[S18] a record that the browser cannot read is gone around, and harms nothing else', async () => {
  const { store, author } = await filled()
  await store.appendReplicated([await (await createAuthor()).write(undefined)], 0)
  const spoiled = [author.stream, 3]
  const isSpoiled = (key: unknown) => JSON.stringify(key) === JSON.stringify(spoiled)
  const fails = (request: IDBRequest, when: () => boolean) => {
    // As when a file of the database is damaged: the request that would give the record fails.
    request.addEventListener = new Proxy(request.addEventListener.bind(request), {
      apply: (listen, _self, [type, listener]: [string, (event: Event) => void]) => {
        if (type === 'success' && when()) return listen('success', () => undefined)
        if (type !== 'error' || !when()) return listen(type, listener)
        Object.defineProperty(request, 'error', { get: () => new DOMException('damaged', 'DataError'), set: () => {} })
        return listen('success', listener)
      },
    })
    return request
  }
  const methodOf = (name: 'get' | 'getAll') => Reflect.get(IDBObjectStore.prototype, name) as (...query: unknown[]) => IDBRequest
  const [getAll, get] = [methodOf('getAll'), methodOf('get')]
  vi.spyOn(IDBObjectStore.prototype, 'getAll').mockImplementation(function (this: IDBObjectStore, ...query) {
    return fails(Reflect.apply(getAll, this, query) as IDBRequest, () => this.name === 'tail') as IDBRequest<unknown[]>
  })
  vi.spyOn(IDBObjectStore.prototype, 'get').mockImplementation(function (this: IDBObjectStore, key) {
    return fails(Reflect.apply(get, this, [key]) as IDBRequest, () => isSpoiled(key))
  })
  expect(await store.state(author.stream)).toMatchObject({ head: { next: 3 }, hole: true })
  expect([...(await store.heads()).values()].map(({ next }) => next).sort()).toEqual([1, 3])
  vi.restoreAllMocks()
  expect(await store.state(author.stream)).toMatchObject({ head: { next: 4 } })
})
