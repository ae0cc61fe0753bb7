import { expect, test } from 'vitest'
import { publicKeyToNodeId, type NodeId } from '../../src/core/ids.ts'
import { createMemoryNetwork } from '../../src/net/memory-transport.ts'
import type { Transport } from '../../src/net/transport.ts'
import type { SessionPeer } from '../../src/node/replication-events.ts'
import { createStandbyRecords } from '../../src/node/standby-records.ts'
import { createStandbys } from '../../src/node/standbys.ts'
import type { Standby } from '../../src/protocol/message.ts'
import { createMemoryDisk, openMemoryStore } from '../../src/store/memory-event-store.ts'
import { createTestWorld } from '../environment.ts'
import { swarm } from './replication-world.ts'

const nodeOf = (number: number): NodeId => publicKeyToNodeId(new Uint8Array(32).fill(number))
const [self, near, other] = [nodeOf(1), nodeOf(2), nodeOf(3)]

/** The standbys of one node, whose sessions and budget the test plays. */
const create = async () => {
  const world = createTestWorld(5)
  const { environment } = world.profile().openTab()
  const network = createMemoryNetwork({ timers: environment })
  const connector = network.connector('here').standbys
  if (connector === undefined) throw new Error('the memory network makes standbys')
  const store = openMemoryStore(createMemoryDisk(), swarm.id)
  const taking = new Set<NodeId>()
  const lacking = new Set<NodeId>()
  /** Where the answers of listeners say that they are reached. */
  const addresses: string[] = ['here']
  const sent: (readonly [NodeId, Standby])[] = []
  const counts = new Map<NodeId, number>()
  let taken = 0
  const standbys = createStandbys({
    connector: { ...connector, listen: async (offer, handlers) => ({ ...(await connector.listen(offer, handlers)), addresses: [...addresses] }) }, environment, records: createStandbyRecords(store),
    nodeId: () => self,
    lacks: (peer) => lacking.has(peer),
    mayBegin: () => {
      taken++
      return true
    },
    takes: (peer) => taking.has(peer),
    send: (peer, message) => {
      if (taking.has(peer)) sent.push([peer, message])
      return taking.has(peer)
    },
    opened: () => undefined,
    count: (peer, count) => void counts.set(peer, count),
    returnAllowed: () => undefined,
    notice: () => undefined,
    supervise: () => undefined,
  })
  await standbys.begin()
  const transport = (): Transport => ({ dialled: true, fingerprints: { own: new Uint8Array(32), peer: new Uint8Array(32) }, start: () => undefined, send: () => undefined, bufferedBytes: 0, close: () => undefined })
  const connect = (nodeId: NodeId, introductionId: Uint8Array): Transport => {
    const peer: SessionPeer = { transport: transport(), nodeId, introductionId, name: '', hubs: [], page: 'visible', roundTripMs: undefined, clockSkewMs: undefined, holds: undefined, saidMicros: undefined, lastHeardMs: 0 }
    taking.add(nodeId)
    standbys.connected(peer)
    return peer.transport
  }
  /** The other end answers all offers, and makes two of its own. */
  const agree = async (peer: NodeId): Promise<void> => {
    await world.advance(3000)
    for (const [to, { id, step }] of [...sent]) if (to === peer && step === 'offer') standbys.heard(peer, { type: 'standby', id, step: 'answer', signal: new Uint8Array(1) })
    for (const call of [1, 2]) standbys.heard(peer, { type: 'standby', id: new Uint8Array(16).fill(call), step: 'offer', signal: new TextEncoder().encode(`standby offer ${call}`) })
    await world.advance(3000)
  }
  const onDisk = async () => (await store.listMeta('standby/')).length
  return { world, standbys, taking, lacking, addresses, sent, counts, connect, agree, onDisk, taken: () => taken }
}

test('[R65] to who has not announced them, or is not connected, nothing is offered and nothing of the budget goes', async () => {
  const { world, standbys, taking, sent, connect, taken } = await create()
  const transport = connect(near, new Uint8Array(16))
  taking.delete(near)
  await world.advance(120_000)
  standbys.disconnected(transport, near, 'lost')
  await world.advance(120_000)
  expect([taken(), sent]).toEqual([1, []])
  standbys.close()
})

test('[R66] what ended here while the other was away is said at its next session', async () => {
  const { standbys, taking, addresses, sent, connect, agree } = await create()
  const transport = connect(near, new Uint8Array(16))
  await agree(near)
  taking.delete(near)
  standbys.disconnected(transport, near, 'lost')
  addresses.splice(0, 1, 'elsewhere')
  connect(other, new Uint8Array(16).fill(9))
  await agree(other)
  const endsSaid = () => sent.flatMap(([to, { id, step }]) => (to === near && step === 'end' ? [id[0]] : []))
  expect(endsSaid()).toEqual([])
  connect(near, new Uint8Array(16))
  expect(endsSaid()).toEqual([1, 2])
  standbys.close()
})

test('[R71] who is let go of as unwanted takes its standbys along, from the disk too', async () => {
  const { standbys, taking, counts, connect, agree, onDisk } = await create()
  const transport = connect(near, new Uint8Array(16))
  await agree(near)
  expect([counts.get(near), await onDisk()]).toEqual([4, 2])
  taking.delete(near)
  standbys.disconnected(transport, near, 'unwanted')
  expect([counts.get(near), await onDisk()]).toEqual([0, 0])
  standbys.close()
})

test('[R69] who claims the page of another that is connected does not get at its standbys', async () => {
  const { standbys, counts, connect, agree, onDisk } = await create()
  connect(near, new Uint8Array(16).fill(9))
  await agree(near)
  connect(other, new Uint8Array(16).fill(9))
  expect([counts.get(near), await onDisk()]).toEqual([4, 2])
  standbys.close()
})

test('[R68] that the other end closes the connection is a sign of the network; one from before the connection is none', async () => {
  for (const [reason, left] of [['lost', 2], ['closed by peer', 1]] as const) {
    const { world, standbys, taking, lacking, connect, agree, onDisk } = await create()
    const transport = connect(near, new Uint8Array(16))
    await agree(near)
    taking.delete(near)
    lacking.add(near)
    standbys.disconnected(transport, near, reason)
    await world.advance(3000)
    expect([reason, await onDisk()]).toEqual([reason, left])
    standbys.close()
  }
})

test('[R66] listeners end when a later one has other addresses, not when it tells none that would last', async () => {
  const { standbys, counts, addresses, connect, agree } = await create()
  connect(near, new Uint8Array(16).fill(1))
  await agree(near)
  addresses.length = 0
  connect(other, new Uint8Array(16).fill(2))
  await agree(other)
  expect([counts.get(near), counts.get(other)]).toEqual([4, 4])
  addresses.push('elsewhere')
  standbys.heard(other, { type: 'standby', id: new Uint8Array(16).fill(7), step: 'offer', signal: new TextEncoder().encode('standby offer 7') })
  await expect.poll(() => counts.get(near)).toBe(2)
  expect(counts.get(other)).toBe(4)
  standbys.close()
})
