import { describe, expect, test } from 'vitest'
import { createMemoryNetwork } from '../../src/net/memory-transport.ts'
import { createMemoryHub } from '../../src/net/memory-signaling.ts'
import { parseSwarmId } from '../../src/core/ids.ts'
import { createRandom } from '../random.ts'
import { brokenSignalings } from '../contract/broken-signaling.ts'
import { signalingContract } from '../contract/signaling.contract.ts'
import type { SignalingFactory } from '../contract/signaling.contract.ts'
import { fasterTimers } from './real-timers.ts'

const memoryFactory = (patienceMs = 5000): SignalingFactory => {
  const timers = fasterTimers(40)
  const random = createRandom(1)
  const chance = { randomBytes: (count: number) => random.bytes(count) }
  const network = createMemoryNetwork({ timers })
  const hub = createMemoryHub(network, { ...timers, ...chance })
  let count = 0
  return {
    open: ({ swarm, timers: itsTimers, ...options }) => {
      const id = parseSwarmId(swarm)
      if (id === undefined) throw new Error('not a swarm id')
      return hub.signaling({ ...options, swarm: id, name: `page ${++count}`, timers: { ...itsTimers, ...chance } })
    },
    stopHub: async () => hub.off(),
    startHub: async () => hub.on(),
    pretend: async (id) => hub.pretend(id),
    timers,
    patienceMs,
  }
}

describe('the memory twin keeps the contract', () => {
  for (const { rule, title, run } of signalingContract) {
    test(`[${rule}] ${title}`, async () => {
      expect.hasAssertions()
      await run(memoryFactory())
    })
  }
})

describe('the contract catches each planted fault at its rule', () => {
  for (const { rule, fault, plant } of brokenSignalings) {
    test(`[${rule}] ${fault}`, async () => {
      const verdicts = await Promise.allSettled(signalingContract.filter((each) => each.rule === rule).map(({ run }) => run(plant(memoryFactory(1500)))))
      expect(verdicts.map(({ status }) => status)).toContain('rejected')
    })
  }
})
