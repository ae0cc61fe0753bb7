import { expect, test } from 'vitest'
import { publicKeyToNodeId, type NodeId } from '../../src/core/ids.ts'
import { createRelaySignaling } from '../../src/net/relay-signaling.ts'
import type { Introduction, MeshRoad } from '../../src/net/signaling.ts'
import type { Envelope } from '../../src/protocol/message.ts'
import { createTestWorld } from '../environment.ts'

const nodeOf = (number: number): NodeId => publicKeyToNodeId(new Uint8Array(32).fill(number))
const self = nodeOf(0)

test('[R53] who greets under many names leaves room for introductions that are begun here', async () => {
  const world = createTestWorld(3)
  const { environment } = world.profile().openTab()
  let heard: (envelope: Envelope) => void = () => undefined
  const road: MeshRoad = { reachable: () => [nodeOf(200)], say: () => undefined, listen: (handlers) => void (heard = handlers.heard) }
  const signaling = createRelaySignaling({ nodeId: self, road, timers: environment })
  const met: Introduction[] = []
  signaling.start({ wanted: () => true, met: (introduction) => void met.push(introduction), state: () => undefined, unreached: () => undefined })
  for (let second = 0; second < 30; second++) {
    for (let name = 1; name <= 100; name++) heard({ from: nodeOf(name), to: self, nonce: environment.randomBytes(16), content: new Uint8Array(40), signature: new Uint8Array(64) })
    await world.advance(1000)
  }
  expect(met.filter(({ opened }) => !opened).length).toBeLessThanOrEqual(2 * 16)
  expect(met.filter(({ opened }) => opened).map(({ node }) => node)).toContain(nodeOf(200))
  await signaling.close()
})
