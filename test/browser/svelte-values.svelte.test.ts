import { flushSync } from 'svelte'
import { afterEach, expect, test } from 'vitest'
import { createPond, FishId, openNode, tags, type Fish, type Node, type Pond } from '../../src/index.ts'
import { liveEvents, liveFish, liveQuery, type LiveValue, type Now } from '../../src/svelte/follow.ts'

const opened: (readonly [Node, Pond])[] = []
const open = async () => {
  const node = await openNode({ found: true })
  const pond = createPond(node)
  opened.push([node, pond])
  return { node, pond }
}

afterEach(async () => {
  for (const [node, pond] of opened.splice(0)) {
    await pond.dispose()
    await node.close()
  }
  localStorage.clear()
})

/** What an effect reads. */
const read = <T>(value: LiveValue<T>) => {
  const seen: Now<T>[] = []
  const stop = $effect.root(() => {
    $effect(() => {
      seen.push(value.current)
    })
  })
  flushSync()
  const expectNow = (holds: (now: Now<T>) => boolean) => expect.poll(() => (flushSync(), seen.some(holds)), { timeout: 30_000 }).toBe(true)
  return { seen, stop, expectNow }
}

const numbers: Fish<readonly number[], number> = { fishId: FishId.of('numbers', 'all', 1), where: tags('number'), initialState: [], onEvent: (state, event) => [...state, event] }
const number = (event: number) => ({ tags: ['number'], event })

test('a fish, events and a query are values that follow what is published while they are read', async () => {
  const { node, pond } = await open()
  const fish = read(liveFish(pond, numbers))
  const events = read(liveEvents(node, { where: tags('number') }, 2))
  const query = read(liveQuery(node, "FROM 'number' AGGREGATE SUM(_)"))
  expect(fish.seen).toEqual([{ state: 'reading', value: [] }])
  await fish.expectNow(({ state }) => state === 'ready')
  await node.publish([number(1), number(2), number(3)])
  await fish.expectNow(({ value }) => value.join() === '1,2,3')
  await events.expectNow(({ value }) => JSON.stringify(value.map(({ payload }) => payload)) === '[2,3]')
  await query.expectNow(({ value }) => JSON.stringify(value) === '[6]')
  for (const { stop } of [fish, events, query]) stop()
  const before = fish.seen.length
  await node.publish([number(4)])
  expect(await pond.currentState(numbers)).toEqual([1, 2, 3, 4])
  flushSync()
  expect(fish.seen.length).toBe(before)
})

test('a failure is shown with the last value, and begun again by hand', async () => {
  const { node, pond } = await open()
  let isBroken = true
  const value = liveFish(pond, { ...numbers, onEvent: (state, event) => {
    if (isBroken && event === 2) throw new Error('two')
    return [...state, event]
  } })
  const fish = read(value)
  await node.publish([number(1)])
  await fish.expectNow(({ value: state }) => state.join() === '1')
  await node.publish([number(2)])
  await fish.expectNow((now) => now.state === 'failed' && now.error.message.includes('two') && now.value.join() === '1')
  isBroken = false
  value.again()
  await fish.expectNow(({ state, value: numbersNow }) => state === 'ready' && numbersNow.join() === '1,2')
  expect(fish.seen.at(-1)?.state).toBe('ready')
  fish.stop()
})
