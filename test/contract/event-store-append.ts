import { expect } from 'vitest'
import { streamIdOf } from '../../src/core/ids.ts'
import type { EventStore } from '../../src/store/event-store.ts'
import { createAuthor, never } from '../store/author.ts'
import type { StoreCase } from './event-store.contract.ts'

/** All that can be read of the streams. */
const readAll = async (store: EventStore): Promise<unknown> => {
  const heads = await store.heads()
  const states = await Promise.all([...heads.keys()].map((stream) => store.state(stream)))
  return { heads, states, records: await store.records(), summaries: await store.summaries(), present: await store.present() }
}

export const appendCases: readonly StoreCase[] = [
  {
    rule: 'S1',
    title: 'what was stored is in every later read, of this tab and of another',
    run: async ({ open }) => {
      const [store, other, author] = [await open(), await open(), await createAuthor()]
      const append = await author.write(undefined, { batches: 3 })
      expect((await store.appendOwn(append, 1, false)).type).toBe('stored')
      for (const tab of [store, other]) {
        expect(await tab.present()).toEqual({ [author.stream]: 2 })
        expect((await tab.heads()).get(author.stream)).toEqual({ next: 3, lamport: 3, headerId: append.tail?.headerId, start: 0, openFirst: 0, ended: false })
        expect(await tab.piece(author.stream, 1)).toEqual({ type: 'open', first: 0, sealed: append.tail?.sealed, body: append.tail?.lines })
        expect((await tab.state(author.stream))?.open.body).toEqual(append.tail?.lines)
      }
    },
  },
  {
    rule: 'S1',
    title: 'a head read before is no longer given after another tab has added to the stream',
    run: async ({ open }) => {
      const [store, other, author] = [await open(), await open(), await createAuthor()]
      for (const length of [1, 2, 3]) {
        await other.appendReplicated([await author.write(await other.state(author.stream))], 0)
        expect((await store.heads()).get(author.stream)?.next).toBe(length)
      }
    },
  },
  {
    rule: 'S1',
    title: 'what was refused is in no read, a closing neither',
    run: async ({ open }) => {
      const [store, author] = [await open(), await createAuthor()]
      const closing = await author.write(undefined, { batches: 2, bytes: 70_000 })
      await store.appendReplicated([await author.write(undefined)], 0)
      const before = await readAll(store)
      expect((await store.appendReplicated([closing], 0)).type).toBe('stale')
      expect(await readAll(store)).toEqual(before)
      expect(await readAll(await open())).toEqual(before)
    },
  },
  {
    rule: 'S1',
    title: 'streams whose ids begin alike do not mix',
    run: async ({ open }) => {
      const [store, author] = [await open(), await createAuthor()]
      const [one, ten] = [author.as(streamIdOf(author.identity.nodeId, 1)), author.as(streamIdOf(author.identity.nodeId, 10))]
      await store.appendReplicated([await ten.write(undefined, { batches: 2 }), await one.write(undefined, { bytes: 70_000 })], 0)
      expect(await store.present()).toEqual({ [one.stream]: 0, [ten.stream]: 1 })
      expect((await store.piece(one.stream, 0))?.type).toBe('closed')
      expect((await store.piece(ten.stream, 0))?.type).toBe('open')
      expect(await store.piece(one.stream, 1)).toBeUndefined()
    },
  },
  {
    rule: 'S2',
    title: 'an open append that came between makes an open append stale, and a closing one too',
    run: async ({ open }) => {
      const [store, author] = [await open(), await createAuthor()]
      const [first, second, closing] = [await author.write(undefined), await author.write(undefined, { text: 'y' }), await author.write(undefined, { bytes: 70_000 })]
      await store.appendReplicated([first], 0)
      for (const late of [first, second, closing])
        expect(await store.appendReplicated([late], 0)).toEqual({ type: 'stale', stream: author.stream })
      expect((await store.state(author.stream))?.open.body).toEqual(first.tail?.lines)
    },
  },
  {
    rule: 'S2',
    title: 'a closing that came between makes both stale, though its end is where they begin',
    run: async ({ open }) => {
      const [store, author] = [await open(), await createAuthor()]
      await store.appendReplicated([await author.write(undefined)], 0)
      const before = await store.state(author.stream)
      const open1 = await author.write(before)
      const closing = await author.write(before, { bytes: 70_000 })
      expect((await store.appendReplicated([closing], 0)).type).toBe('stored')
      for (const late of [open1, closing]) expect((await store.appendReplicated([late], 0)).type).toBe('stale')
      expect((await store.appendReplicated([await author.write(await store.state(author.stream))], 0)).type).toBe('stored')
    },
  },
  {
    rule: 'S2',
    title: 'a revision that is another by one is stale, even where nothing else changed',
    run: async ({ open }) => {
      const [store, author] = [await open(), await createAuthor()]
      await store.createIdentity(author.identity)
      const append = await author.write(await store.state(author.stream))
      expect((await store.appendOwn({ ...append, revision: append.revision + 1 }, 1, false)).type).toBe('stale')
      expect((await store.appendOwn({ ...append, revision: append.revision - 1 }, 1, false)).type).toBe('stale')
      expect((await store.appendOwn(append, 1, false)).type).toBe('stored')
    },
  },
  {
    rule: 'S3',
    title: 'several streams with closed segments and tails are stored together',
    run: async ({ open }) => {
      const [store, one, two] = [await open(), await createAuthor(), await createAuthor()]
      const appends = [await one.write(undefined, { batches: 5, bytes: 30_000 }), await two.write(undefined, { batches: 3 })]
      expect((await store.appendReplicated(appends, 5)).type).toBe('stored')
      expect(await store.present()).toEqual({ [one.stream]: 4, [two.stream]: 2 })
      expect(appends[0]?.closed.length).toBe(1)
    },
  },
  {
    rule: 'S3',
    title: 'one stale stream among several: nothing of any is stored',
    run: async ({ open }) => {
      const [store, one, two] = [await open(), await createAuthor(), await createAuthor()]
      await store.appendReplicated([await two.write(undefined)], 0)
      const before = await readAll(store)
      const appends = [await one.write(undefined, { batches: 3, bytes: 30_000 }), await two.write(undefined)]
      expect(await store.appendReplicated(appends, 0)).toEqual({ type: 'stale', stream: two.stream })
      expect(await store.appendReplicated(appends.toReversed(), 0)).toEqual({ type: 'stale', stream: two.stream })
      expect(await readAll(store)).toEqual(before)
    },
  },
  {
    rule: 'S5',
    title: 'overtaken when the clock has reached the first Lamport time, stored when it is one below',
    run: async ({ open }) => {
      const [store, author] = [await open(), await createAuthor()]
      await store.raiseClockTo(50)
      expect(await store.appendOwn(await author.write(undefined, { lamport: 50 }), 50, true)).toEqual({ type: 'overtaken', clock: 50 })
      expect(await store.state(author.stream)).toBeUndefined()
      expect(await store.appendOwn(await author.write(undefined, { lamport: 51 }), 51, true)).toEqual({ type: 'stored', clock: 51 })
    },
  },
  {
    rule: 'S5',
    title: 'never overtaken where it is not overtakable, nor a replicated append',
    run: async ({ open }) => {
      const [store, author, other] = [await open(), await createAuthor(), await createAuthor()]
      await store.raiseClockTo(50)
      expect(await store.appendOwn(await author.write(undefined, { lamport: 50 }), 50, false)).toEqual({ type: 'stored', clock: 50 })
      expect(await store.appendReplicated([await other.write(undefined, { lamport: 7 })], 7)).toEqual({ type: 'stored', clock: 50 })
    },
  },
  {
    rule: 'S9',
    title: 'closed segments come out byte for byte, and nothing of the tail they cover stays',
    run: async ({ open }) => {
      const [store, author] = [await open(), await createAuthor()]
      for (let at = 0; at < 3; at++) await store.appendOwn(await author.write(await store.state(author.stream), { bytes: 20_000 }), never, false)
      const before = await store.state(author.stream)
      const append = await author.write(before, { batches: 3, bytes: 20_000 })
      expect((await store.appendOwn(append, never, false)).type).toBe('stored')
      const [closed] = append.closed
      expect([append.closed.length, closed?.first]).toEqual([1, 0])
      for (const offset of [0, (closed?.events ?? 0) - 1])
        expect(await store.piece(author.stream, offset)).toEqual({ type: 'closed', first: 0, sealed: closed?.sealed, deflated: closed?.deflated })
      const after = await store.state(author.stream)
      expect(after?.open).toEqual({
        first: closed?.events, previous: closed?.headerId, lamportBefore: closed?.lastLamport, body: append.tail?.lines, sealed: append.tail?.sealed,
      })
      expect(after?.revision).toBeGreaterThan(before?.revision ?? Infinity)
    },
  },
  {
    rule: 'S9',
    title: 'a group that crosses several closings leaves each of them, and an empty open segment where it ends with one',
    run: async ({ open }) => {
      const [store, author] = [await open(), await createAuthor()]
      const append = await author.write(undefined, { batches: 3, bytes: 70_000 })
      await store.appendOwn(append, never, false)
      for (const [offset, closed] of append.closed.entries())
        expect(await store.piece(author.stream, offset)).toEqual({ type: 'closed', first: offset, sealed: closed.sealed, deflated: closed.deflated })
      const state = await store.state(author.stream)
      expect([append.closed.length, state?.head.next, state?.open.body.length, state?.open.sealed]).toEqual([3, 3, 0, undefined])
      expect(state?.head).toEqual({ next: 3, lamport: 3, headerId: append.closed[2]?.headerId })
    },
  },
  {
    rule: 'S10',
    title: 'an open append does not raise the revision',
    run: async ({ open }) => {
      const [store, author] = [await open(), await createAuthor()]
      await store.createIdentity(author.identity)
      const revision = (await store.state(author.stream))?.revision
      await store.appendOwn(await author.write(await store.state(author.stream)), 1, false)
      expect((await store.state(author.stream))?.revision).toBe(revision)
    },
  },
  {
    rule: 'S10',
    title: 'joining 16 appends raises the revision and changes nothing that can be read; 15 are left alone',
    run: async ({ open }) => {
      const [store, other, author] = [await open(), await open(), await createAuthor()]
      let base = await store.state(author.stream)
      for (let count = 1; count <= 40; count++) {
        await store.appendOwn(await author.write(base), never, false)
        const before = await store.state(author.stream)
        await store.joinTail(author.stream)
        base = await store.state(author.stream)
        expect((base?.revision ?? 0) - (before?.revision ?? 0), `${count} appends`).toBe(count === 16 || count === 32 ? 1 : 0)
        expect(base).toEqual({ ...before, revision: base?.revision })
      }
      expect(await other.state(author.stream)).toEqual(base)
      expect((await store.heads()).get(author.stream)?.next).toBe(40)
    },
  },
  {
    rule: 'S10',
    title: 'an append computed before a joining is stale',
    run: async ({ open }) => {
      const [store, other, author] = [await open(), await open(), await createAuthor()]
      for (let count = 0; count < 16; count++) await store.appendOwn(await author.write(await store.state(author.stream)), never, false)
      const late = await author.write(await store.state(author.stream))
      await other.joinTail(author.stream)
      expect((await store.appendOwn(late, never, false)).type).toBe('stale')
      expect((await store.appendOwn(await author.write(await store.state(author.stream)), never, false)).type).toBe('stored')
    },
  },
  {
    rule: 'S22',
    title: 'two tabs that append at once, openly or closing: one is stored, the other is stale',
    run: async ({ open }) => {
      const [store, other, author] = [await open(), await open(), await createAuthor()]
      for (const [mine, theirs] of [[10, 10], [10, 70_000], [70_000, 10], [70_000, 70_000]] as const) {
        const base = await store.state(author.stream)
        const appends = [await author.write(base, { bytes: mine }), await author.write(base, { bytes: theirs, text: 'z' })] as const
        const results = await Promise.all([store.appendOwn(appends[0], never, false), other.appendOwn(appends[1], never, false)])
        expect(results.map(({ type }) => type).toSorted()).toEqual(['stale', 'stored'])
        const winner = appends[results[0].type === 'stored' ? 0 : 1]
        const headerId = winner.tail?.headerId ?? winner.closed.at(-1)?.headerId
        expect((await other.heads()).get(author.stream)?.headerId).toEqual(headerId)
        expect((await store.heads()).get(author.stream)?.headerId).toEqual(headerId)
      }
    },
  },
]
