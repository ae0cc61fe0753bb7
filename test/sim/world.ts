import { createHash } from 'node:crypto'
import { inflateRawSync } from 'node:zlib'
import type { TaggedEvent } from '../../src/core/event.ts'
import { streamIdOf, type Lamport, type NodeId, type Offset, type StreamId, type SwarmId } from '../../src/core/ids.ts'
import { memoryForm } from '../../src/net/memory-pairing.ts'
import { createMemoryHub, type MemoryHub } from '../../src/net/memory-signaling.ts'
import { createMemoryNetwork, type MemoryNetwork } from '../../src/net/memory-transport.ts'
import { createPairingConnector } from '../../src/net/pairing.ts'
import { createRelaySignaling } from '../../src/net/relay-signaling.ts'
import type { Network } from '../../src/node/connections.ts'
import type { NodeCrypto, Swarm } from '../../src/node/crypto.ts'
import type { Node } from '../../src/node/node.ts'
import { decodeMessage } from '../../src/protocol/codec.ts'
import type { MemoryDisk } from '../../src/store/memory-event-store.ts'
import { unpackAppend, unpackSegment } from '../../src/store/records.ts'
import { swarmIdOf } from '../../src/stream/swarm.ts'
import { createTestWorld, type TestWorld } from '../environment.ts'
import type { Random } from '../random.ts'
import { createSeededCrypto } from '../seeded-crypto.ts'
import type { Pace } from './disk.ts'
import type { Fault } from './fault.ts'
import { headsOn } from './held.ts'
import { Ledger } from './ledger.ts'
import { connectorOf, createPage, signalingOf, type Page } from './page.ts'
import { present, type Program } from './program.ts'
import { slowCrypto } from './slow-crypto.ts'
import { Tablet, type OpenPage } from './tablet.ts'

export interface SimOptions {
  readonly seed: number
  readonly slowMs: number
  readonly latencyMs: number
  /** How many there are in the beginning. */
  readonly tablets: number
  readonly fault?: Fault
}

/** Nodes of one swarm on devices that the seed owns, and what is known of them. */
export class SimWorld {
  readonly options: SimOptions
  readonly world: TestWorld
  readonly random: Random
  readonly network: MemoryNetwork
  readonly hub: MemoryHub
  readonly crypto: NodeCrypto
  readonly ledger = new Ledger()
  readonly tablets: Tablet[] = []
  readonly trace: string[] = []
  readonly #swarm: Swarm
  readonly program: Program
  readonly #heads = new Map<Tablet, { readonly version: number; readonly disk: MemoryDisk; readonly heads: ReadonlyMap<StreamId, Offset> }>()
  /** Publishes that have neither resolved nor rejected, by page. */
  readonly pending = new Map<Page, number>()
  /** Steps of the disk until the power goes there. */
  readonly cuts = new Map<Tablet, number>()
  /** Identities that two tablets have or had. */
  readonly shared = new Set<NodeId | undefined>()
  /** Images of disks, to be restored. */
  readonly images = new Map<Tablet, MemoryDisk>()
  messages = 0
  #published = 0
  #proofs = 0
  #digest = ''

  constructor(options: SimOptions, parts: { readonly world: TestWorld; readonly swarm: Swarm; readonly program: Program; readonly crypto: NodeCrypto }) {
    const { world } = parts
    this.options = options
    this.world = world
    this.random = world.random
    this.crypto = parts.crypto
    this.#swarm = parts.swarm
    this.program = parts.program
    const chance = { nowMicros: () => (1_800_000_000_000 + world.nowMs()) * 1000, after: world.after, randomBytes: world.random.bytes }
    const jitter = { ...chance, after: (delayMs: number, call: () => void) => world.after(delayMs * (0.5 + this.random.below(100) / 100), call) }
    this.network = createMemoryNetwork({ timers: jitter, latencyMs: options.latencyMs })
    this.hub = createMemoryHub(this.network, chance)
  }

  get swarmId(): SwarmId {
    return this.#swarm.id
  }

  note(text: string): void {
    this.trace.push(`${String(Math.round(this.world.nowMs())).padStart(7)} ${text}`)
  }

  /** Of everything that has happened so far. */
  digest(): string {
    return this.#digest
  }

  get pace(): Pace {
    return { random: this.random, after: (ms, call) => void this.world.after(ms, call), slowMs: this.options.slowMs }
  }

  // tablets and pages

  /** @param skewMs what its clock is wrong by: up to an hour */
  addTablet(memory?: MemoryDisk, program = this.program, skewMs = this.random.chance(0.5) ? 0 : this.random.below(7_200_000) - 3_600_000): Tablet {
    const name = `T${this.tablets.length + 1}`
    const tablet: Tablet = new Tablet(name, skewMs, {
      program, profile: this.world.profile(), memory: memory ?? program.createMemoryDisk(), pace: this.pace,
      step: () => this.#diskStep(tablet),
      wrote: (stream, record) => this.#wrote(name, stream, record),
    })
    this.tablets.push(tablet)
    return tablet
  }

  #wrote(name: string, stream: StreamId, record: unknown): void {
    const [append, segment] = [unpackAppend(record), unpackSegment(record)]
    // Both begin with numbers; only one of the two has a header that fits them.
    if (segment !== undefined) this.ledger.wrote(name, stream, segment.first, new Uint8Array(inflateRawSync(segment.deflated)))
    else if (append !== undefined) this.ledger.wrote(name, stream, append.first, append.lines)
  }

  #diskStep(tablet: Tablet): void {
    const left = this.cuts.get(tablet)
    if (left === undefined) return
    this.cuts.set(tablet, left - 1)
    if (left > 1) return
    this.cuts.delete(tablet)
    this.cutPower(tablet)
  }

  /** Opens a page; its node is there a little later, or never if something happens to it before. */
  openPage(tablet: Tablet, lamport?: Lamport): void {
    const page = createPage(tablet.profile.openTab())
    page.tab.setClockSkewMs(tablet.skewMs)
    const open: OpenPage = { page, node: undefined, given: [], hidden: false, offline: false }
    tablet.pages.push(open)
    this.#begin(tablet, open, lamport).catch((error: unknown) => {
      if (codeOf(error) !== 'STORE-QUOTA' && codeOf(error) !== 'STORE-LOST') this.ledger.fault(`[G6] ${tablet.name} could not be opened: ${textOf(error)}`)
      this.crash(tablet, open)
    })
  }

  async #begin(tablet: Tablet, open: OpenPage, lamport?: Lamport): Promise<void> {
    const { page } = open
    const { program } = tablet
    const fault = this.options.fault
    const context = { page, tablet, world: this }
    const tables = () => {
      const own = tablet.disk.open(page)
      return fault?.tables?.(own, context) ?? own
    }
    const { environment: real } = page.tab
    const environment = fault?.environment?.(real, context) ?? real
    const opened = await program.openReopeningStore(async () => program.createEventStore(tables(), this.#swarm.id), environment)
    const store = fault?.store?.(opened, context) ?? opened
    const crypto = slowCrypto(this.crypto, page, () => this.#pauseOfCrypto())
    const node = await program.createNode({ store, crypto, environment, parts: program.presentParts, network: this.#networkOf(tablet, page, environment) }, { swarm: this.#swarm, name: tablet.name, ...(lamport !== undefined && { lamport }) })
    open.node = node
    this.note(`${tablet.name} runs as ${node.nodeId.slice(0, 6)}`)
    this.#follow(tablet, open, node)
  }

  #pauseOfCrypto(): Promise<void> {
    const { slowMs } = this.options
    if (slowMs === 0 || this.random.chance(0.8)) return Promise.resolve()
    const ms = this.random.below(slowMs)
    return new Promise((resolve) => void this.world.after(ms, resolve))
  }

  #networkOf(tablet: Tablet, page: Page, timers: Page['tab']['environment']): Network {
    const { name } = tablet
    const say = (message: Uint8Array, send: (message: Uint8Array) => void) => {
      if (!this.#said(tablet, message)) return
      const other = this.options.fault?.say
      if (other === undefined) send(message)
      else other(message, send, { page, tablet, world: this })
    }
    const connector = connectorOf(page, this.network.connector(name), tablet.program.NetError, say)
    return {
      parts: tablet.program.connectParts,
      connector,
      pairing: createPairingConnector({ begin: connector.begin, form: memoryForm, timers }),
      signalings: ({ introductionId, key, nodeId, road }) => {
        const tagOf = (id: Uint8Array) => this.crypto.hmac(key, id)
        const { swarm } = { swarm: this.#swarm.id }
        return [['memory:hub', signalingOf(page, this.hub.signaling({ name, swarm, introductionId, tagOf, timers }))], [undefined, createRelaySignaling({ nodeId, road, timers })]]
      },
    }
  }

  /** What a node says of itself is compared with what its disk would have left. @returns whether it goes on */
  #said(tablet: Tablet, message: Uint8Array): boolean {
    this.messages++
    if (message[1] === forkNumber && ++this.#proofs > proofsMax) {
      this.ledger.fault(`[R45] proofs of forks are passed on without end`)
      return false
    }
    this.#digest = createHash('sha256').update(`${this.#digest} ${this.world.nowMs()} ${tablet.name} `).update(message).digest('hex')
    if (message[1] !== haveNumber || tablet.lies) return true
    const decoded = decodeMessage(message)
    if (!decoded.ok || decoded.value.type !== 'have') return true
    const durable = this.durableHeads(tablet)
    for (const [stream, { next }] of decoded.value.heads)
      if (Math.min(next, this.ledger.forkOf(stream)) > (durable.get(stream) ?? 0) && !tablet.damaged.has(stream)) this.ledger.fault(`[G2] ${tablet.name} said that it has ${next} events of ${stream}; a power cut would leave ${durable.get(stream) ?? 0}`)
    return true
  }

  durableHeads(tablet: Tablet): ReadonlyMap<StreamId, Offset> {
    const known = this.#heads.get(tablet)
    const [version, disk] = [tablet.disk.version(), tablet.disk.memory]
    if (known?.version === version && known.disk === disk) return known.heads
    const heads = headsOn(disk.afterPowerCut())
    this.#heads.set(tablet, { version, disk, heads })
    return heads
  }

  #follow(tablet: Tablet, open: OpenPage, node: Node): void {
    node.subscribe({}, {
      events: (chunk) => {
        if (open.page.isGone()) return
        open.given.push(...chunk)
        tablet.show(chunk)
      },
      timeTravel: () => void (open.given = []),
      failed: (error) => {
        if (!open.page.isGone()) this.ledger.fault(`[G6] a subscription of ${tablet.name} has failed: ${textOf(error)}`)
      },
    })
  }

  // what happens to them

  publish(tablet: Tablet, open: OpenPage & { readonly node: Node }, sizes: readonly number[]): void {
    const ids = sizes.map(() => `${tablet.name}#${++this.#published}`)
    for (const id of ids) this.ledger.publishes(id)
    const events: TaggedEvent[] = sizes.map((size, at) => ({ tags: [`by:${tablet.name}`], event: { id: ids[at] ?? '', pad: '.'.repeat(size) } }))
    const { shown } = tablet
    const { page } = open
    this.pending.set(page, (this.pending.get(page) ?? 0) + 1)
    const settled = () => page.isGone() || this.pending.set(page, (this.pending.get(page) ?? 0) - 1)
    open.node.publish(events).then(
      (metas) => {
        settled()
        if (page.isGone()) return
        this.ledger.acknowledges(tablet.name, this.world.nowMs(), metas.some(({ stream }) => tablet.damaged.has(stream)), ids, metas, shown)
        this.#checkDurable(tablet, ids, metas.map(({ stream, offset }) => [stream, offset]))
      },
      (error: unknown) => {
        settled()
        if (!page.isGone() && codeOf(error) !== 'STORE-QUOTA' && codeOf(error) !== 'NODE-CLOSED') this.ledger.fault(`[G1] ${ids.join()} could not be published on ${tablet.name}: ${textOf(error)}`)
      },
    )
  }

  #checkDurable(tablet: Tablet, ids: readonly string[], places: readonly (readonly [StreamId, Offset])[]): void {
    const durable = this.durableHeads(tablet)
    if (tablet.lies) return
    for (const [stream, offset] of places) if (offset >= (durable.get(stream) ?? 0) && !tablet.damaged.has(stream) && offset < this.ledger.forkOf(stream)) this.ledger.fault(`[G2] ${ids.join()} was acknowledged on ${tablet.name}; a power cut would take it`)
  }

  crash(tablet: Tablet, open: OpenPage): void {
    const led = open.node?.status().leader === true
    open.page.crash()
    tablet.pages = tablet.pages.filter((page) => page !== open)
    this.pending.delete(open.page)
    if (led || tablet.pages.length === 0) this.network.kill(tablet.name)
  }

  leave(tablet: Tablet, open: OpenPage): void {
    open.page.close()
    tablet.pages = tablet.pages.filter((page) => page !== open)
    this.pending.delete(open.page)
  }

  crashAll(tablet: Tablet): void {
    for (const open of [...tablet.pages]) this.crash(tablet, open)
    this.network.kill(tablet.name)
    this.cuts.delete(tablet)
  }

  cutPower(tablet: Tablet): void {
    this.note(`${tablet.name} loses power`)
    this.crashAll(tablet)
    if (tablet.lies) this.setBack(tablet)
    tablet.disk.powerCut()
    tablet.disk.lie(false)
    tablet.lies = false
    tablet.allDirty()
    const nodeId = tablet.nodeId()
    const isSetBack = tablet.mayDiffer
    this.ledger.lostPower({ name: tablet.name, memory: tablet.disk.memory }, tablet.setBackMs, nodeId === undefined || isSetBack ? undefined : streamIdOf(nodeId, 0), this.othersThan(tablet))
  }

  /** Its disk is about to lose what it has acknowledged or said. */
  setBack(tablet: Tablet): void {
    this.ledger.excuse(this.othersThan(tablet))
    tablet.setBackMs = this.world.nowMs()
    tablet.mayDiffer = true
    tablet.shown = undefined
  }

  /** Something on its disk is changed behind its back. */
  damage(tablet: Tablet, stream: unknown, change: () => void): void {
    this.setBack(tablet)
    tablet.damaged.add(stream as StreamId)
    change()
    tablet.disk.changed()
  }

  othersThan(tablet: Tablet): readonly { readonly name: string; readonly memory: MemoryDisk }[] {
    return this.tablets.filter((other) => other !== tablet).map(({ name, disk }) => ({ name, memory: disk.memory }))
  }

  // what always holds

  check(): void {
    for (const tablet of this.tablets) {
      if (tablet.dirty.size > 0) this.ledger.check({ name: tablet.name, memory: tablet.disk.memory }, (stream) => tablet.dirty.has(stream) && !tablet.damaged.has(stream))
      tablet.dirty.clear()
    }
    const owners = this.#owners()
    for (const tablet of this.tablets) for (const { node, page } of tablet.running) if (node.status().leader && !page.isFrozen()) this.#checkClaims(tablet, node, owners, page.wokeMs())
  }

  /** Nobody is said to hold what its disk would not leave. */
  #checkClaims(tablet: Tablet, node: Node, owners: ReadonlyMap<NodeId, Tablet | undefined>, wokeMs: number): void {
    for (const { nodeId, holds, heardMicros } of node.status().peers) {
      const there = owners.get(nodeId)
      const heardMs = (heardMicros ?? 0) / 1000 - 1_800_000_000_000 - tablet.skewMs
      // What was said before its disk was set back may be heard later: by a page that slept, or over a slow link.
      if (there === undefined || there.lies || heardMs <= there.setBackMs + onTheWayMs || (wokeMs >= there.setBackMs && heardMs <= wokeMs + onTheWayMs)) continue
      const durable = this.durableHeads(there)
      for (const [stream, last] of Object.entries(holds) as [StreamId, Offset][])
        if (last >= (durable.get(stream) ?? 0) && !there.damaged.has(stream) && last < this.ledger.forkOf(stream)) this.ledger.fault(`[G2] ${tablet.name} shows that ${there.name} has ${last + 1} events of ${stream}; it has ${durable.get(stream) ?? 0}`)
    }
  }

  /** The tablet with each identity; none where two had it. */
  #owners(): ReadonlyMap<NodeId, Tablet | undefined> {
    const owners = new Map<NodeId, Tablet | undefined>()
    for (const tablet of this.tablets) {
      const nodeId = tablet.nodeId()
      if (nodeId !== undefined) owners.set(nodeId, this.shared.has(nodeId) ? undefined : tablet)
    }
    return owners
  }
}

const onTheWayMs = 500

/** Second byte of a message: its number. */
const [haveNumber, forkNumber] = [4, 8]
/** Many times what the largest run needs. */
const proofsMax = 20_000

export const createSimWorld = async (options: SimOptions): Promise<SimWorld> => {
  const world = createTestWorld(options.seed)
  const crypto = createSeededCrypto(world.random)
  const [founder, random] = [world.random.bytes(32), world.random.bytes(16)]
  const swarm: Swarm = { id: await swarmIdOf(crypto, founder, random), key: world.random.bytes(32), founder, random }
  const program = (await options.fault?.program?.()) ?? present
  return new SimWorld(options, { world, swarm, program, crypto })
}

export const textOf = (error: unknown): string => (error instanceof Error ? (error.stack ?? error.message) : String(error))
const codeOf = (error: unknown): unknown => Reflect.get(Object(error), 'code')
