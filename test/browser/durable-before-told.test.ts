import { afterEach, expect, test } from 'vitest'
import { createMemoryHub } from '../../src/net/memory-signaling.ts'
import { createMemoryNetwork } from '../../src/net/memory-transport.ts'
import { createSimplePeerConnector } from '../../src/net/simple-peer-transport.ts'
import { createBrowserEnvironment } from '../../src/node/browser-environment.ts'
import { connectParts } from '../../src/node/connect.ts'
import { createNode } from '../../src/node/create-node.ts'
import type { Swarm } from '../../src/node/crypto.ts'
import { foundSwarm } from '../../src/node/membership.ts'
import { copiesOfOwn, type Node } from '../../src/node/node.ts'
import { webCrypto } from '../../src/node/web-crypto.ts'
import { openIdbTables } from '../../src/store/idb-tables.ts'
import type { Tables } from '../../src/store/tables.ts'
import { createEventStore } from '../../src/store/tables-event-store.ts'
import { startRecorder, type Recorder } from './durability-recorder.ts'

// Two nodes in this page, each with a database of its own, met in memory, connected over WebRTC.

const opened: { readonly node: Node; readonly database: string }[] = []
let recorder: Recorder | undefined

afterEach(async () => {
  recorder?.stop()
  for (const { node } of opened) await node.close()
  for (const { database } of opened.splice(0)) indexedDB.deleteDatabase(database)
})

const openTwo = async (swarm: Swarm, through: (tables: Tables) => Tables = (tables) => tables) => {
  const timers = createBrowserEnvironment()
  const hub = createMemoryHub(createMemoryNetwork({ timers }), timers)
  const open = async (name: string) => {
    const environment = createBrowserEnvironment()
    const database = `durable-${name}-${swarm.id}`
    const store = createEventStore(through(await openIdbTables(database)), swarm.id)
    const network = {
      parts: connectParts,
      connector: createSimplePeerConnector({ stunUrls: () => [], timers: environment }),
      signalings: ({ introductionId, key }: { readonly introductionId: Uint8Array; readonly key: Uint8Array }) =>
        [['memory:hub', hub.signaling({ name, swarm: swarm.id, introductionId, tagOf: (id) => webCrypto.hmac(key, id) })]] as const,
    }
    const node = await createNode({ store, crypto: webCrypto, environment, network }, { swarm, name, scope: database })
    opened.push({ node, database })
    recorder?.isOf(database, node.nodeId)
    return node
  }
  const nodes = [await open('a'), await open('b')] as const
  await expect.poll(() => nodes.map((node) => node.status().peers.map(({ state }) => state)), { timeout: 20_000 }).toEqual([['connected'], ['connected']])
  return nodes
}

/** Publishes in rounds of concurrent calls on both, and tells the recorder what callers and subscribers were told. */
const publishAll = async (nodes: readonly [Node, Node], rounds: number, perRound: number) => {
  for (const node of nodes) {
    node.subscribe({}, {
      events: (events) => {
        for (const { meta } of events) if (meta.isLocalEvent) recorder?.told(node.nodeId, meta.stream, meta.offset + 1, 'subscriber')
      },
      timeTravel: () => {},
      failed: (error) => expect.unreachable(error.message),
    })
  }
  for (let round = 0; round < rounds; round++) {
    const publishes = Array.from({ length: perRound }, async (_, at) => {
      const node = nodes[at % 2] ?? nodes[0]
      for (const { stream, offset } of await node.publish([{ tags: ['t'], event: { round, at, pad: '.'.repeat(200) } }])) recorder?.told(node.nodeId, stream, offset + 1, 'publish')
    })
    await Promise.all(publishes)
  }
}

test('[G2] over 1,000 publishes each own event left after the complete of a strict transaction that holds it, each have after one that covers it', { timeout: 60_000 }, async () => {
  const { swarm } = await foundSwarm(webCrypto, (count) => crypto.getRandomValues(new Uint8Array(count)))
  recorder = startRecorder()
  const nodes = await openTwo(swarm)
  await publishAll(nodes, 100, 10)
  await expect.poll(() => nodes.map((node) => copiesOfOwn(node.status())), { timeout: 20_000 }).toEqual([2, 2])
  // Callers are told of each by itself, subscribers of many at a time.
  await expect.poll(() => recorder?.counts().told, { timeout: 20_000 }).toBeGreaterThanOrEqual(2_000)
  expect(recorder.faults()).toEqual([])
  const counts = recorder.counts()
  expect(counts.ownSegments).toBeGreaterThan(100)
  expect(counts.haves).toBeGreaterThan(2)
  expect(counts.relaxed).toBeGreaterThan(0)
})

test('[G2] the recording finds a store that says relaxed transactions were strict', { timeout: 60_000 }, async () => {
  const { swarm } = await foundSwarm(webCrypto, (count) => crypto.getRandomValues(new Uint8Array(count)))
  recorder = startRecorder()
  const nodes = await openTwo(swarm, (tables) => ({ ...tables, run: (options, work) => tables.run({ ...options, durability: 'relaxed' }, work) }))
  await publishAll(nodes, 3, 4)
  await expect.poll(() => nodes.map((node) => copiesOfOwn(node.status())), { timeout: 20_000 }).toEqual([2, 2])
  const found = new Set(recorder.faults().map((fault) => fault.slice(0, fault.indexOf(':'))))
  expect([...found].toSorted((a, b) => (a < b ? -1 : 1))).toEqual(['have', 'publish', 'segment', 'subscriber'])
})
