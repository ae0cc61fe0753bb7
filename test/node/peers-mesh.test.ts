import { expect, test } from 'vitest'
import { createRelaySignaling } from '../../src/net/relay-signaling.ts'
import type { MeshRoad } from '../../src/net/signaling.ts'
import type { Connector } from '../../src/net/transport.ts'
import type { NodeId } from '../../src/core/ids.ts'
import type { Envelope } from '../../src/protocol/message.ts'
import { areConnected, openPeersPage, type PeersPage } from './peers-page.ts'
import { createPeersWorld, type PeersWorld } from './peers-world.ts'

/** Others that carry envelopes: what was said is recorded, and delivered while `carries`. */
class Road {
  readonly said: Envelope[] = []
  readonly #listeners = new Map<NodeId, Parameters<MeshRoad['listen']>[0]>()
  carries: (envelope: Envelope) => boolean = () => true

  of(own: NodeId): MeshRoad {
    return {
      reachable: () => [...this.#listeners.keys()].filter((nodeId) => nodeId !== own),
      say: (envelope) => {
        this.said.push(envelope)
        if (this.carries(envelope)) queueMicrotask(() => this.deliver(envelope))
      },
      listen: (handlers) => void this.#listeners.set(own, handlers),
    }
  }

  deliver(envelope: Envelope): void {
    this.#listeners.get(envelope.to)?.heard(envelope)
  }
}

interface MeshPage extends PeersPage {
  /** Attempts to connect that this page has begun. */
  readonly attempts: () => number
}

const openPage = (here: PeersWorld, road: Road, at: number): MeshPage => {
  const identity = here.identities[at]
  if (identity === undefined) throw new Error('no identity')
  const { environment } = here.world.profile().openTab()
  const name = `page ${at}`
  const { begin } = here.network.connector(name)
  let attempts = 0
  const connector: Connector = {
    begin: (dialled, handlers) => {
      attempts++
      return begin(dialled, handlers)
    },
  }
  const signaling = createRelaySignaling({ nodeId: identity.nodeId, road: road.of(identity.nodeId), timers: environment })
  const devices = { environment, crypto: here.crypto, swarm: here.swarm, introductionId: environment.randomBytes(16), connector, signaling }
  return { ...openPeersPage(devices, name, identity), attempts: () => attempts }
}

const openTwo = async (): Promise<{ readonly here: PeersWorld; readonly road: Road; readonly a: MeshPage; readonly b: MeshPage }> => {
  const here = await createPeersWorld()
  const road = new Road()
  return { here, road, a: openPage(here, road, 0), b: openPage(here, road, 1) }
}

test('[R53] two nodes meet over the mesh, the smaller id begins and dials', async () => {
  const { here, road, a, b } = await openTwo()
  await here.world.until(() => areConnected(a, b), 10_000)
  expect([road.said[0]?.from, a.attempts(), b.attempts()]).toEqual([a.nodeId, 1, 1])
  expect(here.network.connections().length).toBe(1)
  await here.world.advance(30_000)
  expect([a.attempts(), b.attempts(), a.notices, b.notices]).toEqual([1, 1, [], []])
})

test('[N2] where the smaller does not begin, the larger does after a while', async () => {
  const { here, road, a, b } = await openTwo()
  road.carries = ({ from }) => from === b.nodeId || road.said.some((envelope) => envelope.from === b.nodeId)
  await here.world.until(() => areConnected(a, b), 40_000)
  expect(here.world.nowMs()).toBeGreaterThan(8000)
})

test('[R53] all that two nodes ever said to each other, said again by somebody, begins no attempt and is nobody’s fault', async () => {
  const { here, road, a, b } = await openTwo()
  await here.world.until(() => areConnected(a, b), 10_000)
  const old = [...road.said]
  here.network.drop('page 0', 'page 1')
  road.carries = () => false
  await here.world.advance(1000)
  const before = [a.attempts(), b.attempts()]
  for (let round = 0; round < 20; round++) {
    for (const envelope of old) road.deliver(envelope)
    await here.world.advance(3000)
  }
  expect([a.attempts(), b.attempts()]).toEqual(before)
  expect([...a.notices, ...b.notices].filter(({ code }) => code !== 'connection-failed')).toEqual([])
  road.carries = () => true
  await here.world.until(() => areConnected(a, b), 60_000)
})

test('[R53] an envelope by one that is no member, or that is for another, is dropped without a word', async () => {
  const { here, road, a, b } = await openTwo()
  await here.world.until(() => areConnected(a, b), 10_000)
  const [first] = road.said
  if (first === undefined) throw new Error('nothing was said')
  const count = road.said.length
  const stranger = here.identities[2]
  for (const change of [{ content: first.content.map((byte) => byte ^ 1) }, { from: stranger?.nodeId ?? first.from }, { nonce: new Uint8Array(16) }]) road.deliver({ ...first, ...change, to: b.nodeId })
  await here.world.advance(40_000)
  expect([road.said.length, b.attempts(), b.notices, areConnected(a, b)]).toEqual([count, 1, [], true])
})
