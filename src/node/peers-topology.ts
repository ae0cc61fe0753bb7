import type { NodeId } from '../core/ids.ts'
import { CONNECTIONS_AIM, excessOf, isWelcome, shapeOf, wantedBy, type Shape, type TopologyView } from '../protocol/topology.ts'

const metMs = 180_000

export interface NeighbourhoodSource {
  readonly nodeId: NodeId
  /** Nodes heard of over the mesh. */
  readonly known: () => readonly NodeId[]
  /** Those that this node is connected with, or about to be. */
  readonly connected: () => readonly NodeId[]
  readonly mayTry: (nodeId: NodeId) => boolean
  readonly nowMs: () => number
}

/** Whom this node is to be connected with. @see PROTOCOL.md [R70] [R71] */
export class Neighbourhood {
  readonly #source: NeighbourhoodSource
  /** Nodes that were greeted, and when: known before anybody else tells of them. */
  readonly #metMs = new Map<NodeId, number>()
  #shape: Shape = 'full'

  constructor(source: NeighbourhoodSource) {
    this.#source = source
  }

  met(nodeId: NodeId): void {
    this.#metMs.set(nodeId, this.#source.nowMs())
  }

  /** One that claims this node's own id is found out only by being met. */
  wants(nodeId: NodeId): boolean {
    return nodeId === this.#source.nodeId || wantedBy(this.#view(nodeId), this.#source.mayTry).has(nodeId)
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
