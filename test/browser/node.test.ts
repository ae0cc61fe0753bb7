import { afterEach, expect, test } from 'vitest'
import { openNode, storedSwarm, type Answer, type Event, type Node } from '../../src/index.ts'

const opened: Node[] = []
const open = async (...parameters: Parameters<typeof openNode>) => {
  const node = await openNode(...parameters)
  opened.push(node)
  return node
}

afterEach(async () => {
  for (const node of opened.splice(0)) await node.close()
  localStorage.clear()
})

const payloads = async (events: AsyncIterable<Event>) => {
  const all: unknown[] = []
  for await (const { payload } of events) all.push(payload)
  return all
}

test('[G2] publishes to IndexedDB, and is there again after it was closed', async () => {
  const node = await open({ found: true, name: 'Press 1' })
  const [meta] = await node.publish([{ tags: ['order:4711'], event: { type: 'started' } }])
  expect(meta?.eventId).toMatch(/^\d{16}\/[\w-]{43}-0$/)
  expect(await payloads(node.query({ where: [{ tags: ['order:4711'] }] }))).toEqual([{ type: 'started' }])
  await node.close()

  const again = await open()
  expect(again.nodeId).toBe(node.nodeId)
  expect(again.swarm).toBe(storedSwarm())
  expect(again.status().name).toBe('Press 1')
  expect(await payloads(again.query({}))).toEqual([{ type: 'started' }])
})

test('[G1] answers AQL from IndexedDB', async () => {
  const node = await open({ found: true, appId: 'com.example.press' })
  await node.publish([{ tags: ['piece', 'press:1'], event: { good: true, weight: 2 } }, { tags: ['piece', 'press:2'], event: { good: true, weight: 3 } }])
  await node.publish([{ tags: ['piece', 'press:1'], event: { good: false, weight: 5 } }])
  const answers: Answer[] = []
  for await (const answer of node.aql("FROM 'piece' & appId(me) FILTER _.good AGGREGATE { weight: SUM(_.weight), count: COUNT(_) }")) answers.push(answer)
  expect(answers).toMatchObject([{ type: 'event', payload: { weight: 5, count: 2 } }, { type: 'offsets', offsets: { [`${node.nodeId}-0`]: 2 } }])
  await expect(async () => {
    for await (const _ of node.aql("FROM 'piece' FILTRE _.good"));
  }).rejects.toThrow('AQL-SYNTAX: line 1, column 14')
})

test('[G1] keeps results of AQL up to date over IndexedDB, and tells what a query has read', async () => {
  const node = await open({ found: true })
  const payloads: unknown[] = []
  let heard = () => {}
  const stop = node.subscribeAql("FROM 'piece' GROUP BY _.press AGGREGATE [_, SUM(_.weight)]", {
    answers: (answers) => {
      for (const answer of answers) if (answer.type === 'event' || answer.type === 'antiEvent') payloads.push([answer.type, answer.payload])
      heard()
    },
    failed: (error) => payloads.push(error.message),
  })
  const told = () => new Promise<void>((resolve) => (heard = resolve))
  await told()
  for (const weight of [2, 3]) await Promise.all([told(), node.publish([{ tags: ['piece'], event: { press: 1, weight } }])])
  stop()
  await node.publish([{ tags: ['piece'], event: { press: 1, weight: 100 } }])
  expect(payloads).toEqual([['event', [1, 2]], ['antiEvent', [1, 2]], ['event', [1, 5]]])

  // About 10 events fill a segment.
  const pad = 'x'.repeat(6_000)
  for (let at = 0; at < 40; at++) await node.publish([{ tags: [at === 25 ? 'rare' : 'common'], event: { at, pad } }])
  const answers: Answer[] = []
  for await (const answer of node.aql("EXPLAIN FROM 'rare' SELECT _.at")) answers.push(answer)
  expect(answers).toMatchObject([{ type: 'explain', explanation: { query: "FROM 'rare' SELECT _.at", streams: 1, segmentsOpened: 1, eventsSelected: 1, results: 1 } }])
  const [explain] = answers
  if (explain?.type !== 'explain') throw new Error('one answer explains')
  expect(explain.explanation.segments).toBeGreaterThan(2)
  expect(explain.explanation.segmentsSkipped).toBe(explain.explanation.segments - 1)
})

test('[G8] two tabs of a profile are one node', async () => {
  const first = await open({ found: true, name: 'Press 1' })
  const second = await open({ swarm: first.swarm })
  expect(second.nodeId).toBe(first.nodeId)
  const given: unknown[] = []
  const both = new Promise<void>((resolve, reject) => {
    second.subscribe({}, {
      events: (events) => {
        given.push(...events.map(({ payload }) => payload))
        if (given.length === 60) resolve()
      },
      timeTravel: () => reject(new Error('no event of the one stream comes late')),
      failed: reject,
    })
  })
  const publishes = Array.from({ length: 30 }, (_, at) => [first.publish([{ tags: [], event: `first ${at}` }]), second.publish([{ tags: [], event: `second ${at}` }])])
  const metas = (await Promise.all(publishes.flat())).flat()
  await both
  expect(metas.map(({ offset }) => offset).toSorted((a, b) => a - b)).toEqual(Array.from({ length: 60 }, (_, at) => at))
  expect(await payloads(first.query({}))).toEqual(given)
})

test('[G6] a swarm that this profile has no data of is refused by name', async () => {
  const node = await open({ found: true })
  const other = node.swarm.replace(/./g, (digit) => (digit === '0' ? '1' : '0')) as typeof node.swarm
  await expect(openNode({ swarm: other })).rejects.toMatchObject({ code: 'SWARM-UNKNOWN' })
  await expect(openNode({ invitation: 'not one' })).rejects.toMatchObject({ code: 'INVITATION-INVALID' })
})

test('[G9] an invitation names the swarm, and a second profile joins it above its Lamport time', async () => {
  const node = await open({ found: true, name: 'Press 1' })
  await node.publish([{ tags: [], event: 1 }])
  const invitation = await node.invite()
  await node.close()
  await new Promise<void>((resolve, reject) => {
    const request = indexedDB.deleteDatabase(`millpond-${node.swarm}`)
    request.onsuccess = () => resolve()
    request.onerror = () => reject(request.error ?? new Error('not deleted'))
  })
  const joined = await open({ invitation: `https://hub.example:8443/#${invitation}`, name: 'Press 2' })
  expect(joined.swarm).toBe(node.swarm)
  expect(joined.nodeId).not.toBe(node.nodeId)
  const [meta] = await joined.publish([{ tags: [], event: 2 }])
  expect(meta?.lamport).toBeGreaterThan(2_000)
})
