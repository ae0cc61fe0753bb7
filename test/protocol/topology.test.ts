import { describe, expect, test } from 'vitest'
import { publicKeyToNodeId, type NodeId } from '../../src/core/ids.ts'
import { excessOf, isWelcome, ringOf, shapeOf, wantedBy, type Shape, type TopologyView } from '../../src/protocol/topology.ts'
import { createRandom, type Random } from '../random.ts'

const idsOf = (random: Random, count: number): readonly NodeId[] => Array.from({ length: count }, () => publicKeyToNodeId(random.bytes(32))).sort((a, b) => (a < b ? -1 : 1))

/** Nodes that all know each other, and what connects them. */
class Mesh {
  readonly links = new Map<NodeId, Set<NodeId>>()
  readonly #shapes = new Map<NodeId, Shape>()

  constructor(nodeIds: readonly NodeId[]) {
    for (const nodeId of nodeIds) this.come(nodeId)
  }

  come(nodeId: NodeId): void {
    this.links.set(nodeId, new Set())
    this.#shapes.set(nodeId, 'full')
  }

  go(nodeId: NodeId): void {
    this.links.delete(nodeId)
    for (const links of this.links.values()) links.delete(nodeId)
  }

  viewOf(self: NodeId): TopologyView {
    const known = new Set([...this.links.keys()].filter((nodeId) => nodeId !== self))
    const shape = shapeOf(this.#shapes.get(self) ?? 'full', known.size + 1)
    this.#shapes.set(self, shape)
    return { self, shape, known, connected: this.links.get(self) ?? new Set() }
  }

  /** Each node in turn does what it would, until none does anything. @returns rounds */
  settle(): number {
    for (let round = 1; round <= 50; round++) if (!this.#round()) return round
    throw new Error('it does not come to rest')
  }

  degrees(): readonly number[] {
    return [...this.links.values()].map(({ size }) => size)
  }

  #round(): boolean {
    let changed = false
    for (const self of this.links.keys()) {
      for (const other of wantedBy(this.viewOf(self))) {
        if (this.links.get(self)?.has(other) === true || !isWelcome(this.viewOf(other), self)) continue
        this.#set(self, other, true)
        changed = true
      }
      for (const other of excessOf(this.viewOf(self))) {
        this.#set(self, other, false)
        changed = true
      }
    }
    return changed
  }

  #set(a: NodeId, b: NodeId, linked: boolean): void {
    for (const [from, to] of [[a, b], [b, a]] as const) if (linked) this.links.get(from)?.add(to); else this.links.get(from)?.delete(to)
  }
}

/** Hops from one node to each that it reaches, without the nodes `failed`. */
const hopsFrom = (links: ReadonlyMap<NodeId, ReadonlySet<NodeId>>, from: NodeId, failed: ReadonlySet<NodeId> = new Set()): ReadonlyMap<NodeId, number> => {
  const hops = new Map([[from, 0]])
  for (const [nodeId, count] of hops) for (const next of links.get(nodeId) ?? []) if (!failed.has(next) && !hops.has(next)) hops.set(next, count + 1)
  return hops
}

const holdsTogether = (links: ReadonlyMap<NodeId, ReadonlySet<NodeId>>, failed: ReadonlySet<NodeId>): boolean => {
  const start = [...links.keys()].find((nodeId) => !failed.has(nodeId))
  return start !== undefined && hopsFrom(links, start, failed).size === links.size - failed.size
}

/** Pushes of one event: each node passes the first one on to all but its sender and the author's own neighbours. */
const pushesOf = (links: ReadonlyMap<NodeId, ReadonlySet<NodeId>>, author: NodeId): { readonly count: number; readonly reached: number } => {
  const near = links.get(author) ?? new Set()
  const queue = [...near].map((to) => ({ from: author, to }))
  const reached = new Set([author])
  for (const { from, to } of queue) {
    if (reached.has(to)) continue
    reached.add(to)
    for (const next of links.get(to) ?? []) if (next !== from && next !== author && !near.has(next)) queue.push({ from: to, to: next })
  }
  return { count: queue.length, reached: reached.size }
}

describe('shape', () => {
  test('[R70] a full mesh up to nine nodes, left at ten, taken up again at seven', () => {
    const shapes: Shape[] = []
    let shape: Shape = 'full'
    for (const count of [2, 8, 9, 10, 9, 8, 7, 8, 9, 10]) shapes.push((shape = shapeOf(shape, count)))
    expect(shapes).toEqual(['full', 'full', 'full', 'sparse', 'sparse', 'sparse', 'full', 'full', 'full', 'sparse'])
  })

  test('[R70] in a full mesh everyone is wanted, and nobody too many', () => {
    const [self, ...others] = idsOf(createRandom(1), 9)
    if (self === undefined) throw new Error('no ids')
    const view: TopologyView = { self, shape: 'full', known: new Set(others), connected: new Set(others) }
    expect(wantedBy(view)).toEqual(new Set(others))
    expect(excessOf(view)).toEqual([])
  })
})

describe('ring', () => {
  test('[R71] the next two ids on either side, around the end', () => {
    const ids = idsOf(createRandom(2), 12)
    const neighbours = (at: number) => [-2, -1, 1, 2].map((step) => ids.at((at + step + 12) % 12))
    for (const [at, self] of ids.entries()) expect(ringOf({ self, known: new Set(ids) })).toEqual(new Set(neighbours(at)))
    expect(ringOf({ self: ids[0] ?? ('' as NodeId), known: new Set(ids.slice(1, 3)) })).toEqual(new Set(ids.slice(1, 3)))
  })

  test('[R71] a neighbour on the ring is welcome above all bounds, another is not, and who is passed over is replaced', () => {
    const ids = idsOf(createRandom(3), 30)
    const [self, next, ...rest] = ids
    if (self === undefined || next === undefined) throw new Error('no ids')
    const connected = new Set(rest.slice(5, 13))
    const view: TopologyView = { self, shape: 'sparse', known: new Set(ids), connected }
    expect([isWelcome(view, next), isWelcome(view, rest[15] ?? self)]).toEqual([true, false])
    const free = { ...view, connected: new Set<NodeId>() }
    const wanted = wantedBy(free)
    const besides = [...wanted].filter((nodeId) => !ringOf(view).has(nodeId))
    expect(besides.length).toBe(2)
    const instead = wantedBy(free, (nodeId) => nodeId !== besides[0])
    expect([instead.has(besides[0] ?? self), instead.has(besides[1] ?? self), instead.size]).toEqual([false, true, 6])
  })
})

describe('50 nodes', () => {
  const random = createRandom(50)
  const ids = idsOf(random, 50)
  const mesh = new Mesh(ids)
  const rounds = mesh.settle()

  test('[R71] come to rest with 5 to 8 connections each, and every pair within four hops', () => {
    const degrees = mesh.degrees()
    const mean = degrees.reduce((sum, degree) => sum + degree, 0) / degrees.length
    const far = Math.max(...ids.map((nodeId) => Math.max(...hopsFrom(mesh.links, nodeId).values())))
    console.info(`50 nodes after ${rounds} rounds: ${Math.min(...degrees)}–${Math.max(...degrees)} connections, ${mean.toFixed(1)} on average, at most ${far} hops`)
    expect([Math.min(...degrees) >= 5, Math.max(...degrees) <= 8, far <= 4]).toEqual([true, true, true])
  })

  test('[R71] hold together after any three fail at once', () => {
    let broken = 0
    for (let a = 0; a < 50; a++) for (let b = a + 1; b < 50; b++) for (let c = b + 1; c < 50; c++) if (!holdsTogether(mesh.links, new Set([a, b, c].flatMap((at) => ids[at] ?? [])))) broken++
    expect(broken).toBe(0)
  })

  test('[G3] an event of any node reaches all, by fewer pushes than connections', () => {
    const pushes = ids.map((author) => pushesOf(mesh.links, author))
    const counts = pushes.map(({ count }) => count)
    const ends = mesh.degrees().reduce((sum, degree) => sum + degree, 0)
    console.info(`pushes per event: ${Math.min(...counts)}–${Math.max(...counts)} for 49 receivers over ${ends / 2} connections`)
    expect(pushes.map(({ reached }) => reached)).toEqual(ids.map(() => 50))
    expect(Math.max(...counts)).toBeLessThan(ends)
  })

  test('[R71] heal: three neighbours on the ring fail, ten come, and it is the same again', () => {
    const later = new Mesh(ids)
    later.settle()
    for (const gone of ids.slice(10, 13)) later.go(gone)
    later.settle()
    for (const nodeId of idsOf(random, 10)) later.come(nodeId)
    later.settle()
    const degrees = later.degrees()
    expect([degrees.length, Math.min(...degrees) >= 5, Math.max(...degrees) <= 8]).toEqual([57, true, true])
    for (let run = 0; run < 300; run++) expect(holdsTogether(later.links, new Set([0, 1, 2].map(() => random.pick([...later.links.keys()]))))).toBe(true)
  })

  test('[R71] twelve that were a full mesh of nine let go of what is too many', () => {
    const few = new Mesh(ids.slice(0, 9))
    few.settle()
    expect(few.degrees()).toEqual(Array(9).fill(8))
    for (const nodeId of ids.slice(9, 12)) few.come(nodeId)
    few.settle()
    expect([Math.min(...few.degrees()) >= 5, Math.max(...few.degrees()) <= 8]).toEqual([true, true])
  })
})
