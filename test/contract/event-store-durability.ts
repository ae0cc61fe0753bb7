import { expect } from 'vitest'
import type { EventStore } from '../../src/store/event-store.ts'
import { createAuthor, never, type Author } from '../store/author.ts'
import type { StoreCase, StoreFactory } from './event-store.contract.ts'

const code = (call: () => Promise<unknown>): Promise<unknown> => call().then(() => 'resolved', (error: unknown) => (error instanceof Error && 'code' in error ? error.code : error))

/** Durability of the transactions with write access that `call` makes. */
const durabilitiesOf = async ({ durabilities }: StoreFactory, call: () => Promise<unknown>): Promise<readonly string[]> => {
  const before = durabilities().length
  await call()
  return durabilities().slice(before)
}

/** One more event of somebody else's. */
const replicate = async (store: EventStore, author: Author, clockTo: number): Promise<void> => {
  expect((await store.appendReplicated([await author.write(await store.state(author.stream))], clockTo)).type).toBe('stored')
}

/** Text that does not compress well. */
const noise = (length: number): string => {
  let state = 1
  return Array.from({ length }, () => {
    state = (state * 48_271) % 2_147_483_647
    return String.fromCharCode(0x30 + (state % 75))
  }).join('')
}

export const durabilityCases: readonly StoreCase[] = [
  {
    rule: 'S4',
    title: 'own appends are strict, open and closing',
    run: async (factory) => {
      const [store, author] = [await factory.open(), await createAuthor()]
      for (const bytes of [10, 70_000, 10]) {
        const append = await author.write(await store.state(author.stream), { bytes })
        expect(await durabilitiesOf(factory, () => store.appendOwn(append, never, false))).toEqual(['strict'])
      }
    },
  },
  {
    rule: 'S4',
    title: 'an own append that resolved survives a power cut, and takes the relaxed ones before it along',
    needs: 'powerCut',
    run: async ({ open, powerCut }) => {
      const [store, author, other] = [await open(), await createAuthor(), await createAuthor()]
      await store.raiseClock(0)
      await replicate(store, other, 1)
      await store.appendOwn(await author.write(undefined), never, false)
      await replicate(store, other, 2)
      powerCut?.()
      expect(await (await open()).present()).toEqual({ [author.stream]: 0, [other.stream]: 0 })
    },
  },
  {
    rule: 'S6',
    title: 'the clock never falls, is written by replicated appends, and is the same in every tab and after reopening',
    run: async ({ open }) => {
      const [store, other, author] = [await open(), await open(), await createAuthor()]
      expect(await store.clock()).toBe(0)
      await replicate(store, author, 70)
      await replicate(store, author, 30)
      expect([await store.clock(), await other.clock()]).toEqual([70, 70])
      expect([await store.raiseClockTo(60), await other.raiseClockTo(71), await store.raiseClock(1_000)]).toEqual([70, 71, 1_071])
      await Promise.all([store.close(), other.close()])
      expect(await (await open()).clock()).toBe(1_071)
    },
  },
  {
    rule: 'S6',
    title: 'the clock is at least the last Lamport time of the own head, but not of another',
    run: async ({ open }) => {
      const [store, author, other] = [await open(), await createAuthor(), await createAuthor()]
      await store.createIdentity(author.identity)
      await store.appendReplicated([await other.write(undefined, { lamport: 900 })], 0)
      expect(await store.clock()).toBe(0)
      await store.appendOwn(await author.write(await store.state(author.stream), { lamport: 500 }), never, false)
      expect([await store.clock(), await store.raiseClock(10)]).toEqual([500, 510])
    },
  },
  {
    rule: 'S7',
    title: 'the first replicated append of a tab is strict, those below the bound are relaxed, at the bound strict',
    run: async (factory) => {
      const [store, author] = [await factory.open(), await createAuthor()]
      const made = await durabilitiesOf(factory, async () => {
        for (const clockTo of [5, 6, 1_004, 1_005, 1_006, 2_004, 2_005]) await replicate(store, author, clockTo)
      })
      expect(made).toEqual(['strict', 'relaxed', 'relaxed', 'strict', 'relaxed', 'relaxed', 'strict'])
    },
  },
  {
    rule: 'S7',
    title: 'the bound runs from the last strict transaction of this tab, of whatever kind',
    run: async (factory) => {
      const [store, author, other] = [await factory.open(), await createAuthor(), await createAuthor()]
      await store.raiseClockTo(5_000)
      expect(await durabilitiesOf(factory, () => replicate(store, other, 5_999))).toEqual(['relaxed'])
      await store.appendOwn(await author.write(undefined, { lamport: 7_000 }), 7_000, true)
      expect(await durabilitiesOf(factory, () => replicate(store, other, 7_999))).toEqual(['relaxed'])
      expect(await durabilitiesOf(factory, () => replicate(store, other, 8_000))).toEqual(['strict'])
    },
  },
  {
    rule: 'S7',
    title: 'where another tab has raised the clock that far, the append is given up and repeated strict',
    run: async (factory) => {
      const [store, other, author] = [await factory.open(), await factory.open(), await createAuthor()]
      await store.raiseClockTo(10)
      await other.raiseClockTo(1_010)
      expect((await durabilitiesOf(factory, () => replicate(store, author, 11))).at(-1)).toBe('strict')
      expect(await store.present()).toEqual({ [author.stream]: 0 })
      expect(await durabilitiesOf(factory, () => replicate(store, author, 12))).toEqual(['relaxed'])
    },
  },
  {
    rule: 'S8',
    title: 'flush is a strict transaction with a write',
    run: async (factory) => {
      const store = await factory.open()
      expect(await durabilitiesOf(factory, () => store.flush())).toEqual(['strict'])
    },
  },
  {
    rule: 'S8',
    title: 'after flush everything stored before it survives a power cut, the clock too',
    needs: 'powerCut',
    run: async ({ open, powerCut }) => {
      const [store, author] = [await open(), await createAuthor()]
      await store.raiseClock(0)
      await replicate(store, author, 5)
      await store.flush()
      await replicate(store, author, 6)
      powerCut?.()
      const after = await open()
      expect([await after.present(), await after.clock()]).toEqual([{ [author.stream]: 0 }, 5])
    },
  },
  {
    rule: 'S14',
    title: 'what is moved to aside by others in its place is durable with the next flush, however large it is',
    run: async (factory) => {
      const [store, author] = [await factory.open(), await createAuthor()]
      await store.appendReplicated([await author.write(undefined, { bytes: 110_000, text: noise(110_000) })], 1)
      const lowered = await store.lower(author.stream, 0, 'test', 0)
      const other = await author.write(lowered, { bytes: 70_000 })
      expect(await durabilitiesOf(factory, async () => void (await store.appendReplicated([other], 1)))).toContain('strict')
      await store.flush()
      factory.powerCut?.()
      const after = await factory.open()
      expect((await after.listAside('segment')).map(([, value]) => (value as { first: number }).first)).toEqual([0])
      expect(await after.present()).toEqual({ [author.stream]: 0 })
    },
  },
  {
    rule: 'S8',
    title: 'an append with a record that a later flush would not cover is strict itself',
    run: async (factory) => {
      const [store, author] = [await factory.open(), await createAuthor()]
      await store.raiseClock(0)
      const closing = await author.write(undefined, { bytes: 110_000, text: noise(110_000) })
      expect(closing.closed[0]?.deflated.length).toBeGreaterThan(64 * 1024)
      expect(await durabilitiesOf(factory, () => store.appendReplicated([closing], 1))).toEqual(['strict'])
      const small = await author.write(await store.state(author.stream), { bytes: 70_000 })
      expect(await durabilitiesOf(factory, () => store.appendReplicated([small], 1))).toEqual(['relaxed'])
      expect(await durabilitiesOf(factory, () => store.local.put('files', [['a', new Uint8Array(70_000)]]))).toEqual(['strict'])
    },
  },
  {
    rule: 'S18',
    title: 'a full disk is reported, nothing of the append is stored, and it works again when there is room',
    needs: 'setQuota',
    run: async ({ open, setQuota }) => {
      const [store, author] = [await open(), await createAuthor()]
      await store.appendOwn(await author.write(undefined), never, false)
      setQuota?.(20_000)
      const large = await author.write(await store.state(author.stream), { batches: 2, bytes: 30_000 })
      expect(await code(() => store.appendOwn(large, never, false))).toBe('STORE-QUOTA')
      expect(await code(() => store.local.put('files', [['a', new Uint8Array(30_000)]]))).toBe('STORE-QUOTA')
      expect(await store.present()).toEqual({ [author.stream]: 0 })
      setQuota?.(1_000_000)
      expect((await store.appendOwn(large, never, false)).type).toBe('stored')
    },
  },
  {
    rule: 'S18',
    title: 'a closed segment that cannot be read is reported when it is asked for, and harms nothing else',
    run: async ({ open, spoil, remove }) => {
      const [store, author] = [await open(), await createAuthor()]
      await store.appendOwn(await author.write(undefined, { batches: 4, bytes: 70_000 }), never, false)
      await spoil('segments', [author.stream, 1])
      await remove('segments', [author.stream, 3])
      expect(await code(() => store.piece(author.stream, 1))).toBe('STORE-UNREADABLE')
      expect(await code(() => store.piece(author.stream, 3))).toBe('STORE-UNREADABLE')
      for (const offset of [0, 2]) expect((await store.piece(author.stream, offset))?.first).toBe(offset)
      expect(await store.present()).toEqual({ [author.stream]: 3 })
    },
  },
  {
    rule: 'S18',
    title: 'a tail record that cannot be read ends the run, and the heads of other streams are given',
    run: async ({ open, spoil }) => {
      const [store, author, other] = [await open(), await createAuthor(), await createAuthor()]
      for (let at = 0; at < 3; at++) await store.appendReplicated([await author.write(await store.state(author.stream)), await other.write(await store.state(other.stream))], 0)
      await spoil('tail', [author.stream, 1])
      const after = await open()
      expect(await after.present()).toEqual({ [author.stream]: 0, [other.stream]: 2 })
      expect((await after.state(author.stream))?.hole).toBe(true)
    },
  },
  {
    rule: 'S11',
    title: 'a tail record that cannot be read any more is not in the heads once it was met, though they were read before',
    run: async ({ open, spoil }) => {
      const [store, author] = [await open(), await createAuthor()]
      for (let at = 0; at < 3; at++) await store.appendReplicated([await author.write(await store.state(author.stream))], 0)
      expect(await store.present()).toEqual({ [author.stream]: 2 })
      await spoil('tail', [author.stream, 1])
      expect(await store.piece(author.stream, 2)).toBeUndefined()
      expect(await store.present()).toEqual({ [author.stream]: 0 })
    },
  },
  {
    rule: 'S18',
    title: 'use after close is refused with a code',
    run: async ({ open }) => {
      const [store, author] = [await open(), await createAuthor()]
      const append = await author.write(undefined)
      await store.close()
      const calls = [() => store.appendOwn(append, never, false), () => store.heads(), () => store.getMeta('a'), () => store.flush(), () => store.local.get('a', 'b')]
      for (const call of calls) expect(await code(call)).toBe('STORE-CLOSED')
    },
  },
  {
    rule: 'S21',
    title: 'close waits for the append under way, may be called twice, and what was stored is there when opened again',
    run: async ({ open }) => {
      const [store, author] = [await open(), await createAuthor()]
      const order: string[] = []
      const append = await author.write(undefined, { batches: 2, bytes: 40_000 })
      const appending = store.appendOwn(append, never, false).then(({ type }) => order.push(type))
      await store.close()
      // What has ended is told to its caller within the same turn.
      await new Promise((resolve) => setTimeout(resolve, 0))
      order.push('closed')
      await appending
      await store.close()
      expect(order).toEqual(['stored', 'closed'])
      expect(await (await open()).present()).toEqual({ [author.stream]: 1 })
    },
  },
  {
    rule: 'S24',
    title: 'a connection that breaks from outside is told once, later calls are refused, and nothing acknowledged is lost',
    run: async ({ open, disconnect }) => {
      const [store, author] = [await open(), await createAuthor()]
      await store.appendOwn(await author.write(undefined), never, false)
      const told: unknown[] = []
      store.onLost((error) => told.push(error))
      const stop = store.onLost(() => told.push('stopped'))
      stop()
      await disconnect()
      expect(await code(() => store.heads())).toBe('STORE-LOST')
      expect(await code(() => store.appendOwn({ stream: author.stream, revision: 0, next: 1, closed: [], tail: undefined }, never, false))).not.toBe('resolved')
      expect(told.map((error) => (error as { code?: string }).code)).toEqual(['STORE-LOST'])
      expect(await (await open()).present()).toEqual({ [author.stream]: 0 })
    },
  },
]
