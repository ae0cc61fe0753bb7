import { expect } from 'vitest'
import { entriesOf } from '../../src/stream/summary.ts'
import { createAuthor, never } from '../store/author.ts'
import type { StoreCase } from './event-store.contract.ts'

export const readingCases: readonly StoreCase[] = [
  {
    rule: 'S11',
    title: 'a lost append ends the head where it was; what lies beyond is in no piece, and the state says that there is a hole',
    run: async ({ open, remove }) => {
      const [store, author] = [await open(), await createAuthor()]
      const appends = []
      for (let at = 0; at < 4; at++) {
        appends.push(await author.write(await store.state(author.stream), { batches: 2 }))
        await store.appendReplicated(appends.slice(-1), 0)
      }
      expect((await store.state(author.stream))?.hole).toBeUndefined()
      await remove('tail', [author.stream, 4])
      for (const tab of [store, await open()]) {
        expect((await tab.heads()).get(author.stream)).toEqual({ next: 4, lamport: 4, headerId: appends[1]?.tail?.headerId, start: 0, openFirst: 0, ended: false })
        expect(await tab.state(author.stream)).toMatchObject({ head: { next: 4 }, hole: true })
        expect(await tab.piece(author.stream, 3)).toMatchObject({ type: 'open', sealed: appends[1]?.tail?.sealed })
        for (const offset of [4, 6, 7]) expect(await tab.piece(author.stream, offset)).toBeUndefined()
      }
    },
  },
  {
    rule: 'S11',
    title: 'without its first append nothing of the open segment counts',
    run: async ({ open, remove }) => {
      const [store, author] = [await open(), await createAuthor()]
      for (let at = 0; at < 3; at++) await store.appendReplicated([await author.write(await store.state(author.stream))], 0)
      await remove('tail', [author.stream, 0])
      expect(await store.present()).toEqual({})
      expect(await store.state(author.stream)).toMatchObject({ head: { next: 0 }, hole: true })
      expect(await store.piece(author.stream, 1)).toBeUndefined()
    },
  },
  {
    rule: 'S11',
    title: 'an append whose header does not fit the lines so far ends the run',
    run: async ({ open }) => {
      const [store, author] = [await open(), await createAuthor()]
      await store.appendReplicated([await author.write(undefined)], 0)
      const fits = await author.write(await store.state(author.stream))
      const tail = fits.tail && { ...fits.tail, lines: new Uint8Array([...fits.tail.lines, 10]) }
      await store.appendReplicated([{ ...fits, tail }], 0)
      expect((await store.heads()).get(author.stream)?.next).toBe(1)
      expect(await store.state(author.stream)).toMatchObject({ head: { next: 1 }, hole: true })
    },
  },
  {
    rule: 'S12',
    title: 'the piece that contains an offset: first and last of each segment, and of the open one',
    run: async ({ open }) => {
      const [store, author] = [await open(), await createAuthor()]
      await store.appendOwn(await author.write(undefined, { batches: 11, bytes: 15_000 }), never, false)
      const state = await store.state(author.stream)
      expect(state?.open.first).toBe(10)
      const firsts = await Promise.all([0, 4, 5, 9, 10].map(async (offset) => (await store.piece(author.stream, offset))?.first))
      expect(firsts).toEqual([0, 0, 5, 5, 10])
    },
  },
  {
    rule: 'S12',
    title: 'nothing at and beyond the head, in an empty open segment, and of a stream that is not there',
    run: async ({ open }) => {
      const [store, author, other] = [await open(), await createAuthor(), await createAuthor()]
      await store.appendOwn(await author.write(undefined, { bytes: 70_000 }), never, false)
      for (const offset of [1, 2, 1_000]) expect(await store.piece(author.stream, offset)).toBeUndefined()
      await store.appendOwn(await author.write(await store.state(author.stream)), never, false)
      expect(await store.piece(author.stream, 2)).toBeUndefined()
      expect(await store.piece(other.stream, 0)).toBeUndefined()
      expect(await store.state(other.stream)).toBeUndefined()
    },
  },
  {
    rule: 'S12',
    title: 'nothing below the start of a stream that does not begin at offset 0',
    run: async ({ open }) => {
      const [store, author] = [await open(), await createAuthor()]
      const whole = await author.write(undefined, { batches: 3, bytes: 70_000 })
      const [before, ...rest] = whole.closed
      if (before === undefined) throw new Error('three closed segments')
      const start = { offset: 1, previous: before.headerId, lamportBefore: before.lastLamport, chain: new Uint8Array(32).fill(1), signature: new Uint8Array(64) }
      expect(await store.begin(author.stream, start)).toBe(true)
      expect((await store.heads()).size).toBe(0)
      expect((await store.appendReplicated([{ ...whole, revision: 1, next: 1, closed: rest }], 3)).type).toBe('stored')
      expect(await store.piece(author.stream, 0)).toBeUndefined()
      expect(await store.piece(author.stream, 1)).toMatchObject({ type: 'closed', first: 1 })
      expect(await store.state(author.stream)).toMatchObject({ start, head: { next: 3 } })
      expect(await store.present()).toEqual({ [author.stream]: 2 })
      expect((await store.records()).find(({ stream }) => stream === author.stream)?.start).toEqual(start)
    },
  },
  {
    rule: 'S28',
    title: 'a stream of which anything is held keeps its beginning',
    run: async ({ open }) => {
      const [store, author, other] = [await open(), await createAuthor(), await createAuthor()]
      await store.appendReplicated([await author.write(undefined)], 0)
      const before = await store.state(author.stream)
      const start = (offset: number) => ({ offset, previous: new Uint8Array(32).fill(1), lamportBefore: 9, chain: new Uint8Array(32).fill(2), signature: new Uint8Array(64) })
      expect(await store.begin(author.stream, start(5))).toBe(false)
      expect(await store.state(author.stream)).toEqual(before)
      expect([await store.begin(other.stream, start(5)), await store.begin(other.stream, start(3))]).toEqual([true, false])
      expect(await (await open()).state(other.stream)).toMatchObject({ revision: 1, head: { next: 5, lamport: 9 }, open: { first: 5 }, start: start(5) })
    },
  },
  {
    rule: 'S13',
    title: 'summaries of all closed segments in the order of closing, over page boundaries and in one group',
    run: async ({ open }) => {
      const [store, one, two] = [await open(), await createAuthor(), await createAuthor()]
      await store.appendReplicated([await one.write(undefined, { batches: 66, bytes: 66_000 }), await two.write(undefined, { batches: 2, bytes: 66_000 })], 0)
      await store.appendReplicated([await one.write(await store.state(one.stream), { batches: 2, bytes: 66_000 })], 0)
      const pages = await store.summaries()
      const entries = pages.flatMap((page) => [...entriesOf(page)])
      const firsts = (stream: string) => entries.filter((entry) => entry.stream === stream).map(({ first }) => first)
      expect(firsts(one.stream)).toEqual(Array.from({ length: 68 }, (_, first) => first))
      expect(firsts(two.stream)).toEqual([0, 1])
      expect(pages.length).toBe(2)
      for (const page of pages) expect(page.length).toBeLessThan(60 * 1024)
    },
  },
  {
    rule: 'S13',
    title: 'summaries that are added come after all others, and what closed segments take is counted by stream',
    run: async ({ open }) => {
      const [store, one, two] = [await open(), await createAuthor(), await createAuthor()]
      const appends = [await one.write(undefined, { batches: 2, bytes: 66_000 }), await two.write(undefined, { bytes: 66_000 })]
      await store.appendReplicated(appends, 0)
      const before = (await store.summaries()).flatMap((page) => [...entriesOf(page)]).map(({ bytes }) => bytes)
      const again = appends[0]?.closed[0]?.summary ?? new Uint8Array()
      await store.addSummaries([again])
      expect((await store.summaries()).flatMap((page) => [...entriesOf(page)]).map(({ bytes }) => bytes)).toEqual([...before, again])
      const bytesOf = new Map((await store.records()).map(({ stream, closedBytes }) => [stream, closedBytes]))
      expect(bytesOf).toEqual(new Map(appends.map(({ stream, closed }) => [stream, closed.reduce((sum, { deflated }) => sum + deflated.length, 0)])))
    },
  },
  {
    rule: 'S13',
    title: 'a page of summaries that cannot be read is left out, and what closes next is summarised again',
    run: async ({ open, spoil }) => {
      const [store, author] = [await open(), await createAuthor()]
      await store.appendReplicated([await author.write(undefined, { batches: 2, bytes: 66_000 })], 0)
      await spoil('summaries', 0)
      expect(await store.summaries()).toEqual([])
      await store.appendReplicated([await author.write(await store.state(author.stream), { bytes: 66_000 })], 0)
      expect((await store.summaries()).flatMap((page) => [...entriesOf(page)]).map(({ first }) => first)).toEqual([2])
    },
  },
  {
    rule: 'S18',
    title: 'a record of a stream that cannot be read counts as none: no other stream is concerned',
    run: async ({ open, spoil }) => {
      const [store, one, two] = [await open(), await createAuthor(), await createAuthor()]
      await store.appendReplicated([await one.write(undefined, { batches: 2, bytes: 66_000 }), await two.write(undefined, { batches: 2, bytes: 66_000 })], 0)
      await spoil('streams', one.stream)
      expect(await store.present()).toEqual({ [two.stream]: 1 })
      expect(new Map((await store.records()).map(({ stream, openFirst }) => [stream, openFirst]))).toEqual(new Map([[one.stream, 0], [two.stream, 2]]))
      expect(await store.state(one.stream)).toBeUndefined()
      await store.appendReplicated([await one.write(undefined, { bytes: 10 })], 0)
      expect(await store.present()).toEqual({ [one.stream]: 0, [two.stream]: 1 })
    },
  },
]
