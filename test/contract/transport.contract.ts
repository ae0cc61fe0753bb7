import { expect } from 'vitest'
import { lowWaterBytes } from '../../src/net/transport.ts'
import type { Transport } from '../../src/net/transport.ts'
import { FORK_BYTES_MAX, FRAME_BYTES_MAX } from '../../src/protocol/limits.ts'

export interface TransportFactory {
  /** Two ends of a new connection, neither started: the one that dialled, then the other. */
  readonly pair: () => Promise<readonly [Transport, Transport]>
  /** One end, not started, whose other end sends whatever frame it is given. */
  readonly raw: () => Promise<{ readonly transport: Transport; readonly send: (frame: Uint8Array) => void }>
  /** What does not happen within this time does not happen. */
  readonly patienceMs: number
}

export interface TransportCase {
  readonly rule: string
  readonly title: string
  readonly run: (factory: TransportFactory) => Promise<void>
}

type Heard =
  | { readonly type: 'message'; readonly bytes: Uint8Array }
  | { readonly type: 'heard' }
  | { readonly type: 'drained'; readonly buffered: number }
  | { readonly type: 'closed'; readonly reason: string }

interface Record {
  readonly events: readonly Heard[]
  readonly messages: () => readonly Uint8Array[]
  readonly closings: () => readonly string[]
  readonly count: (type: Heard['type']) => number
  /** Waits until it holds; it is looked at after every event. */
  readonly until: (what: string, holds: () => boolean) => Promise<void>
}

/** Starts a transport and keeps what it says. `onEvent` may act in the middle of it. */
const record = (transport: Transport, { patienceMs }: TransportFactory, onEvent: (event: Heard) => void = () => undefined): Record => {
  const events: Heard[] = []
  const watchers = new Set<() => void>()
  const add = (event: Heard) => {
    events.push(event)
    onEvent(event)
    for (const watch of watchers) watch()
  }
  transport.start({
    message: (bytes) => add({ type: 'message', bytes }),
    heard: () => add({ type: 'heard' }),
    drained: () => add({ type: 'drained', buffered: transport.bufferedBytes }),
    closed: (reason) => add({ type: 'closed', reason }),
  })
  return {
    events,
    messages: () => events.flatMap((event) => (event.type === 'message' ? [event.bytes] : [])),
    closings: () => events.flatMap((event) => (event.type === 'closed' ? [event.reason] : [])),
    count: (type) => events.filter((event) => event.type === type).length,
    until: (what, holds) =>
      new Promise<void>((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`not within ${patienceMs} ms: ${what}`)), patienceMs)
        const watch = () => {
          if (!holds()) return
          watchers.delete(watch)
          clearTimeout(timer)
          resolve()
        }
        watchers.add(watch)
        watch()
      }),
  }
}

/** Bytes that differ from place to place and from seed to seed. */
const bytesOf = (length: number, seed = 1): Uint8Array => Uint8Array.from({ length }, (_, at) => (at * 31 + (at >> 8) * 7 + seed * 101) & 255)

const sameBytes = (actual: readonly Uint8Array[], expected: readonly Uint8Array[]): void => {
  expect(actual.map((bytes) => bytes.length)).toEqual(expected.map((bytes) => bytes.length))
  actual.forEach((bytes, index) => {
    const differs = bytes.findIndex((byte, at) => byte !== expected[index]?.[at])
    if (differs >= 0) throw new Error(`message ${index} differs at byte ${differs}`)
  })
}

/** A message there and back over a connection of its own: whatever was about to happen has happened by then. */
const settle = async (factory: TransportFactory): Promise<void> => {
  const [near, far] = await factory.pair()
  record(far, factory, (event) => event.type === 'message' && far.send(event.bytes))
  const echoed = record(near, factory)
  near.send(new Uint8Array(1))
  await echoed.until('an echo', () => echoed.messages().length === 1)
  near.close('settled')
  await echoed.until('closed', () => echoed.closings().length > 0)
}

const codeOf = (call: () => void): unknown => {
  try {
    call()
  } catch (error) {
    return (error as { readonly code?: unknown }).code
  }
  return 'nothing thrown'
}

const arriveInOrder: TransportCase['run'] = async (factory) => {
  const [near, far] = await factory.pair()
  const [there, back] = [record(far, factory), record(near, factory)]
  const sent = Array.from({ length: 300 }, (_, index) => bytesOf((index * 7919) % 90_000 >> (index % 8), index))
  for (const message of sent) near.send(message)
  for (const message of sent.toReversed()) far.send(message)
  await there.until('all there', () => there.messages().length >= sent.length)
  await back.until('all back', () => back.messages().length >= sent.length)
  await settle(factory)
  sameBytes(there.messages(), sent)
  sameBytes(back.messages(), sent.toReversed())
  near.close('done')
}

const ownTheirBytes: TransportCase['run'] = async (factory) => {
  const [near, far] = await factory.pair()
  const there = record(far, factory)
  const message = bytesOf(1000)
  near.send(message)
  message.fill(0)
  await there.until('arrived', () => there.messages().length === 1)
  sameBytes(there.messages(), [bytesOf(1000)])
  near.close('done')
}

const everySize: TransportCase['run'] = async (factory) => {
  const [near, far] = await factory.pair()
  const data = FRAME_BYTES_MAX - 1
  const frames = new Map([[0, 1], [1, 1], [data - 1, 1], [data, 1], [data + 1, 2], [2 * data, 2], [2 * data + 1, 3], [FORK_BYTES_MAX, Math.ceil(FORK_BYTES_MAX / data)]])
  const heardAt: number[] = []
  const there = record(far, factory, (event) => event.type === 'message' && heardAt.push(there.count('heard')))
  const sent = [...frames.keys()].map((size) => bytesOf(size, size))
  for (const message of sent) near.send(message)
  await there.until('every size', () => there.messages().length >= sent.length)
  sameBytes(there.messages(), sent)
  let sum = 0
  expect(heardAt).toEqual([...frames.values()].map((count) => (sum += count)))
  near.close('done')
}

const keptUntilStart: TransportCase['run'] = async (factory) => {
  const [near, far] = await factory.pair()
  const back = record(near, factory)
  const sent = [bytesOf(10), bytesOf(70_000), bytesOf(0)]
  for (const message of sent) near.send(message)
  near.close('early')
  await back.until('closed', () => back.closings().length > 0)
  await settle(factory)
  const there = record(far, factory)
  await there.until('closed', () => there.closings().length > 0)
  sameBytes(there.messages(), sent)
  expect(there.events.at(-1)).toEqual({ type: 'closed', reason: 'closed by peer' })
}

const nothingAfterClosed: TransportCase['run'] = async (factory) => {
  const [near, far] = await factory.pair()
  record(near, factory)
  const there = record(far, factory, (event) => event.type === 'message' && far.close('enough'))
  for (let index = 0; index < 200; index++) near.send(bytesOf(5000, index))
  await there.until('closed', () => there.closings().length > 0)
  await settle(factory)
  expect(there.events.at(-1)?.type).toBe('closed')
}

const tooLarge: TransportCase['run'] = async (factory) => {
  const [near, far] = await factory.pair()
  const there = record(far, factory)
  expect(codeOf(() => near.send(new Uint8Array(FORK_BYTES_MAX + 1)))).toBe('NET-TOO-LARGE')
  expect(near.bufferedBytes).toBe(0)
  near.send(bytesOf(3))
  await there.until('the next message', () => there.messages().length === 1)
  sameBytes(there.messages(), [bytesOf(3)])
  expect(there.count('heard')).toBe(1)
  near.close('done')
}

const closedOnBothEnds: TransportCase['run'] = async (factory) => {
  const [near, far] = await factory.pair()
  const [there, back] = [record(far, factory), record(near, factory)]
  const sent = Array.from({ length: 30 }, (_, index) => bytesOf(50_000, index))
  for (const message of sent) near.send(message)
  near.close('done')
  await there.until('closed there', () => there.closings().length > 0)
  await back.until('closed here', () => back.closings().length > 0)
  await settle(factory)
  sameBytes(there.messages(), sent)
  expect([there.closings(), back.closings()]).toEqual([['closed by peer'], ['done']])
}

const closedAtOnce: TransportCase['run'] = async (factory) => {
  const [near, far] = await factory.pair()
  const [there, back] = [record(far, factory), record(near, factory)]
  near.close('mine')
  far.close('theirs')
  await there.until('closed there', () => there.closings().length > 0)
  await back.until('closed here', () => back.closings().length > 0)
  await settle(factory)
  expect([there.closings(), back.closings()]).toEqual([['theirs'], ['mine']])
}

const refusedAfterClosing: TransportCase['run'] = async (factory) => {
  const [near, far] = await factory.pair()
  const [there, back] = [record(far, factory), record(near, factory)]
  near.close('done')
  expect(codeOf(() => near.send(bytesOf(1)))).toBe('NET-CLOSED')
  near.close('again')
  await there.until('closed there', () => there.closings().length > 0)
  await back.until('closed here', () => back.closings().length > 0)
  expect(codeOf(() => near.send(bytesOf(1)))).toBe('NET-CLOSED')
  expect(codeOf(() => far.send(bytesOf(1)))).toBe('NET-CLOSED')
  near.close('again')
  far.close('again')
  await settle(factory)
  expect([there.closings(), back.closings()]).toEqual([['closed by peer'], ['done']])
  expect(there.messages()).toEqual([])
}

const fingerprints: TransportCase['run'] = async (factory) => {
  const [[near, far], [otherNear, otherFar]] = [await factory.pair(), await factory.pair()]
  expect([near.dialled, far.dialled]).toEqual([true, false])
  expect(near.fingerprints.own).toEqual(far.fingerprints.peer)
  expect(near.fingerprints.peer).toEqual(far.fingerprints.own)
  const all = [near, far, otherNear, otherFar].map(({ fingerprints: { own } }) => own.join())
  expect(new Set(all).size).toBe(4)
  expect([near.fingerprints.own.length, near.fingerprints.peer.length]).toEqual([32, 32])
  for (const transport of [near, otherNear]) transport.close('done')
}

const drains: TransportCase['run'] = async (factory) => {
  const [near, far] = await factory.pair()
  const [there, back] = [record(far, factory), record(near, factory)]
  near.send(bytesOf(10))
  expect(near.bufferedBytes).toBeLessThanOrEqual(lowWaterBytes)
  await there.until('the small one', () => there.messages().length === 1)
  await settle(factory)
  expect(back.count('drained')).toBe(0)
  for (let index = 0; index < 40; index++) near.send(bytesOf(100_000, index))
  expect(near.bufferedBytes).toBeGreaterThan(lowWaterBytes)
  await back.until('drained', () => back.count('drained') > 0)
  await there.until('all there', () => there.messages().length === 41)
  await settle(factory)
  expect(back.count('drained')).toBe(1)
  expect(back.events.every((event) => event.type !== 'drained' || event.buffered <= lowWaterBytes)).toBe(true)
  expect(near.bufferedBytes).toBe(0)
  near.close('done')
}

const heardFirst: TransportCase['run'] = async (factory) => {
  const [near, far] = await factory.pair()
  const there = record(far, factory)
  near.send(bytesOf(1))
  near.send(bytesOf(150_000))
  await there.until('both', () => there.messages().length === 2)
  expect(there.events.map(({ type }) => type)).toEqual(['heard', 'message', 'heard', 'heard', 'heard', 'message'])
  near.close('done')
}

const violations: readonly (readonly [string, (send: (frame: Uint8Array) => void) => void])[] = [
  ['an empty frame', (send) => send(new Uint8Array(0))],
  ['a frame of 65,536 bytes', (send) => send(new Uint8Array(FRAME_BYTES_MAX + 1))],
  ['an unknown first byte', (send) => send(Uint8Array.of(2, 1))],
  ['a frame that is neither the last nor full', (send) => send(Uint8Array.of(1, 1))],
  [
    'a message of 512 KiB and one byte',
    (send) => {
      const more = new Uint8Array(FRAME_BYTES_MAX)
      more[0] = 1
      const count = Math.floor(FORK_BYTES_MAX / (FRAME_BYTES_MAX - 1))
      for (let index = 0; index < count; index++) send(more)
      send(new Uint8Array(FORK_BYTES_MAX - count * (FRAME_BYTES_MAX - 1) + 2))
    },
  ],
]

const violating = (violate: (send: (frame: Uint8Array) => void) => void): TransportCase['run'] => async (factory) => {
  const { transport, send } = await factory.raw()
  const back = record(transport, factory)
  send(Uint8Array.of(0, 7))
  violate(send)
  await back.until('closed', () => back.closings().length > 0)
  expect(back.closings()).toEqual(['violation'])
  sameBytes(back.messages(), [Uint8Array.of(7)])
}

export const transportContract: readonly TransportCase[] = [
  { rule: 'T1', title: 'messages of many sizes arrive unchanged, in order, each once, both ways at a time', run: arriveInOrder },
  { rule: 'T1', title: 'a message that is changed after `send` arrives as it was', run: ownTheirBytes },
  { rule: 'T2', title: 'every size from 0 to the largest, in as few frames as possible', run: everySize },
  { rule: 'T3', title: 'what came before `start`, the closing too, is kept', run: keptUntilStart },
  { rule: 'T3', title: 'nothing is delivered after `closed`', run: nothingAfterClosed },
  { rule: 'T4', title: 'a message one byte too large is refused and nothing of it leaves', run: tooLarge },
  { rule: 'T5', title: 'what was sent before `close` arrives, then both ends hear of it once', run: closedOnBothEnds },
  { rule: 'T5', title: 'both ends close at the same time', run: closedAtOnce },
  { rule: 'T6', title: 'after closing `send` throws, and closing again does nothing', run: refusedAfterClosing },
  { rule: 'T7', title: 'fingerprints are each other\'s and differ between connections', run: fingerprints },
  { rule: 'T8', title: '`bufferedBytes` counts, and `drained` comes once when it has fallen', run: drains },
  { rule: 'T9', title: 'each frame is heard, before the message that it completes', run: heardFirst },
  ...violations.map(([title, violate]) => ({ rule: 'T10', title, run: violating(violate) })),
]
