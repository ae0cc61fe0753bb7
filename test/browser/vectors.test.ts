import { afterAll, beforeAll, expect, test } from 'vitest'
import { leaveSwarm } from '../../src/index.ts'
import { openIdbStore } from '../../src/store/idb-event-store.ts'
import { outcomeOf } from '../query/vector-outcome.ts'
import { openVectorNode } from '../query/vectors-node.ts'
import { me, vectors, type Expected } from '../query/vectors.ts'

let opened: Awaited<ReturnType<typeof openVectorNode>>

beforeAll(async () => {
  opened = await openVectorNode(openIdbStore)
})
afterAll(async () => {
  await opened.node.close()
  await leaveSwarm(opened.swarm)
})

test('[G3] every vector of AQL gives over IndexedDB what it gives over a list of events', async () => {
  const { node, here } = opened
  const given: (readonly [string, Expected])[] = []
  for (const vector of vectors) {
    // The nodes have other ids here.
    const local = { ...vector, text: here(vector.text), expected: JSON.parse(here(JSON.stringify(vector.expected))) as Expected }
    given.push([vector.text.slice(0, 200), await outcomeOf(local, ({ text }) => node.aql(text, { appId: me }))])
  }
  const expected = vectors.map(({ text, expected: outcome }) => [text.slice(0, 200), JSON.parse(here(JSON.stringify(outcome)))])
  expect(JSON.parse(JSON.stringify(given))).toEqual(expected)
}, 60_000)
