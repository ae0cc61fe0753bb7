import { describe, expect, test } from 'vitest'
import type { JsonValue } from '../../src/core/json.ts'
import { Fish, FishId } from '../../src/pond/fish.ts'
import { FishError } from '../../src/pond/fish-error.ts'
import { createPond } from '../../src/pond/pond.ts'
import { snapshotLayer } from '../../src/pond/snapshots.ts'
import { createNodeWorld, readAll, tagged } from '../node/world.ts'

const numbers = (over: Partial<Fish<readonly number[], number>> = {}): Fish<readonly number[], number> => ({
  fishId: FishId.of('numbers', 'all', 1),
  where: [{ tags: ['number'] }],
  initialState: [],
  onEvent: (state, event) => [...state, event],
  ...over,
})

const openPond = async (seed = 1) => {
  const { world, network, tablet } = await createNodeWorld(seed)
  const profile = tablet()
  const { node } = await profile.open()
  const reports: unknown[] = []
  const pond = createPond(node, { after: world.after, nowMs: world.nowMs, report: (error) => reports.push(error) })
  const publish = async (...values: readonly number[]) => {
    for (const value of values) await node.publish([tagged(value, 'number')])
    await world.settle()
  }
  return { world, network, tablet, profile, node, pond, reports, publish }
}

const failureOf = async (work: Promise<unknown>): Promise<FishError> => {
  const error: unknown = await work.then(() => undefined, (reason: unknown) => reason)
  if (error instanceof FishError) return error
  throw new Error(`no FishError but ${String(error)}`)
}

describe('observe', () => {
  test('[G5] tells the present state first, then every new one, and nothing after it was cancelled', async () => {
    const { world, pond, publish } = await openPond()
    const states: (readonly number[])[] = []
    const cancel = pond.observe(numbers(), (state) => states.push(state))
    expect(states).toEqual([])
    await world.settle()
    expect(states).toEqual([[]])
    await publish(1, 2)
    expect(states).toEqual([[], [1], [1, 2]])
    cancel()
    await publish(3)
    expect(states).toEqual([[], [1], [1, 2]])
    expect(await pond.currentState(numbers())).toEqual([1, 2, 3])
  })

  test('folds each event once, however many observe, and keeps the fish a while for the next', async () => {
    const { world, pond, publish } = await openPond()
    let folds = 0
    const counted = numbers({ onEvent: (state, event) => (folds++, [...state, event]) })
    await publish(1, 2, 3)
    const cancels = [1, 2, 3].map(() => pond.observe(counted, () => undefined))
    await world.settle()
    expect(folds).toBe(3)
    for (const cancel of cancels) cancel()
    await world.advance(500)
    expect(await pond.currentState(counted)).toEqual([1, 2, 3])
    expect(folds).toBe(3)
    await world.advance(1_500)
    await publish(4)
    expect(folds).toBe(3)
  })

  test('a callback that throws is reported, and the fish goes on for the others', async () => {
    const { world, pond, publish, reports } = await openPond()
    const states: unknown[] = []
    pond.observe(numbers(), () => {
      throw new Error('mistake')
    })
    pond.observe(numbers(), (state) => states.push(state))
    await world.settle()
    await publish(1)
    expect(states).toEqual([[], [1]])
    expect(reports.map(String)).toEqual(['Error: mistake', 'Error: mistake'])
  })
})

describe('a fish that does what it must not', () => {
  const faulty: readonly (readonly [string, FishError['code'], Partial<Fish<readonly number[], number>>])[] = [
    ['throws', 'FISH-THREW', { onEvent: (state, event) => { if (event === 3) throw new Error('three'); return [...state, event] } }],
    ['throws in isReset', 'FISH-THREW', { isReset: (event) => { if (event === 3) throw new Error('three'); return false } }],
    ['gives a promise', 'FISH-PROMISE', { onEvent: ((state: readonly number[], event: number) => (event === 3 ? Promise.resolve(state) : [...state, event])) as never }],
    ['changes its state', 'FISH-CHANGES', { onEvent: (state, event) => { if (event !== 3) return [...state, event]; (state as number[]).push(event); return state } }],
    ['keeps what cannot be kept', 'FISH-STATE', { onEvent: ((state: readonly number[], event: number) => [...state, event === 3 ? () => 3 : event]) as never }],
    ['keeps an object of a class', 'FISH-STATE', { onEvent: ((state: readonly number[], event: number) => [...state, event === 3 ? { at: new (class Cart {})() } : event]) as never }],
  ]
  test.each(faulty)('%s: it stops alone, with the event that did it, and starts anew when it is observed again', async (_, code, over) => {
    const { world, pond, node, publish } = await openPond()
    await publish(1, 2)
    const errors: FishError[] = []
    const others: unknown[] = []
    pond.observe(numbers(over), () => undefined, (error) => errors.push(error))
    pond.observe(numbers({ fishId: FishId.of('numbers', 'well', 1) }), (state) => others.push(state))
    await world.settle()
    await publish(3, 4)
    const third = (await readAll(node)).find(({ payload }) => payload === 3)
    expect(errors.map((error) => [error.code, error.event?.eventId])).toEqual([[code, third?.meta.eventId]])
    expect(others.at(-1)).toEqual([1, 2, 3, 4])
    expect((await failureOf(pond.currentState(numbers(over)))).code).toBe(code)
    expect(await pond.currentState(numbers())).toEqual([1, 2, 3, 4])
  })

  test('one in the middle of a long history is named exactly', async () => {
    const { pond, node } = await openPond()
    await node.publish(Array.from({ length: 1_000 }, (_, value) => tagged(value, 'number')))
    const error = await failureOf(pond.currentState(numbers({ onEvent: ((state: readonly number[], event: number) => (state.length > 0 ? state : event === 700 ? [() => event] : [])) as never })))
    const at = (await readAll(node)).find(({ payload }) => payload === 700)
    expect([error.code, error.event?.eventId]).toEqual(['FISH-STATE', at?.meta.eventId])
  })

  test('changes an event that others see as well', async () => {
    const { pond, node } = await openPond()
    await node.publish([tagged({ list: [1] }, 'number')])
    const error = await failureOf(pond.currentState<readonly number[], unknown>({ fishId: FishId.of('changes', '', 1), where: [{ tags: ['number'] }], initialState: [], onEvent: (state, event) => { (event as { list: number[] }).list.push(2); return state } }))
    expect(error.code).toBe('FISH-CHANGES')
    expect((await readAll(node)).map(({ payload }) => payload)).toEqual([{ list: [1] }])
  })

  test('keeps growing: stopped at the limit', async () => {
    const { node } = await openPond()
    const pond = createPond(node, { stateCharsMax: 20_000 })
    await node.publish(Array.from({ length: 5_000 }, (_, value) => tagged(value, 'number')))
    expect((await failureOf(pond.currentState(numbers()))).code).toBe('FISH-GROWS')
  })

  test('an initial state that cannot be kept, and one id for two selections, are refused at once', async () => {
    const { pond } = await openPond()
    expect(() => pond.observe(numbers({ initialState: [(() => 1) as never] }), () => undefined)).toThrow('FISH-STATE')
    pond.observe(numbers(), () => undefined)
    expect(() => pond.observe(numbers({ where: [{ tags: ['other'] }] }), () => undefined)).toThrow('FISH-TWICE')
  })
})

describe('snapshots', () => {
  const long = Array.from({ length: 3_000 }, (_, value) => tagged(value % 10, 'number'))
  const sum = (over: Partial<Fish<number, number>> = {}): Fish<number, number> => ({ fishId: FishId.of('sum', 'all', 1), where: [{ tags: ['number'] }], initialState: 0, onEvent: (state, event) => state + event, ...over })

  test('spare a cold start the history, and are not used for another version or selection', async () => {
    const { world, profile, node, pond } = await openPond()
    await node.publish(long)
    expect(await pond.currentState(sum())).toBe(13_500)
    await pond.dispose()
    let folds = 0
    const counted = (over = {}) => sum({ onEvent: (state, event) => (folds++, state + event), ...over })
    const again = createPond((await profile.open()).node, { after: world.after })
    expect([await again.currentState(counted()), folds]).toEqual([13_500, 0])
    const { version: _, ...id } = counted().fishId
    expect([await again.currentState(counted({ fishId: { ...id, version: 2 } })), folds]).toEqual([13_500, 3_000])
    await again.dispose()
    expect([await createPond(node).currentState(counted()), folds]).toEqual([13_500, 6_000])
  })

  test.each([
    ['cut short', (bytes: Uint8Array) => bytes.slice(0, bytes.length - 2)],
    ['something else', () => new TextEncoder().encode('{"format":1}')],
    ['emptied', () => new Uint8Array()],
  ])('one that is %s is passed over', async (_, spoil) => {
    const { profile, node, pond } = await openPond()
    await node.publish(long)
    await pond.currentState(sum())
    await pond.dispose()
    const local = node.local(snapshotLayer)
    const entries = await local.range('', '~~')
    expect(entries.length).toBe(2)
    for (const [key, bytes] of entries) {
      await local.put([[key, spoil(bytes)]])
      const reports: unknown[] = []
      const again = createPond((await profile.open()).node, { report: (error) => reports.push(error) })
      expect(await again.currentState(sum())).toBe(13_500)
      await local.put([[key, bytes]])
    }
  })

  test('one that cannot be saved, or only half, is reported and costs the next start its time, nothing else', async () => {
    const { profile, node, reports } = await openPond()
    await node.publish(long)
    let saves = 0
    const local: typeof node.local = (layer) => {
      const real = node.local(layer)
      return { ...real, put: async (entries) => (saves++ === 0 ? Promise.reject(new Error('no room')) : real.put(entries)), delete: () => Promise.reject(new Error('cut off')) }
    }
    const pond = createPond({ ...node, local }, { report: (error) => reports.push(error) })
    expect(await pond.currentState(sum())).toBe(13_500)
    await node.publish(long)
    expect(await pond.currentState(sum())).toBe(27_000)
    await pond.dispose()
    expect(reports.map(String)).toEqual(['Error: no room'])
    expect(await createPond((await profile.open()).node).currentState(sum())).toBe(27_000)
  })

  test('one of another shape does not stop the fish: it begins anew', async () => {
    const { profile, node, pond } = await openPond()
    await node.publish(long)
    const before = sum({ fishId: FishId.of('list', 'all', 1), initialState: 0 })
    await pond.currentState(before)
    await pond.dispose()
    const reports: unknown[] = []
    const again = createPond((await profile.open()).node, { report: (error) => reports.push(error) })
    const list: Fish<readonly number[], number> = { ...numbers(), fishId: before.fishId, onEvent: (state, event) => [...state.slice(-1), event] }
    await node.publish([tagged(5, 'number')])
    expect(await again.currentState(list)).toEqual([9, 5])
    expect(reports.map((error) => (error as FishError).code)).toEqual(['FISH-THREW'])
  })

  test('states that are no plain data come back through deserializeState', async () => {
    class Stock {
      readonly pieces: number
      constructor(pieces: number) {
        this.pieces = pieces
      }
    }
    const stock: Fish<Stock, number> = { fishId: FishId.of('stock', 'all', 1), where: [{ tags: ['number'] }], initialState: new Stock(0), onEvent: (state, event) => new Stock(state.pieces + event), deserializeState: (json) => new Stock((json as Stock).pieces) }
    const { profile, node, pond } = await openPond()
    await node.publish(long)
    expect(await pond.currentState(stock)).toEqual(new Stock(13_500))
    await pond.dispose()
    let folds = 0
    const again = createPond((await profile.open()).node)
    const state = await again.currentState({ ...stock, onEvent: (before, event) => (folds++, stock.onEvent(before, event, undefined as never)) })
    expect([state instanceof Stock, state.pieces, folds]).toEqual([true, 13_500, 0])
  })
})

describe('effects', () => {
  test('run one after the other, each on what those before have published; the basis says what the state contained', async () => {
    const { pond, node, publish } = await openPond()
    await publish(1)
    const next = () => pond.run(numbers(), (state, enqueue) => enqueue(tagged(state.length + 1, 'number')))
    await Promise.all([next(), next(), next()])
    const events = await readAll(node)
    expect(events.map(({ payload }) => payload)).toEqual([1, 2, 3, 4])
    const [stream] = events.map(({ meta }) => meta.stream)
    expect(events.map(({ meta }) => meta.basis)).toEqual([undefined, { [stream ?? '']: 0 }, { [stream ?? '']: 1 }, { [stream ?? '']: 2 }])
  })

  test('one that throws publishes nothing, tells its caller, and the next runs', async () => {
    const { pond, node } = await openPond()
    const failed = pond.run(numbers(), (_, enqueue) => {
      enqueue(tagged(1, 'number'))
      throw new Error('no')
    })
    await expect(failed).rejects.toThrow('no')
    await pond.run(numbers(), (_, enqueue) => enqueue(tagged(2, 'number')))
    expect((await readAll(node)).map(({ payload }) => payload)).toEqual([2])
  })

  test('an event enqueued too late is refused', async () => {
    const { pond } = await openPond()
    let kept: (...events: readonly { readonly tags: readonly string[]; readonly event: JsonValue }[]) => void = () => undefined
    await pond.run(numbers(), (_, enqueue) => void (kept = enqueue))
    expect(() => kept(tagged(1, 'number'))).toThrow('FISH-STOPPED')
  })

  test('keepRunning runs on every state until autoCancel holds', async () => {
    const { world, pond, node } = await openPond()
    pond.keepRunning(numbers(), (state, enqueue) => enqueue(tagged(state.length, 'number')), (state) => state.length >= 5)
    await world.until(async () => (await readAll(node)).length >= 5)
    await world.advance(5_000)
    expect((await readAll(node)).map(({ payload }) => payload)).toEqual([0, 1, 2, 3, 4])
  })
})

describe('sets of fish', () => {
  const orderFish = (order: string): Fish<string, string> => ({ fishId: FishId.of('order', order, 1), where: [{ tags: [`order:${order}`] }], initialState: '', onEvent: (_, event) => event })
  const seed = (order: string) => tagged(order, 'order', `order:${order}`)

  test('observeAll has one fish for each id, in the order of their first seed; observeOne the first', async () => {
    const { world, pond, node } = await openPond()
    const all: (readonly string[])[] = []
    const one: string[] = []
    pond.observeAll<string, string, string>([{ tags: ['order'] }], (order) => (order === 'c' ? undefined : orderFish(order)), {}, (states) => all.push(states))
    pond.observeOne<string, string, string>([{ tags: ['order'] }], orderFish, (state) => one.push(state))
    await world.settle()
    expect([all, one]).toEqual([[[]], []])
    await node.publish([seed('a'), seed('b'), seed('c'), seed('a')])
    await world.settle()
    await node.publish([tagged('a done', 'order:a')])
    await world.settle()
    expect([all.at(-1), one.at(-1)]).toEqual([['a done', 'b'], 'a done'])
  })

  test('a fish leaves when its latest seed has expired', async () => {
    const { world, pond, node } = await openPond()
    const all: (readonly string[])[] = []
    const nowMs = () => 1_800_000_000_000 + world.nowMs()
    createPond(node, { after: world.after, nowMs }).observeAll<string, string, string>([{ tags: ['order'] }], orderFish, { expireAfterSeedMs: 10_000 }, (states) => all.push(states))
    await node.publish([seed('a'), seed('b')])
    await world.advance(6_000)
    await node.publish([seed('b')])
    await world.settle()
    expect(all.at(-1)).toEqual(['a', 'b'])
    await world.advance(5_000)
    expect(all.at(-1)).toEqual(['b'])
    await world.advance(6_000)
    expect(all.at(-1)).toEqual([])
    await pond.dispose()
  })

  test('ready-made fish give the last event, the first ones and the last ones', async () => {
    const { pond, publish } = await openPond()
    await publish(1, 2, 3)
    const where = [{ tags: ['number'] }]
    expect(await pond.currentState(Fish.latestEvent(where))).toBe(3)
    expect(await pond.currentState(Fish.eventsAscending(where, 2))).toEqual([1, 2])
    expect(await pond.currentState(Fish.eventsDescending(where, 2))).toEqual([3, 2])
  })
})

describe('the swarm', () => {
  test('waitForSwarmSync ends when what the others had is here, tells its progress, and can be skipped', async () => {
    const { world, tablet, pond, publish } = await openPond()
    await publish(...Array.from({ length: 30 }, (_, value) => value))
    expect(await Promise.race([pond.waitForSwarmSync({ waitForSwarmMs: 10 }).done, world.advance(20).then(() => 'late')])).toBe('alone')
    const { node } = await tablet().open()
    const modes: string[] = []
    const there = createPond(node, { after: world.after }).waitForSwarmSync({ onProgress: (state) => modes.push(state.mode === 'sync' ? `${state.events.current}/${state.events.max}` : state.mode) })
    await world.advance(8_000)
    expect(await there.done).toBe('complete')
    expect([modes[0], modes.at(-1)]).toEqual(['discovery', '30/30'])
    const skipped = pond.waitForSwarmSync({ minSources: 9 })
    skipped.skip()
    expect(await skipped.done).toBe('skipped')
  })

  test('connectivity by query: fully, partly, not', async () => {
    const { world, network, tablet, pond, publish } = await openPond()
    const other = tablet()
    const { node } = await other.open()
    await publish(1)
    await world.advance(8_000)
    await node.publish([tagged(2, 'number')])
    const told: string[] = []
    pond.observeConnectivity([{ tags: ['number'] }], ({ state }) => told.push(state))
    await world.advance(5_000)
    expect(told).toEqual(['fully'])
    network.cut(other.name)
    await world.advance(200_000)
    expect(told.at(-1)).toBe('not')
  })
})
