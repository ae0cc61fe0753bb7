import { expect } from 'vitest'
import type { StoreCase } from './event-store.contract.ts'

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values)

export const keptCases: readonly StoreCase[] = [
  {
    rule: 'S19',
    title: 'putMeta with a condition stores where the number is at most the bound, an absent one is 0',
    run: async ({ open }) => {
      const [store, other] = [await open(), await open()]
      expect(await store.putMeta('ack', 'a', { name: 'term', atMost: 0 })).toBe(true)
      expect([await store.incrementMeta('term'), await other.incrementMeta('term')]).toEqual([1, 2])
      expect(await store.putMeta('ack', 'b', { name: 'term', atMost: 1 })).toBe(false)
      expect(await other.getMeta('ack')).toBe('a')
      expect(await store.putMeta('ack', 'c', { name: 'term', atMost: 2 })).toBe(true)
      expect(await other.getMeta('ack')).toBe('c')
    },
  },
  {
    rule: 'S19',
    title: 'two tabs that count at once get two numbers, durably',
    run: async ({ open, durabilities }) => {
      const [store, other] = [await open(), await open()]
      const terms = await Promise.all([store.incrementMeta('term'), other.incrementMeta('term'), store.incrementMeta('term')])
      expect(terms.toSorted((a, b) => a - b)).toEqual([1, 2, 3])
      expect(durabilities()).toEqual(['strict', 'strict', 'strict'])
    },
  },
  {
    rule: 'S19',
    title: 'names are listed by prefix, in order, and deleted one by one',
    run: async ({ open }) => {
      const store = await open()
      for (const name of ['page:b', 'page:', 'page', 'pagf', 'page:a', 'pag', 'page;']) await store.putMeta(name, name)
      expect(await store.listMeta('page:')).toEqual([['page:', 'page:'], ['page:a', 'page:a'], ['page:b', 'page:b']])
      await store.deleteMeta('page:')
      await store.deleteMeta('absent')
      expect((await store.listMeta('page')).map(([name]) => name)).toEqual(['page', 'page:a', 'page:b', 'page;'])
      expect(await store.getMeta('page:')).toBeUndefined()
    },
  },
  {
    rule: 'S20',
    title: 'local reads ranges half-open and in key order',
    run: async ({ open }) => {
      const { local } = await open()
      await local.put('layer', [['c', bytes(3)], ['a', bytes(1)], ['b', bytes(2)], ['B', bytes(9)], ['b\0', bytes(4)]])
      expect(await local.range('layer', 'a', 'c')).toEqual([['a', bytes(1)], ['b', bytes(2)], ['b\0', bytes(4)]])
      for (const [from, to] of [['a', 'a'], ['c', 'a'], ['d', 'e']] as const) expect(await local.range('layer', from, to)).toEqual([])
      await local.delete('layer', ['b', 'absent'])
      expect((await local.range('layer', '', '\uffff')).map(([key]) => key)).toEqual(['B', 'a', 'b\0', 'c'])
      expect([await local.get('layer', 'b'), await local.get('layer', 'a')]).toEqual([undefined, bytes(1)])
    },
  },
  {
    rule: 'S20',
    title: 'layers do not see each other, also where their names begin alike',
    run: async ({ open }) => {
      const { local } = await open()
      await local.put('fish', [['a', bytes(1)]])
      await local.put('fishes', [['a', bytes(2)]])
      await local.put('fis', [['ha', bytes(3)]])
      expect(await local.range('fish', '', '\uffff')).toEqual([['a', bytes(1)]])
      expect(await local.get('fis', 'a')).toBeUndefined()
      await local.delete('fish', ['a'])
      expect(await local.get('fishes', 'a')).toEqual(bytes(2))
    },
  },
  {
    rule: 'S25',
    title: 'values are copied in and out',
    run: async ({ open }) => {
      const store = await open()
      const buffer = bytes(1, 2, 3)
      const given = { list: [buffer], text: 'a' }
      await store.putMeta('kept', given)
      await store.local.put('layer', [['a', buffer]])
      await store.putAside('kind', 'id', given)
      buffer[0] = 9
      given.list.push(bytes(7))
      const read = (await store.getMeta('kept')) as typeof given
      expect(read).toEqual({ list: [bytes(1, 2, 3)], text: 'a' })
      read.text = 'b'
      expect(await store.getMeta('kept')).toEqual({ list: [bytes(1, 2, 3)], text: 'a' })
      expect(await store.local.get('layer', 'a')).toEqual(bytes(1, 2, 3))
      expect(await store.listAside('kind')).toEqual([['id', { list: [bytes(1, 2, 3)], text: 'a' }]])
      expect(await store.listAside('kin')).toEqual([])
      expect(await store.getAside('kind', 'id')).toEqual({ list: [bytes(1, 2, 3)], text: 'a' })
      expect(await store.getAside('kind', 'i')).toBeUndefined()
    },
  },
]
