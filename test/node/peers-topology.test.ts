import { expect, test } from 'vitest'
import { publicKeyToNodeId, type NodeId } from '../../src/core/ids.ts'
import { Neighbourhood } from '../../src/node/peers-topology.ts'
import { createRandom } from '../random.ts'

const random = createRandom(8)
const [self = '' as NodeId, ...others] = Array.from({ length: 200 }, () => publicKeyToNodeId(random.bytes(32)))

test('[R71] whom to be connected with is worked out once for all who are asked about in turn, and anew when it may be another', () => {
  let nowMs = 0
  let asked = 0
  const connected: NodeId[] = []
  const known = () => {
    asked++
    return others
  }
  const neighbourhood = new Neighbourhood({ nodeId: self, known, connected: () => connected, mayTry: () => true, nowMs: () => nowMs })
  const wanted = (): readonly NodeId[] => others.filter((nodeId) => neighbourhood.wants(nodeId))
  const first = wanted()
  expect([first.length, asked]).toEqual([6, 1])
  connected.push(...others.filter((nodeId) => !first.includes(nodeId)).slice(0, 2))
  expect(wanted()).toEqual(expect.arrayContaining(connected))
  expect(asked).toBe(2)
  nowMs = 100
  wanted()
  neighbourhood.met(self)
  wanted()
  expect(asked).toBe(4)
})
