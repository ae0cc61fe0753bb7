import fc from 'fast-check'
import { expect, test } from 'vitest'
import { concatBytes } from '../../src/core/bytes.ts'
import type { StreamId } from '../../src/core/ids.ts'
import type { EventStore } from '../../src/store/event-store.ts'
import { createMemoryDisk, openMemoryStore, type MemoryDisk } from '../../src/store/memory-event-store.ts'
import { webCrypto } from '../../src/node/web-crypto.ts'
import { emptyBase, grown } from '../../src/stream/segment.ts'
import { createAuthor, swarm, type Author } from '../store/author.ts'

// The store against two lists: what a stream holds, and how much of it is durable.

/** Of each stream its lines in order, one event each, and how many of them a power cut leaves at least. */
interface Model {
  readonly lines: Map<StreamId, string[]>
  readonly durable: Map<StreamId, number>
  clock: number
}

interface Real {
  readonly disk: MemoryDisk
  readonly authors: readonly Author[]
  readonly stores: EventStore[]
}

type Command = fc.AsyncCommand<Model, Real>

const own = 0
const decoder = new TextDecoder()

const pick = <T>(list: readonly T[], at: number): T => {
  const value = list[at % list.length]
  if (value === undefined) throw new RangeError('nothing to pick from')
  return value
}

const allDurable = ({ lines, durable }: Model): void => {
  for (const [stream, list] of lines) durable.set(stream, list.length)
}

/** Lines of a stream, read piece by piece from offset 0. */
const readLines = async (store: EventStore, stream: StreamId): Promise<readonly string[]> => {
  const bodies: Uint8Array[] = []
  const next = (await store.heads()).get(stream)?.next ?? 0
  for (let offset = 0; offset < next; ) {
    const piece = await store.piece(stream, offset)
    if (piece === undefined) throw new Error(`nothing at offset ${offset} below the head ${next}`)
    const header = new DataView(piece.sealed.header.buffer, piece.sealed.header.byteOffset)
    const body = piece.type === 'open' ? piece.body : await webCrypto.inflate(piece.deflated, header.getUint32(98))
    if (body === undefined) throw new Error('a body that does not inflate')
    expect(piece.first).toBe(offset)
    bodies.push(body)
    offset += header.getUint32(78)
  }
  return linesOf(concatBytes(bodies))
}

const linesOf = (body: Uint8Array): readonly string[] => decoder.decode(body).split('\n').slice(0, -1)

const check = async (model: Model, { authors, stores }: Pick<Real, 'authors' | 'stores'>): Promise<void> => {
  for (const store of stores) {
    const expected = [...model.lines].filter(([, lines]) => lines.length > 0).map(([stream, lines]) => [stream, lines.length - 1])
    expect(await store.present()).toEqual(Object.fromEntries(expected))
    expect(await store.clock()).toBeGreaterThanOrEqual(model.clock)
  }
  for (const { stream } of authors) expect(await readLines(pick(stores, 0), stream)).toEqual(model.lines.get(stream) ?? [])
}

const command = (name: string, run: (model: Model, real: Real) => Promise<void>): Command => ({ check: () => true, run, toString: () => name })

interface Append {
  readonly tab: number
  readonly author: number
  readonly batches: number
  readonly bytes: number
}

const appendCommand = (append: Append): Command =>
  command(`append(${JSON.stringify(append)})`, async (model, real) => {
    const { batches, bytes } = append
    const [store, author] = [pick(real.stores, append.tab), pick(real.authors, append.author)]
    const base = await store.state(author.stream)
    const lamport = Math.max((base?.head.lamport ?? 0) + 1, (await store.clock()) + 1)
    const pieces = await author.write(base, { batches, bytes, lamport })
    const before = real.disk.transactions().length
    const last = lamport + batches - 1
    const result = append.author === own ? await store.appendOwn(pieces, lamport, true) : await store.appendReplicated([pieces], last)
    if (result.type !== 'stored') throw new Error(result.type)
    // What a writer may take it for without reading it again.
    if (result.further === undefined) expect(await store.state(author.stream)).toMatchObject(grown(base ?? emptyBase(author.stream), pieces))
    const lines = model.lines.get(author.stream) ?? []
    expect(pieces.next).toBe(lines.length)
    model.lines.set(author.stream, [...lines, ...Array.from({ length: batches }, (_, at) => lineOf(lamport + at, at, bytes))])
    if (real.disk.transactions().slice(before).some(({ durability }) => durability === 'strict')) allDurable(model)
    model.clock = Math.max(model.clock, last)
  })

/** What `createAuthor().write` writes. */
const lineOf = (lamport: number, at: number, bytes: number): string =>
  JSON.stringify([lamport, 1_000_000, 'test', [[['order:1', `at:${at}`], 'x'.repeat(bytes)]]])

const stale = (tab: number, who: number): Command =>
  command(`stale(${tab}, ${who})`, async (model, { stores, authors }) => {
    const [store, author] = [pick(stores, tab), pick(authors, who)]
    const base = await store.state(author.stream)
    if (base === undefined || base.head.next === 0) return
    const empty = { head: { next: 0, lamport: 0, headerId: new Uint8Array(32) }, open: { ...base.open, first: 0, body: new Uint8Array(), sealed: undefined } }
    const append = await author.write({ ...base, ...empty }, { bytes: 70_000 })
    expect((await store.appendReplicated([append], 0)).type).toBe('stale')
    await check(model, { stores, authors })
  })

const join = (tab: number, who: number): Command =>
  command(`join(${tab}, ${who})`, async (_model, { stores, authors }) => {
    const [store, { stream }] = [pick(stores, tab), pick(authors, who)]
    const before = (await store.state(stream))?.revision ?? 0
    expect(await store.joinTail(stream)).toBe(((await store.state(stream))?.revision ?? 0) > before)
  })

const lower = (tab: number, who: number, share: number): Command =>
  command(`lower(${tab}, ${who}, ${share})`, async (model, { stores, authors }) => {
    const [store, author] = [pick(stores, tab), pick(authors, who)]
    const lines = model.lines.get(author.stream) ?? []
    const state = await store.lower(author.stream, Math.floor(lines.length * share), 'test', 0)
    const next = state?.head.next ?? 0
    expect(next).toBeLessThanOrEqual(Math.floor(lines.length * share))
    model.lines.set(author.stream, lines.slice(0, next))
    allDurable(model)
  })

const flush = (tab: number): Command =>
  command(`flush(${tab})`, async (model, { stores }) => {
    await pick(stores, tab).flush()
    allDurable(model)
  })

const reopen = (tab: number): Command =>
  command(`reopen(${tab})`, async (model, real) => {
    const at = tab % real.stores.length
    await real.stores[at]?.close()
    real.stores[at] = openMemoryStore(real.disk, swarm)
    await check(model, real)
  })

const powerCut = (): Command =>
  command('powerCut()', async (model, real) => {
    real.disk.powerCut()
    real.stores.splice(0, 2, openMemoryStore(real.disk, swarm), openMemoryStore(real.disk, swarm))
    const present = await pick(real.stores, 0).present()
    for (const [stream, lines] of model.lines) {
      const left = (present[stream] ?? -1) + 1
      expect(left, 'durable events are there').toBeGreaterThanOrEqual(model.durable.get(stream) ?? 0)
      expect(left, 'no event is invented').toBeLessThanOrEqual(lines.length)
      model.lines.set(stream, lines.slice(0, left))
      model.durable.set(stream, left)
    }
    model.clock = await pick(real.stores, 0).clock()
    await check(model, real)
  })

const read = (): Command => command('read()', check)

const tab = fc.nat(1)
const who = fc.nat(2)
const commands = fc.commands(
  [
    fc.record({ tab, author: who, batches: fc.integer({ min: 1, max: 20 }), bytes: fc.constantFrom(10, 3_000, 20_000) }).map(appendCommand),
    fc.record({ tab, author: who, batches: fc.constant(1), bytes: fc.constant(100) }).map(appendCommand),
    fc.tuple(tab, who).map(([at, author]) => stale(at, author)),
    fc.tuple(tab, who).map(([at, author]) => join(at, author)),
    fc.tuple(tab, who, fc.constantFrom(0, 0.5, 0.9)).map(([at, author, share]) => lower(at, author, share)),
    tab.map(flush),
    tab.map(reopen),
    fc.constant(powerCut()),
    fc.constant(read()),
  ],
  { maxCommands: 40 },
)

test('[S1] appends, joins, lowerings, reopenings and power cuts in any order leave what a list would hold', async () => {
  expect.hasAssertions()
  const authors = await Promise.all([createAuthor(), createAuthor(), createAuthor()])
  const setup = async (): Promise<{ model: Model; real: Real }> => {
    const disk = createMemoryDisk()
    const stores = [openMemoryStore(disk, swarm), openMemoryStore(disk, swarm)]
    await pick(stores, 0).createIdentity(pick(authors, own).identity)
    return { model: { lines: new Map(), durable: new Map(), clock: 0 }, real: { disk, authors, stores } }
  }
  await fc.assert(fc.asyncProperty(commands, (list) => fc.asyncModelRun(setup, list)), { numRuns: 60, seed: 20_261_125 })
}, 60_000)
