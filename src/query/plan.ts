import { compareEventKeys } from '../core/event-key.ts'
import type { Meta } from '../core/event.ts'
import { LAMPORT_MAX } from '../core/lamport.ts'
import type { Conjunction, Where } from '../core/where.ts'
import type { Comparison, KeyPoint, TagExpression, TimePoint } from './ast.ts'
import { durationMicros } from './time.ts'

/** More conjunctions than this are not made of one expression: it then prunes by less. */
export const CONJUNCTIONS_MAX = 4096

export interface PlanSettings {
  /** App id of whoever asks: `appId(me)`. */
  readonly me: string
  /** The clock that `ago` counts from, in microseconds. */
  readonly nowMicros: number
}

/** What to read, and which of it is meant. */
export interface Plan {
  /** What the store prunes by. Every event that is meant matches it, perhaps others too. */
  readonly where: Where
  /** Exactly the events that are meant. */
  readonly selects: (meta: Meta) => boolean
}

/** @param tags without interpolations; one that is left selects nothing */
export const planTags = (tags: TagExpression, settings: PlanSettings): Plan => ({ where: conjunctionsOf(tags, settings), selects: selectorOf(tags, settings) })

const everything: Where = [{ tags: [] }]

const conjunctionsOf = (tags: TagExpression, settings: PlanSettings): Where => {
  switch (tags.type) {
    case 'or': {
      const all = tags.operands.flatMap((operand) => conjunctionsOf(operand, settings))
      return all.length <= CONJUNCTIONS_MAX ? all : everything
    }
    case 'and': return tags.operands.map((operand) => conjunctionsOf(operand, settings)).reduce(both)
    case 'tag': return [{ tags: [tags.name] }]
    case 'interpolatedTag': return []
    case 'allEvents': return everything
    case 'isLocal': return [{ tags: [], local: true }]
    case 'appId': return [{ tags: [], appId: tags.appId === 'me' ? settings.me : tags.appId }]
    case 'time': return [timeBounds(tags.comparison, microsOf(tags.at, settings))]
    case 'key': return [keyBounds(tags.comparison, tags.key)]
  }
}

/** Each of one with each of the other; where that would be too many, the shorter list alone, which says less but nothing wrong. */
const both = (a: Where, b: Where): Where => {
  if (a.length * b.length > CONJUNCTIONS_MAX) return a.length <= b.length ? a : b
  return a.flatMap((left) => b.flatMap((right) => intersect(left, right)))
}

const lower = (a: number | undefined, b: number | undefined): number | undefined => (a === undefined || b === undefined ? (a ?? b) : Math.min(a, b))
const higher = (a: number | undefined, b: number | undefined): number | undefined => (a === undefined || b === undefined ? (a ?? b) : Math.max(a, b))
const isEmpty = (min: number | undefined, max: number | undefined): boolean => min !== undefined && max !== undefined && min > max

/** None where the two exclude each other. */
const intersect = (a: Conjunction, b: Conjunction): Where => {
  const [minMicros, maxMicros] = [higher(a.minMicros, b.minMicros), lower(a.maxMicros, b.maxMicros)]
  const [minLamport, maxLamport] = [higher(a.minLamport, b.minLamport), lower(a.maxLamport, b.maxLamport)]
  const appId = a.appId ?? b.appId
  if (isEmpty(minMicros, maxMicros) || isEmpty(minLamport, maxLamport) || (b.appId !== undefined && appId !== b.appId)) return []
  return [{
    tags: [...new Set([...a.tags, ...b.tags])],
    ...((a.local ?? b.local) === true && { local: true as const }),
    ...(appId !== undefined && { appId }),
    ...(minMicros !== undefined && { minMicros }),
    ...(maxMicros !== undefined && { maxMicros }),
    ...(minLamport !== undefined && { minLamport }),
    ...(maxLamport !== undefined && { maxLamport }),
  }]
}

const microsOf = (at: TimePoint, { nowMicros }: PlanSettings): number => (at.type === 'date' ? at.micros : nowMicros - durationMicros(at.count, at.unit))

const timeBounds = (comparison: Comparison, micros: number): Conjunction => {
  switch (comparison) {
    case '<': return { tags: [], maxMicros: micros - 1 }
    case '<=': return { tags: [], maxMicros: micros }
    case '>': return { tags: [], minMicros: micros + 1 }
    case '>=': return { tags: [], minMicros: micros }
  }
}

/** A key without a stream lies before all events of its Lamport time. Of one with a stream the Lamport time alone is looked at here. */
const keyBounds = (comparison: Comparison, { lamport, stream }: KeyPoint): Conjunction => {
  const below = comparison === '<' || comparison === '<='
  return below ? { tags: [], maxLamport: stream === undefined ? lamport - 1 : lamport } : { tags: [], minLamport: Math.min(lamport, LAMPORT_MAX) }
}

const compares = (order: number, comparison: Comparison): boolean => {
  switch (comparison) {
    case '<': return order < 0
    case '<=': return order <= 0
    case '>': return order > 0
    case '>=': return order >= 0
  }
}

const selectorOf = (tags: TagExpression, settings: PlanSettings): Plan['selects'] => {
  switch (tags.type) {
    case 'or': return anyOf(tags.operands, settings)
    case 'and': {
      const all = tags.operands.map((operand) => selectorOf(operand, settings))
      return (meta) => all.every((selects) => selects(meta))
    }
    case 'tag': return (meta) => meta.tags.includes(tags.name)
    case 'interpolatedTag': return () => false
    case 'allEvents': return () => true
    case 'isLocal': return (meta) => meta.isLocalEvent
    case 'appId': {
      const appId = tags.appId === 'me' ? settings.me : tags.appId
      return (meta) => meta.appId === appId
    }
    case 'time': {
      const micros = microsOf(tags.at, settings)
      return (meta) => compares(meta.timestampMicros - micros, tags.comparison)
    }
    case 'key': return (meta) => compares(compareToPoint(meta, tags.key), tags.comparison)
  }
}

const compareToPoint = (meta: Meta, { lamport, stream }: KeyPoint): number => (stream === undefined ? meta.lamport - lamport || 1 : compareEventKeys(meta, { lamport, stream }))

/** Plain tags are looked up together, for there may be thousands. */
const anyOf = (operands: readonly TagExpression[], settings: PlanSettings): Plan['selects'] => {
  const names = new Set(operands.flatMap((operand) => (operand.type === 'tag' ? [operand.name] : [])))
  const others = operands.filter(({ type }) => type !== 'tag').map((operand) => selectorOf(operand, settings))
  return (meta) => meta.tags.some((tag) => names.has(tag)) || others.some((selects) => selects(meta))
}
