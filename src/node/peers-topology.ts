import type { NodeId } from '../core/ids.ts'
import { CONNECTIONS_AIM, excessOf, isWelcome, shapeOf, wantedBy, type Shape, type TopologyView } from '../protocol/topology.ts'

const metMs = 180_000
/** Whom to be connected with is worked out anew after this: every node known is asked for in turn, and there may be thousands. */
const wantedMs = 100

export interface NeighbourhoodSource {
  readonly nodeId: NodeId
  /** Nodes heard of over the mesh. */
  readonly known: () => readonly NodeId[]
  /** Those that this node is connected with, or about to be. */
  readonly connected: () => readonly NodeId[]
  readonly mayTry: (nodeId: NodeId) => boolean
  readonly nowMs: () => number
}

/** What was worked out, when, and for which connections. */
interface Wanted {
  readonly atMs: number
  readonly connected: string
  readonly known: ReadonlySet<NodeId>
  readonly wanted: ReadonlySet<NodeId>
}

/** Whom this node is to be connected with. @see PROTOCOL.md [R70] [R71] */
export class Neighbourhood {
  readonly #source: NeighbourhoodSource
  /** Nodes that were greeted, and when: known before anybody else tells of them. */
  readonly #metMs = new Map<NodeId, number>()
  #shape: Shape = 'full'
  #wanted: Wanted | undefined

  constructor(source: NeighbourhoodSource) {
    this.#source = source
  }

  met(nodeId: NodeId): void {
    this.#metMs.set(nodeId, this.#source.nowMs())
    this.#wanted = undefined
  }

  /** One that claims this node's own id is found out only by being met. */
  wants(nodeId: NodeId): boolean {
    if (nodeId === this.#source.nodeId) return true
    const { known, wanted } = this.#wantedNow()
    return known.has(nodeId) ? wanted.has(nodeId) : wantedBy(this.#view(nodeId), this.#source.mayTry).has(nodeId)
  }

  #wantedNow(): Wanted {
    const atMs = this.#source.nowMs()
    const connected = this.#source.connected().join()
    const last = this.#wanted
    if (last !== undefined && last.connected === connected && atMs - last.atMs < wantedMs) return last
    const view = this.#view()
    this.#wanted = { atMs, connected, known: view.known, wanted: wantedBy(view, this.#source.mayTry) }
    return this.#wanted
  }

  /** Whether one that the other end wants is taken. */
  welcomes(nodeId: NodeId): boolean {
    return isWelcome(this.#view(nodeId), nodeId)
  }

  /** Whether somebody may be met of whom it is not known who it is: always where there are too few connections, else one at a time. */
  explores(isExploring: boolean): boolean {
    const { shape, connected } = this.#view()
    return shape === 'full' || connected.size < CONNECTIONS_AIM || !isExploring
  }

  /** Connections that are too many. */
  excess(): readonly NodeId[] {
    return excessOf(this.#view())
  }

  #view(other?: NodeId): TopologyView {
    const { nodeId: self, known: knownNow, connected: connectedNow, nowMs } = this.#source
    for (const [nodeId, atMs] of this.#metMs) if (nowMs() - atMs >= metMs) this.#metMs.delete(nodeId)
    const connected = new Set(connectedNow().filter((nodeId) => nodeId !== self))
    const known = new Set([...knownNow(), ...this.#metMs.keys(), ...connected, ...(other === undefined ? [] : [other])].filter((nodeId) => nodeId !== self))
    this.#shape = shapeOf(this.#shape, known.size + 1)
    return { self, shape: this.#shape, known, connected }
  }
}
