import { expect, test } from 'vitest'
import { compareEventKeys } from '../../src/core/event-key.ts'
import type { Event } from '../../src/core/event.ts'
import type { JsonValue } from '../../src/core/json.ts'
import type { Node } from '../../src/node/node.ts'
import type { Answer } from '../../src/query/answer.ts'
import { valueKey, type Value } from '../../src/query/value.ts'
import { createRandom } from '../random.ts'
import { createNodeWorld, readAll, tagged } from './world.ts'

interface Piece {
  readonly machine: number
  readonly weight: number
}

const pieceOf = ({ payload }: Event): Piece => payload as unknown as Piece
const has = (tag: string) => ({ meta }: Event) => meta.tags.includes(tag)
const sum = (events: readonly Event[]) => events.reduce((total, event) => total + pieceOf(event).weight, 0)

/** Queries, and what each gives by the plainest loop over all events in order. Weights are quarters, so that sums are exact. */
const queries: readonly (readonly [string, (events: readonly Event[]) => readonly JsonValue[]])[] = [
  ["FROM 'good' & 'piece' FILTER _.machine > 1 SELECT _.weight", (events) => events.filter((event) => has('good')(event) && has('piece')(event) && pieceOf(event).machine > 1).map((event) => pieceOf(event).weight)],
  ["FROM 'good' | 'bad' AGGREGATE [COUNT(_), SUM(_.weight) ?? 0, DISTINCT(_.machine)]", (events) => {
    const chosen = events.filter((event) => has('good')(event) || has('bad')(event))
    return [[chosen.length, sum(chosen), [...new Set(chosen.map((event) => pieceOf(event).machine))].toSorted((a, b) => a - b)]]
  }],
  ["FROM 'piece' GROUP BY _.machine AGGREGATE { machine: _, count: COUNT(_), weight: SUM(_.weight), last: LAST(_.weight) }", (events) =>
    [0, 1, 2, 3].flatMap((machine) => {
      const group = events.filter((event) => has('piece')(event) && pieceOf(event).machine === machine)
      return group.length === 0 ? [] : [{ machine, count: group.length, weight: sum(group), last: group.map((event) => pieceOf(event).weight).at(-1) ?? 0 }]
    }),
  ],
  ["FROM 'good' LIMIT 4 SELECT _.weight", (events) => events.filter(has('good')).slice(0, 4).map((event) => pieceOf(event).weight)],
  ["FROM 'good' AGGREGATE [MIN(_.weight) ?? NULL, MAX(_.weight) ?? NULL, LAST(_.machine) ?? NULL]", (events) => {
    const weights = events.filter(has('good')).map((event) => pieceOf(event).weight)
    return [weights.length === 0 ? [null, null, null] : [Math.min(...weights), Math.max(...weights), events.filter(has('good')).map((event) => pieceOf(event).machine).at(-1) ?? null]]
  }],
  ["FROM 'piece' GROUP BY _.machine AGGREGATE SUM(_.weight) FILTER _ > 10 AGGREGATE SUM(_) ?? 0", (events) => [
    [0, 1, 2, 3].map((machine) => sum(events.filter((event) => has('piece')(event) && pieceOf(event).machine === machine))).filter((weight) => weight > 10).reduce((total, weight) => total + weight, 0),
  ]],
  ["FROM 'bad' LET m := _.machine FILTER m = 2 | m = 3 SELECT [m, _.weight], m", (events) =>
    events.filter(has('bad')).map(pieceOf).filter(({ machine }) => machine > 1).flatMap(({ machine, weight }): JsonValue[] => [[machine, weight], machine])],
  ["FROM 'good' AGGREGATE FIRST(_.weight) ?? NULL", (events) => [events.filter(has('good')).map((event) => pieceOf(event).weight)[0] ?? null]],
]

const keys = (payloads: readonly JsonValue[]) => payloads.map((payload) => valueKey(payload as Value)).toSorted()

const followed = (node: Node, text: string) => {
  const counts = new Map<string, number>()
  const failures: string[] = []
  const take = (answer: Answer) => {
    if (answer.type === 'reset') counts.clear()
    if (answer.type !== 'event' && answer.type !== 'antiEvent') return
    const key = valueKey(answer.payload as Value)
    counts.set(key, (counts.get(key) ?? 0) + (answer.type === 'event' ? 1 : -1))
  }
  node.subscribeAql(text, { answers: (answers) => answers.forEach(take), failed: (error) => failures.push(error.message) })
  return { failures, results: () => [...counts].flatMap(([key, count]) => Array.from({ length: count }, () => key)).toSorted() }
}

const asked = async (node: Node, text: string) => {
  const payloads: JsonValue[] = []
  for await (const answer of node.aql(text)) if (answer.type === 'event') payloads.push(answer.payload)
  return payloads
}

test.each([1, 2, 3, 4])('[G3] [G5] after partitions every query and every live one ends on every node as a loop over all events says, seed %i', async (seed) => {
  const random = createRandom(seed)
  const { world, network, tablet } = await createNodeWorld(seed)
  const tablets = [tablet(), tablet(), tablet()]
  const nodes: Node[] = []
  for (const profile of tablets) nodes.push((await profile.open()).node)
  const live = nodes.map((node) => queries.map(([text]) => followed(node, text)))
  for (let step = 0; step < 40; step++) {
    const at = random.below(3)
    const name = tablets[at]?.name ?? ''
    const action = random.below(10)
    if (action === 0) network.cut(name)
    else if (action === 1) network.heal(name)
    else if (action === 2) await world.advance(random.below(3_000))
    else {
      const pieces = Array.from({ length: 1 + random.below(3) }, () => tagged({ machine: random.below(4), weight: random.below(40) / 4 }, 'piece', random.below(3) > 0 ? 'good' : 'bad'))
      await nodes[at]?.publish(pieces)
    }
  }
  for (const { name } of tablets) network.heal(name)
  await world.until(async () => new Set((await Promise.all(nodes.map((node) => node.present()))).map((present) => JSON.stringify(Object.entries(present).toSorted()))).size === 1, 200_000)
  await world.advance(2_000)
  for (const [at, node] of nodes.entries()) {
    const events = [...(await readAll(node))].sort((a, b) => compareEventKeys(a.meta, b.meta))
    expect(events.length).toBeGreaterThan(10)
    for (const [number, [text, naive]] of queries.entries()) {
      const expected = keys(naive(events))
      expect([text, keys(await asked(node, text))]).toEqual([text, expected])
      expect([text, live[at]?.[number]?.failures, live[at]?.[number]?.results()]).toEqual([text, [], expected])
    }
  }
})
