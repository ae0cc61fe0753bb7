import { describe, expect, test } from 'vitest'
import { createMemoryNetwork } from '../../src/net/memory-transport.ts'
import type { Transport } from '../../src/net/transport.ts'
import { brokenTransports } from '../contract/broken-transport.ts'
import { transportContract } from '../contract/transport.contract.ts'
import type { TransportFactory } from '../contract/transport.contract.ts'
import { realTimers } from './real-timers.ts'

const memoryFactory = (plant: (transport: Transport) => Transport = (transport) => transport, patienceMs = 5000): TransportFactory => {
  const network = createMemoryNetwork({ timers: realTimers })
  return {
    pair: async () => {
      const [near, far] = network.connectPair()
      return [plant(near), plant(far)]
    },
    raw: async () => {
      const { transport, send } = network.connectRaw()
      return { transport: plant(transport), send }
    },
    patienceMs,
  }
}

describe('the memory twin keeps the contract', () => {
  for (const { rule, title, run } of transportContract) {
    test(`[${rule}] ${title}`, async () => {
      expect.hasAssertions()
      await run(memoryFactory())
    })
  }
})

describe('the contract catches each planted fault at its rule', () => {
  for (const { rule, fault, plant } of brokenTransports) {
    test(`[${rule}] ${fault}`, async () => {
      const verdicts = await Promise.allSettled(transportContract.filter((each) => each.rule === rule).map(({ run }) => run(memoryFactory(plant, 300))))
      expect(verdicts.map(({ status }) => status)).toContain('rejected')
    })
  }
})
