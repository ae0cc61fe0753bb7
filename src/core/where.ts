import type { Lamport } from './ids.ts'
import { normaliseTag } from './tags.ts'

/** All of these hold: every tag is present, and what else is given. Bounds are included. */
export interface Conjunction {
  readonly tags: readonly string[]
  /** Only events of this node, former identities included. */
  readonly local?: true
  readonly appId?: string
  /** Wall time of the author's clock, in microseconds since 1970. */
  readonly minMicros?: number
  readonly maxMicros?: number
  readonly minLamport?: Lamport
  readonly maxLamport?: Lamport
}

/**
 * Which events: those for which at least one conjunction holds. None: no event. Tags are NFC.
 * It is what a store can leave out by: closed segments whose summary rules out every conjunction are not opened.
 */
export type Where = readonly Conjunction[]

export const allEvents: Where = [{ tags: [] }]

/** What of an event a `Where` looks at. */
export interface Labels {
  readonly tags: readonly string[]
  readonly appId: string
  readonly isLocal: boolean
  readonly lamport: Lamport
  readonly timestampMicros: number
}

const isWithin = (value: number, min: number | undefined, max: number | undefined): boolean => (min === undefined || value >= min) && (max === undefined || value <= max)

const holds = (conjunction: Conjunction, labels: Labels): boolean =>
  (conjunction.local !== true || labels.isLocal) &&
  (conjunction.appId === undefined || conjunction.appId === labels.appId) &&
  isWithin(labels.timestampMicros, conjunction.minMicros, conjunction.maxMicros) &&
  isWithin(labels.lamport, conjunction.minLamport, conjunction.maxLamport) &&
  conjunction.tags.every((tag) => labels.tags.includes(tag))

/** Whether at least one conjunction holds. */
export const matches = (where: Where, labels: Labels): boolean => where.some((conjunction) => holds(conjunction, labels))

/** Whether a conjunction holds for every event, so that none need be looked at. */
export const matchesAll = (where: Where): boolean => where.some(({ tags, ...bounds }) => tags.length === 0 && Object.values(bounds).every((bound) => bound === undefined))

/** The same with its tags in NFC, each once. */
export const normaliseWhere = (where: Where): Where =>
  where.map((conjunction) => ({ ...conjunction, tags: [...new Set(conjunction.tags.map(normaliseTag))] }))
