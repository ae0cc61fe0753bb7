import { expect } from 'vitest'
import { streamIdOf } from '../../src/core/ids.ts'
import type { EventStore, StreamAppend } from '../../src/store/event-store.ts'
import { createAuthor, never, type Author } from '../store/author.ts'
import type { StoreCase } from './event-store.contract.ts'

/** Three closed segments of two events, then an open one of one. */
const fill = async (store: EventStore, author: Author): Promise<StreamAppend> => {
  const append = await author.write(undefined, { batches: 7, bytes: 34_000 })
  await store.appendReplicated([append], 7)
  expect((await store.state(author.stream))?.open.first).toBe(6)
  return append
}

const partOf = (whole: StreamAppend, from: number, to: number): Pick<StreamAppend, 'closed' | 'tail'> => ({ closed: whole.closed.slice(from, to), tail: undefined })

export const repairCases: readonly StoreCase[] = [
  {
    rule: 'S14',
    title: 'lowering to a boundary sets the head there, moves the tail to aside and raises the revision; others are left alone',
    run: async ({ open }) => {
      const [store, author] = [await open(), await createAuthor()]
      const [one, longer] = [author.as(streamIdOf(author.identity.nodeId, 1)), author.as(streamIdOf(author.identity.nodeId, 10))]
      await store.appendReplicated([await longer.write(undefined)], 0)
      const whole = await fill(store, one)
      const before = await store.state(one.stream)
      const after = await store.lower(one.stream, 4, 'unreadable', 5)
      expect(after).toEqual({
        ...before,
        revision: (before?.revision ?? 0) + 1,
        head: { next: 4, lamport: 4, headerId: whole.closed[1]?.headerId },
        open: { first: 4, previous: whole.closed[1]?.headerId, lamportBefore: 4, body: new Uint8Array(), sealed: undefined },
      })
      expect(await store.piece(one.stream, 4)).toBeUndefined()
      expect(await store.listAside('tail')).toMatchObject([[expect.any(String), { stream: one.stream, first: 6, reason: 'unreadable', atMicros: 5 }]])
      expect(await store.setAsideAppends(one.stream)).toEqual([whole.tail])
      expect(await store.setAsideAppends(longer.stream)).toEqual([])
      expect(await store.present()).toEqual({ [one.stream]: 3, [longer.stream]: 0 })
    },
  },
  {
    rule: 'S14',
    title: 'lowering into the middle of a segment goes to its beginning, over a lost one to where it began, and to 0',
    run: async ({ open, remove }) => {
      const [store, author] = [await open(), await createAuthor()]
      await fill(store, author)
      expect((await store.lower(author.stream, 5, 'test', 0))?.head.next).toBe(4)
      await remove('segments', [author.stream, 2])
      expect((await store.lower(author.stream, 3, 'test', 0))?.head.next).toBe(2)
      expect((await store.lower(author.stream, 0, 'test', 0))?.head).toEqual({ next: 0, lamport: 0, headerId: new Uint8Array(32) })
      expect(await store.present()).toEqual({})
    },
  },
  {
    rule: 'S14',
    title: 'a hole in the tail: what lies before it stays, what lies beyond moves to aside, and it can be filled again',
    run: async ({ open, remove }) => {
      const [store, author] = [await open(), await createAuthor()]
      const appends = []
      for (let at = 0; at < 4; at++) {
        appends.push(await author.write(await store.state(author.stream)))
        await store.appendReplicated(appends.slice(-1), 0)
      }
      await remove('tail', [author.stream, 1])
      const state = await store.lower(author.stream, 1, 'hole', 0)
      expect(state).toMatchObject({ head: { next: 1 }, open: { body: appends[0]?.tail?.lines } })
      expect(state?.hole).toBeUndefined()
      expect((await store.listAside('tail')).length).toBe(2)
      for (let at = 1; at < 4; at++) expect((await store.appendReplicated([await author.write(await store.state(author.stream))], 0)).type).toBe('stored')
      expect(await store.present()).toEqual({ [author.stream]: 3 })
    },
  },
  {
    rule: 'S14',
    title: 'a replicated append to a stream with a hole sets aside what is in the way, then fits; an own one is refused',
    run: async ({ open, remove }) => {
      const [store, author] = [await open(), await createAuthor()]
      for (let at = 0; at < 3; at++) await store.appendReplicated([await author.write(await store.state(author.stream))], 0)
      await remove('tail', [author.stream, 1])
      const append = await author.write(await store.state(author.stream), { batches: 2 })
      await expect(store.appendOwn(append, never, false)).rejects.toMatchObject({ code: 'STORE-UNREADABLE' })
      expect((await store.appendReplicated([append], 0)).type).toBe('stale')
      expect((await store.appendReplicated([await author.write(await store.state(author.stream), { batches: 2 })], 0)).type).toBe('stored')
      expect(await store.present()).toEqual({ [author.stream]: 2 })
      expect((await store.listAside('tail')).length).toBe(1)
    },
  },
  {
    rule: 'S14',
    title: 'closed segments beyond a hole count again when the chain reaches them',
    run: async ({ open, remove }) => {
      const [store, author] = [await open(), await createAuthor()]
      const whole = await fill(store, author)
      await remove('segments', [author.stream, 2])
      const lowered = await store.lower(author.stream, 2, 'unreadable', 0)
      const refill = { stream: author.stream, revision: lowered?.revision ?? 0, next: 2, ...partOf(whole, 1, 2) }
      expect(await store.appendReplicated([refill], 0)).toMatchObject({ type: 'stored', further: [author.stream] })
      expect((await store.state(author.stream))?.head).toEqual({ next: 6, lamport: 6, headerId: whole.closed[2]?.headerId })
      expect(await store.piece(author.stream, 5)).toMatchObject({ type: 'closed', first: 4 })
    },
  },
  {
    rule: 'S14',
    title: 'those of another chain do not count; they go to aside when they are overwritten or covered',
    run: async ({ open }) => {
      const [store, author] = [await open(), await createAuthor()]
      await fill(store, author)
      const lowered = await store.lower(author.stream, 2, 'test', 0)
      const other = await author.write(lowered, { batches: 3, bytes: 34_000, text: 'y' })
      expect((await store.appendReplicated([{ ...other, tail: undefined }], 0)).type).toBe('stored')
      expect((await store.heads()).get(author.stream)?.next).toBe(4)
      const state = await store.state(author.stream)
      const last = await author.write(state, { batches: 3, bytes: 30_000, text: 'y' })
      expect((await store.appendReplicated([last], 0)).type).toBe('stored')
      expect((await store.listAside('segment')).map(([, value]) => (value as { first: number }).first)).toEqual([2, 4])
      expect(await store.piece(author.stream, 5)).toMatchObject({ sealed: last.closed[0]?.sealed })
    },
  },
  {
    rule: 'S14',
    title: 'one that begins within a new segment is not found any more, even where it cannot be read',
    run: async ({ open, spoil }) => {
      const [store, author] = [await open(), await createAuthor()]
      await fill(store, author)
      const lowered = await store.lower(author.stream, 2, 'test', 0)
      await spoil('segments', [author.stream, 4])
      const wider = await author.write(lowered, { batches: 3, bytes: 25_000, text: 'y' })
      expect((await store.appendReplicated([wider], 0)).type).toBe('stored')
      for (const offset of [2, 3, 4]) expect(await store.piece(author.stream, offset)).toMatchObject({ first: 2, sealed: wider.closed[0]?.sealed })
      expect((await store.listAside('segment')).map(([, value]) => (value as { first: number }).first)).toEqual([2])
    },
  },
]
