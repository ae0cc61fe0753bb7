import { normaliseTag } from './tags.ts'

/** All of these hold: every tag is present, and what else is given. */
export interface Conjunction {
  readonly tags: readonly string[]
  /** Only events of this node, former identities included. */
  readonly local?: true
  readonly appId?: string
}

/** Which events: those for which at least one conjunction holds. None: no event. Tags are NFC. */
export type Where = readonly Conjunction[]

export const allEvents: Where = [{ tags: [] }]

/** What of an event a `Where` looks at. */
export interface Labels {
  readonly tags: readonly string[]
  readonly appId: string
  readonly isLocal: boolean
}

const holds = (conjunction: Conjunction, labels: Labels): boolean =>
  (conjunction.local !== true || labels.isLocal) &&
  (conjunction.appId === undefined || conjunction.appId === labels.appId) &&
  conjunction.tags.every((tag) => labels.tags.includes(tag))

/** Whether at least one conjunction holds. */
export const matches = (where: Where, labels: Labels): boolean => where.some((conjunction) => holds(conjunction, labels))

/** The same with its tags in NFC, each once. */
export const normaliseWhere = (where: Where): Where =>
  where.map((conjunction) => ({ ...conjunction, tags: [...new Set(conjunction.tags.map(normaliseTag))] }))
