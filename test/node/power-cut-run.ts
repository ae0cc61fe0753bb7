import { expect } from 'vitest'
import type { TaggedEvent } from '../../src/core/event.ts'
import { compareEventKeys } from '../../src/core/event-key.ts'
import type { SwarmId } from '../../src/core/ids.ts'
import type { OffsetMap } from '../../src/core/offset-map.ts'
import { copiesOfOwn, type Node } from '../../src/node/node.ts'
import { decodeMessage } from '../../src/protocol/codec.ts'
import { openMemoryStore, type MemoryDisk } from '../../src/store/memory-event-store.ts'
import { createRandom, type Random } from '../random.ts'
import { createNodeWorld, follow, readAll, tagged } from './world.ts'

// Three nodes; one of them loses power at some transaction of its disk, in the middle of catching up and of what others and itself publish.
// All the while, what it tells, and what the others say that it holds, is compared with what its disk would have left.

/** `ran` is called in every transaction, when it begins and when its work is done. */
const watched = (disk: MemoryDisk, ran: () => void): MemoryDisk => ({
  ...disk,
  open: () => {
    const tables = disk.open()
    return {
      ...tables,
      run: (options, work) =>
        tables.run(options, async (transaction) => {
          ran()
          const result = await work(transaction)
          ran()
          return result
        }),
    }
  },
})

/** A disk that takes `flush` for done when it is not: a small strict write to `meta` alone makes nothing durable. */
export const careless = (disk: MemoryDisk): MemoryDisk => ({
  ...disk,
  open: () => {
    const tables = disk.open()
    const isFlush = (names: readonly string[]) => names.length === 1 && names[0] === 'meta'
    return { ...tables, run: (options, work) => tables.run(isFlush(options.tables) ? { ...options, durability: 'relaxed' } : options, work) }
  },
})

const sizes = [20, 150, 400, 3_000, 30_000]

const someEvents = (random: Random, name: string, at: number): readonly TaggedEvent[] =>
  Array.from({ length: 1 + random.below(4) }, (_, index) => tagged({ name, at, index, pad: '.'.repeat(random.pick(sizes)) }, `by:${name}`))

/** Compares what is said of a tablet with what its disk would have left at that moment. Heads are read later, from a copy. */
class Claims {
  readonly #moments: { readonly how: string; readonly said: OffsetMap; readonly left: MemoryDisk }[] = []
  count = 0

  note(how: string, said: OffsetMap, disk: MemoryDisk): void {
    this.#moments.push({ how, said, left: disk.afterPowerCut() })
  }

  async faults(swarm: SwarmId): Promise<readonly string[]> {
    const faults: string[] = []
    for (const { how, said, left } of this.#moments.splice(0)) {
      this.count++
      const present: Readonly<Record<string, number>> = await openMemoryStore(left, swarm).present()
      for (const [stream, last] of Object.entries(said)) if (last > (present[stream] ?? -1)) faults.push(`${how}: ${last} of ${stream}, left ${present[stream] ?? -1}`)
    }
    return faults
  }
}

export interface CutRun {
  /** What was said beyond what would have been left. */
  readonly faults: readonly string[]
  /** How many claims were compared. */
  readonly claims: number
  /** Events that the cut took from it. */
  readonly lost: number
}

const totalOf = (present: OffsetMap): number => Object.values<number>(present).reduce((sum, last) => sum + last + 1, 0)
const idsOf = async (node: Node) => (await readAll(node)).map(({ meta }) => meta.eventId)

/**
 * One world with one power cut, all of it from the seed; checks that everything is everywhere in the end.
 * @param device what becomes of the disk of the tablet that loses power
 */
export const runWithCut = async (seed: number, device: (disk: MemoryDisk) => MemoryDisk = (disk) => disk): Promise<CutRun> => {
  const random = createRandom(seed)
  const claims = new Claims()
  const { world, network, swarm, tablet } = await createNodeWorld(seed, (name, message) => {
    const decoded = decodeMessage(message)
    if ((name !== mine.name && name !== again.name) || !decoded.ok || decoded.value.type !== 'have') return
    claims.note('have', Object.fromEntries(decoded.value.heads.map(([stream, { next }]) => [stream, next - 1])), mine.disk)
  })
  const [mine, again, one, two] = [tablet(), tablet(), tablet(), tablet()]
  const others = [(await one.open()).node, (await two.open()).node]
  for (let at = 0; at < 30; at++) await random.pick(others).publish(someEvents(random, 'early', at))
  const noteStatuses = () => {
    for (const node of others) for (const { nodeId, holds } of node.status().peers) if (nodeId === before.nodeId) claims.note('status', holds, mine.disk)
  }

  // The power goes at this point, counted in beginnings and ends of transactions since it was opened.
  let left = 1 + random.below(800)
  let cut: { readonly given: number } | undefined
  let isOpen = false
  const disk = watched(device(mine.disk), () => {
    if (!isOpen || cut !== undefined || --left > 0) return
    cut = { given: seen.given.length }
    mine.disk.powerCut()
    tab.crash()
    network.cut(mine.name)
    noteStatuses()
  })
  const { node: before, tab } = await mine.open({}, { store: openMemoryStore(disk, swarm.id) })
  const seen = follow(before)
  isOpen = true
  const published: string[] = []
  const publishBy = (node: Node, at: number) =>
    void node.publish(someEvents(random, 'live', at)).then(
      (metas) => published.push(...metas.map(({ eventId }) => eventId)),
      // What was not stored because the power went was not acknowledged either.
      (error: unknown) => {
        if (node !== before || cut === undefined) throw error
      },
    )
  for (let at = 0; cut === undefined; at++) {
    expect(at, 'steps until the power goes').toBeLessThan(500)
    publishBy(random.pick([...others, before]), at)
    await world.advance(random.pick([0, 10, 60, 250, 700]))
    if (cut === undefined) noteStatuses()
  }
  const seenBefore = seen.given.slice(0, cut.given)
  const lost = totalOf(before.status().present) - totalOf(await openMemoryStore(mine.disk, swarm.id).present())
  for (let at = 0; at < 1 + random.below(4); at++) {
    publishBy(random.pick(others), at)
    await world.advance(random.pick([50, 2_000, 15_000]))
    noteStatuses()
  }

  // Under another name in the network: what still runs of the page that ended is heard by nobody.
  const { node: after } = await again.open({}, { store: openMemoryStore(mine.disk, swarm.id) })
  expect(after.nodeId).toBe(before.nodeId)
  const [meta] = await after.publish([tagged('back')])
  for (const event of seenBefore) expect(meta === undefined ? 0 : compareEventKeys(event.meta, meta)).toBeLessThan(0)
  const all = [after, ...others]
  const isWhole = () => all.every((node) => copiesOfOwn(node.status()) === 3 && totalOf(node.status().present) === totalOf(after.status().present))
  for (let at = 0; !isWhole(); at++) {
    expect(at, 'steps to catch up').toBeLessThan(500)
    await world.advance(200)
    noteStatuses()
  }
  await expectEqual(all, published)
  await Promise.all(all.map((node) => node.close()))
  return { faults: await claims.faults(swarm.id), claims: claims.count, lost }
}

/** The same history everywhere, with all that was acknowledged; nobody was turned away, nobody took another identity. */
const expectEqual = async (nodes: readonly Node[], published: readonly string[]): Promise<void> => {
  const histories = await Promise.all(nodes.map(idsOf))
  for (const history of histories) expect(history).toEqual(histories[0])
  expect(histories[0]).toEqual(expect.arrayContaining([...published]))
  // It comes back by a standby, which is told.
  const notices = nodes.flatMap((node) => node.status().notices).filter(({ code }) => code !== 'STANDBY-USED')
  expect(notices.map(({ code, text }) => `${code}: ${text}`)).toEqual([])
}
