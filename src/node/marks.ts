import { parseNodeId, parseSwarmId, streamIdOf, type NodeId, type SwarmId } from '../core/ids.ts'
import { lastOf } from '../core/offset-map.ts'
import type { Environment } from './environment.ts'
import { eventsOnlyHere, type NodeStatus } from './node.ts'

/**
 * What a profile notes of its node outside of its database, so that a database that the browser has cleared, or that was set back, is missed.
 * It holds no secret: who reads it cannot join.
 */
export interface Mark {
  readonly swarm: SwarmId
  readonly nodeId: NodeId
  /** Length of the stream that this node wrote last. */
  readonly next: number
  /** Display name of this node. */
  readonly name: string
  /** Names of other nodes, at most 5, by which a person knows which swarm it was. */
  readonly others: readonly string[]
  /** Own events, and those among them that no other node was known to hold. */
  readonly own: number
  readonly onlyHere: number
  readonly atMicros: number
}

/** Where marks are kept. */
export interface Marks {
  /** The newest of a swarm. */
  readonly read: (swarm: SwarmId) => Promise<Mark | undefined>
  /** Whether there is one, at once. */
  readonly has: (swarm: SwarmId) => boolean
  /** In all places. */
  readonly write: (mark: Mark) => Promise<void>
}

const othersMax = 5
const writeEveryMs = 5_000

/** `undefined` for anything else than a mark. */
export const parseMark = (value: unknown): Mark | undefined => {
  if (typeof value !== 'object' || value === null) return undefined
  const { swarm, nodeId, next, name, others, own, onlyHere, atMicros } = value as Partial<Record<keyof Mark, unknown>>
  const [swarmId, id] = [parseSwarmId(textOf(swarm)), parseNodeId(textOf(nodeId))]
  if (swarmId === undefined || id === undefined) return undefined
  const names = Array.isArray(others) ? others.filter((other: unknown) => typeof other === 'string').slice(0, othersMax) : []
  return { swarm: swarmId, nodeId: id, next: countOf(next), name: textOf(name), others: names, own: countOf(own), onlyHere: countOf(onlyHere), atMicros: countOf(atMicros) }
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')
const countOf = (value: unknown): number => (typeof value === 'number' && Number.isSafeInteger(value) ? value : 0)

export const markOf = (swarm: SwarmId, status: NodeStatus, atMicros: number): Mark => ({
  swarm, atMicros, nodeId: status.nodeId, name: status.name,
  next: lastOf(status.own, streamIdOf(status.nodeId, 0)) + 1,
  others: status.peers.map(({ name }) => name).filter((name) => name !== '').slice(0, othersMax),
  own: Object.values(status.own).reduce((sum, last) => sum + last + 1, 0),
  onlyHere: eventsOnlyHere(status, status.own),
})

/** Keeps the mark as it should be. */
export interface MarkKeeper {
  /** Writes it, then again after changes. */
  readonly begin: () => void
  readonly close: () => void
}

export const createMarkKeeper = (marks: Marks, environment: Pick<Environment, 'after' | 'nowMicros'>, swarm: SwarmId, node: { readonly status: () => NodeStatus; readonly supervise: (doing: string, work: Promise<unknown>) => void }): MarkKeeper => {
  let written = ''
  let cancel = () => {}
  let isMade = false
  const write = () => {
    cancel = environment.after(writeEveryMs, write)
    // One that a person has removed, by leaving the swarm in another tab, is not made again.
    if (isMade && !marks.has(swarm)) return
    isMade = true
    const mark = markOf(swarm, node.status(), 0)
    if (JSON.stringify(mark) === written) return
    written = JSON.stringify(mark)
    node.supervise('noting outside of the database what is in it', marks.write({ ...mark, atMicros: environment.nowMicros() }))
  }
  return { begin: write, close: () => cancel() }
}
