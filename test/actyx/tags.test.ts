import fc from 'fast-check'
import { expect, expectTypeOf, test } from 'vitest'
import { allEvents, Tag, Tags, type Where } from '../../src/actyx/actyx.ts'
import { parseTags } from '../../src/query/parse.ts'

test.each([
  [allEvents, 'allEvents'],
  [Tags(), 'allEvents'],
  [Tags('a', 'b', 'a'), "'a' & 'b'"],
  [Tag('it’s').and("it's"), "'it’s' & 'it''s'"],
  [Tags('a').local(), "'a' & isLocal"],
  [allEvents.local().and(Tags('x')), "'x' & isLocal"],
  [Tag('order').withId('1').and(Tag('robot').id('2')), "'order' & 'order:1' & 'robot:2'"],
  [Tags('a').or(Tag('b').withId('1')).or(allEvents), "'a' | 'b' & 'b:1' | allEvents"],
])('a selection tells itself as a tag expression: %s', (selection, text) => {
  expect(selection.toString()).toBe(text)
  expect(parseTags(text)).toBeDefined()
})

test('whatever the names, what is told is what is meant', () => {
  const name = fc.string({ minLength: 1, maxLength: 8, unit: 'binary' }).map((text) => text.normalize())
  fc.assert(fc.property(fc.uniqueArray(name, { minLength: 2, maxLength: 5 }), (names) => {
    expect(parseTags(Tags(...names).toString())).toEqual({ type: 'and', operands: names.map((each) => ({ type: 'tag', name: each })) })
  }), { numRuns: 30 })
})

test('tags are put on events, of one event one, of several a list', () => {
  const Order = Tag<{ id: string }>('order', ({ id }) => id)
  const Scan = Tag<{ id: string; code: string }>('scan', ({ code }) => code)
  expect(Order.apply({ id: '1' })).toEqual({ tags: ['order', 'order:1'], event: { id: '1' } })
  expect(Order.withId('7').apply({ id: '1' }, { id: '2' })).toEqual([{ tags: ['order', 'order:7'], event: { id: '1' } }, { tags: ['order', 'order:7'], event: { id: '2' } }])
  expect(Order.and(Scan).and('more').apply({ id: '1', code: 'x' })).toEqual({ tags: ['order', 'scan', 'more', 'order:1', 'scan:x'], event: { id: '1', code: 'x' } })
  const typed = Order.applyTyped({ id: '1', code: 'x' }).withTags(Scan)
  expect([typed.tags, typed.event]).toEqual([['order', 'order:1', 'scan', 'scan:x'], { id: '1', code: 'x' }])
  expect(() => Tags('a').and({} as never)).toThrow(TypeError)
  // @ts-expect-error an event of another type does not fit
  expect(Order.applyTyped({ id: '1' }).withTags(Scan).tags).toContain('scan:undefined')
  expectTypeOf(Order.or(Scan)).toExtend<Where<{ id: string }>>()
})
