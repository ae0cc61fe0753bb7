import { expect } from 'vitest'
import { streamIdOf, type StreamId } from '../../src/core/ids.ts'
import type { Branch, BranchBeginning, EventStore, ForkChange, StreamAppend } from '../../src/store/event-store.ts'
import { entriesOf } from '../../src/stream/summary.ts'
import { createAuthor, never, type Author } from '../store/author.ts'
import type { StoreCase } from './event-store.contract.ts'

/** Three closed segments of two events, then an open one of one. */
const fill = async (store: EventStore, author: Author): Promise<StreamAppend> => {
  const append = await author.write(undefined, { batches: 7, bytes: 34_000 })
  await store.appendReplicated([append], 7)
  return append
}

const named = (author: Author, name: string): StreamId => `${author.stream}~${name.repeat(22)}` as StreamId
const chain = (fill: number): Uint8Array => new Uint8Array(32).fill(fill)

/** The second closed segment of `whole`: offsets 2 and 3. */
const second = (whole: StreamAppend): Pick<Branch, 'first' | 'previous' | 'lamportBefore'> => ({ first: 2, previous: whole.closed[0]?.headerId ?? chain(0), lamportBefore: 2 })

/** Another version of it: `batches` after its beginning, the first of them the same as in `whole`. */
const other = async (author: Author, whole: StreamAppend, batches: number): Promise<NonNullable<StreamAppend['tail']>> => {
  const { first, previous, lamportBefore } = second(whole)
  const base = { stream: author.stream, revision: 0, head: { next: first, lamport: lamportBefore, headerId: previous }, open: { first, previous, lamportBefore, body: new Uint8Array(), sealed: undefined } }
  const { tail } = await author.write(base, { batches, bytes: 1_000, text: 'y' })
  if (tail === undefined) throw new Error('an open segment')
  return tail
}

/** Ends the stream at offset 3: the version at hand goes on as `a`, another as `b`. */
const forkAt3 = async (store: EventStore, author: Author): Promise<{ readonly whole: StreamAppend; readonly change: ForkChange; readonly open: BranchBeginning }> => {
  const whole = await fill(store, author)
  const revision = (await store.state(author.stream))?.revision ?? 0
  const open = { stream: named(author, 'b'), tail: await other(author, whole, 3) }
  const change: ForkChange = {
    stream: author.stream, revision, end: 3, chain: chain(3), segment: second(whole), kept: await other(author, whole, 1), rest: named(author, 'a'), added: [open], removed: [], clockTo: 99, atMicros: 9,
  }
  return { whole, change, open }
}

const summariesOf = async (store: EventStore) =>
  (await store.summaries()).flatMap((page) => [...entriesOf(page)].map(({ stream, first }) => [stream, first] as const))

const asideOf = async (store: EventStore) => [...(await store.listAside('tail')), ...(await store.listAside('segment'))].map(([, value]) => value as { stream: StreamId; first: number; reason: string })

export const forkCases: readonly StoreCase[] = [
  {
    rule: 'S23',
    title: 'a stream ends: what lies before stays, what it has beyond goes on as a branch, another begins, and nothing is taken beyond the end',
    run: async ({ open }) => {
      const [store, author] = [await open(), await createAuthor()]
      const { whole, change, open: beginning } = await forkAt3(store, author)
      const before = await store.state(author.stream)
      expect(await store.fork({ ...change, revision: change.revision - 1 })).toBe(false)
      expect(await store.state(author.stream)).toEqual(before)
      expect((await store.heads()).size).toBe(1)

      expect(await store.fork(change)).toBe(true)
      const [a, b] = [named(author, 'a'), named(author, 'b')]
      const after = await store.state(author.stream)
      expect(after).toMatchObject({ head: { next: 3, headerId: change.kept?.headerId }, standing: { type: 'forked', end: 3, chain: chain(3), atMicros: 9 }, revision: change.revision + 1 })
      expect(await store.piece(author.stream, 1)).toMatchObject({ type: 'closed', first: 0 })
      expect(await store.piece(author.stream, 2)).toMatchObject({ type: 'open', first: 2, body: change.kept?.lines })
      expect(await store.piece(author.stream, 3)).toBeUndefined()
      expect(await store.clock()).toBeGreaterThanOrEqual(99)

      const branch: Branch = { fork: 3, chain: chain(3), ...second(whole) }
      expect(await store.state(a)).toMatchObject({ head: { next: 7, headerId: before?.head.headerId }, branch, standing: undefined })
      expect(await store.piece(a, 2)).toMatchObject({ type: 'closed', first: 2, sealed: whole.closed[1]?.sealed })
      expect(await store.piece(a, 6)).toMatchObject({ type: 'open', first: 6, body: whole.tail?.lines })
      expect(await store.piece(a, 1)).toBeUndefined()
      expect(await store.state(b)).toMatchObject({ head: { next: 5 }, branch, open: { first: 2, body: beginning.tail?.lines } })
      expect([...(await store.heads())].map(([stream, { start, next, ended }]) => [stream, start, next, ended])).toEqual([[author.stream, 0, 3, true], [a, 3, 7, false], [b, 3, 5, false]])
      expect(await summariesOf(store)).toEqual([0, 2, 4].map((first) => [author.stream, first]).concat([[a, 2], [a, 4]]))
      expect(await asideOf(store)).toEqual([])

      expect((await store.appendReplicated([await author.write(after)], 0)).type).toBe('stale')
      expect((await store.appendOwn(await author.write(after), never, false)).type).toBe('stale')
      expect((await store.appendReplicated([await author.as(b).write(await store.state(b))], 0)).type).toBe('stored')
    },
  },
  {
    rule: 'S23',
    title: 'a stream that has nothing beyond the end only keeps what it has; not where an append came between',
    run: async ({ open }) => {
      const [store, author] = [await open(), await createAuthor()]
      const [one, two] = [await author.write(undefined), await author.write(undefined, { batches: 2 })]
      await store.appendReplicated([one], 0)
      const change: ForkChange = {
        stream: author.stream, revision: 0, end: 1, chain: chain(1), segment: { first: 0, previous: chain(0), lamportBefore: 0 }, kept: one.tail, rest: undefined,
        added: [{ stream: named(author, 'a'), tail: two.tail ?? (one.tail as never) }], removed: [], clockTo: 0, atMicros: 9,
      }
      expect(await store.fork({ ...change, end: 0, kept: undefined })).toBe(false)
      expect(await store.present()).toEqual({ [author.stream]: 0 })
      expect(await store.fork(change)).toBe(true)
      expect(await store.present()).toEqual({ [author.stream]: 0, [named(author, 'a')]: 1 })
      expect(await asideOf(store)).toEqual([])
    },
  },
  {
    rule: 'S23',
    title: 'a lower end: the part between goes on as a branch that ends, with the branches it had',
    run: async ({ open }) => {
      const [store, author] = [await open(), await createAuthor()]
      const { whole, change } = await forkAt3(store, author)
      await store.fork(change)
      const first = { first: 0, previous: chain(0), lamportBefore: 0 }
      const c = { stream: named(author, 'c'), tail: (await author.write(undefined, { text: 'z' })).tail ?? (change.kept as never) }
      const state = await store.state(author.stream)
      expect(await store.fork({ ...change, revision: state?.revision ?? 0, end: 0, chain: chain(0), segment: first, kept: undefined, rest: named(author, 'd'), added: [c] })).toBe(true)
      expect(await store.state(author.stream)).toMatchObject({ head: { next: 0 }, standing: { end: 0 } })
      expect(await store.state(named(author, 'd'))).toMatchObject({ head: { next: 3 }, branch: { fork: 0, ...first }, standing: { type: 'forked', end: 3, chain: chain(3) } })
      expect(await store.piece(named(author, 'd'), 0)).toMatchObject({ type: 'closed', sealed: whole.closed[0]?.sealed })
      expect(await store.present()).toEqual({ [named(author, 'a')]: 6, [named(author, 'b')]: 4, [named(author, 'c')]: 0, [named(author, 'd')]: 2 })
    },
  },
  {
    rule: 'S23',
    title: 'at its end a stream gets a further branch, and lines before it that were lost; a branch that is there stays as it is',
    run: async ({ open, remove }) => {
      const [store, author] = [await open(), await createAuthor()]
      const { whole, change } = await forkAt3(store, author)
      await store.fork(change)
      await remove('tail', [author.stream, 2])
      const state = await store.state(author.stream)
      expect(state?.head.next).toBe(2)
      const [b, c] = [{ stream: named(author, 'b'), tail: await other(author, whole, 2) }, { stream: named(author, 'c'), tail: await other(author, whole, 2) }]
      expect(await store.fork({ ...change, revision: state?.revision ?? 0, rest: undefined, added: [b, c] })).toBe(true)
      expect(await store.present()).toEqual({ [author.stream]: 2, [named(author, 'a')]: 6, [named(author, 'b')]: 4, [named(author, 'c')]: 3 })
      expect((await store.state(author.stream))?.standing).toMatchObject({ atMicros: 9 })
    },
  },
  {
    rule: 'S23',
    title: 'a branch is lowered to no less than its first segment, and filled again',
    run: async ({ open, spoil }) => {
      const [store, author] = [await open(), await createAuthor()]
      const { whole, change } = await forkAt3(store, author)
      await store.fork(change)
      const a = named(author, 'a')
      await spoil('segments', [a, 2])
      const lowered = await store.lower(a, 2, 'unreadable', 0)
      expect(lowered).toMatchObject({ head: { next: 2, headerId: whole.closed[0]?.headerId }, branch: { fork: 3 } })
      expect([...(await store.heads()).keys()]).toEqual([author.stream, named(author, 'b')])
      const again: StreamAppend = { stream: a, revision: lowered?.revision ?? 0, next: 2, closed: whole.closed.slice(1, 2), tail: undefined }
      expect((await store.appendReplicated([again], 0)).type).toBe('stored')
      expect((await store.state(a))?.head.next).toBe(6)
    },
  },
  {
    rule: 'S26',
    title: 'a branch without a place moves to aside whole',
    run: async ({ open }) => {
      const [store, author] = [await open(), await createAuthor()]
      const { change } = await forkAt3(store, author)
      await store.fork(change)
      const a = named(author, 'a')
      const revision = (await store.state(author.stream))?.revision ?? 0
      expect(await store.fork({ ...change, revision, kept: undefined, rest: undefined, added: [], removed: [a] })).toBe(true)
      expect(await store.state(a)).toBeUndefined()
      expect((await asideOf(store)).map(({ stream, first }) => [stream, first]).toSorted()).toEqual([[a, 2], [a, 4], [a, 6]])
      expect(await store.present()).toEqual({ [author.stream]: 2, [named(author, 'b')]: 4 })
    },
  },
  {
    rule: 'S27',
    title: 'a stream and its branches, and no other stream',
    run: async ({ open }) => {
      const [store, author] = [await open(), await createAuthor()]
      expect(await store.family(author.stream)).toMatchObject([{ stream: author.stream, revision: 0, branch: undefined, standing: undefined }])
      await store.appendReplicated([await author.as(streamIdOf(author.identity.nodeId, 10)).write(undefined, { batches: 3, bytes: 34_000 })], 0)
      await store.fork((await forkAt3(store, author)).change)
      const family = await store.family(author.stream)
      expect(family.map(({ stream, branch, standing }) => [stream, branch?.fork, standing?.type])).toEqual([[author.stream, undefined, 'forked'], [named(author, 'a'), 3, undefined], [named(author, 'b'), 3, undefined]])
      expect((await store.records()).length).toBe(4)
    },
  },
]
