import { describe, expect, test } from 'vitest'
import { createMemoryNetwork, type MemoryNetwork } from '../../src/net/memory-transport.ts'
import type { StandbyConnector } from '../../src/net/transport.ts'
import { brokenStandbys } from '../contract/broken-standby.ts'
import { standbyContract, type StandbyFactory } from '../contract/standby.contract.ts'
import { createTestWorld } from '../environment.ts'

const standbysOf = (network: MemoryNetwork, name: string, refusesReturn = false): StandbyConnector => {
  const { standbys } = network.connector(name, { refusesReturn })
  if (standbys === undefined) throw new Error('the twin makes standbys')
  return standbys
}

const createNetwork = () => {
  const world = createTestWorld()
  const network = createMemoryNetwork({ timers: { nowMicros: () => Date.now() * 1000, after: world.after } })
  return { world, network }
}

const memoryFactory = (plant: (standbys: StandbyConnector) => StandbyConnector = (standbys) => standbys): StandbyFactory => {
  const { world, network } = createNetwork()
  return { caller: plant(standbysOf(network, 'a')), listener: plant(standbysOf(network, 'b')), passTry: () => world.advance(15_000) }
}

describe('the memory twin keeps the contract', () => {
  for (const { rule, title, run } of standbyContract) {
    test(`[${rule}] ${title}`, async () => {
      expect.hasAssertions()
      await run(memoryFactory())
    })
  }
})

describe('the contract catches each planted fault at its rule', () => {
  for (const { rule, fault, plant } of brokenStandbys) {
    test(`[${rule}] ${fault}`, async () => {
      const verdicts = await Promise.allSettled(standbyContract.filter((each) => each.rule === rule).map(({ run }) => run(memoryFactory(plant))))
      expect(verdicts.map(({ status }) => status)).toContain('rejected')
    })
  }
})

describe('what a test may do to the twin', () => {
  const applied = async (refusesReturn = false) => {
    const { world, network } = createNetwork()
    const told: string[] = []
    const tell = { opened: () => told.push('opened'), failed: (reason: string) => told.push(reason) }
    const call = await standbysOf(network, 'a', refusesReturn).call()
    const listener = await standbysOf(network, 'b').listen(call.offer, { opened: () => undefined, failed: () => undefined })
    return { world, network, told, call, apply: () => call.apply(listener.answer, tell) }
  }

  test('[T13] an answer applied while no way leads there is tried for 15 s', async () => {
    const { world, network, told, apply } = await applied()
    network.cut('a', 'b')
    apply()
    await world.advance(12_000)
    network.heal('a', 'b')
    expect(told).toEqual(['opened'])
    const late = await applied()
    late.network.cut('a', 'b')
    late.apply()
    await late.world.advance(15_000)
    late.network.heal('a', 'b')
    expect(late.told).toEqual(['timeout'])
  })

  test('[T13] a page that was killed does not listen any more', async () => {
    const { world, network, told, apply } = await applied()
    network.kill('b')
    apply()
    await world.advance(15_000)
    expect(told).toEqual(['timeout'])
  })

  test('[T12] a browser may refuse the return, not the standby', async () => {
    const { world, network, told, call, apply } = await applied(true)
    const standbys = standbysOf(network, 'a', true)
    expect(await standbys.returnAllowed()).toBe(false)
    await expect(standbys.call(call.keys)).rejects.toMatchObject({ code: 'NET-FAILED' })
    apply()
    await world.settle()
    expect(told).toEqual(['opened'])
  })
})
