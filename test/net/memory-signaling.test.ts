import { describe, expect, test } from 'vitest'
import { equalBytes } from '../../src/core/bytes.ts'
import type { TagOf } from '../../src/net/introduction-id.ts'
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

test('[N3] a page with a wrong tag ends no introduction of the page whose id it borrows', async () => {
  const factory = memoryFactory()
  const idOf = (number: number): Uint8Array => new Uint8Array(16).fill(number)
  const tagOf: TagOf = async (id) => id.map((byte, at) => byte ^ at)
  const open = (number: number, itsTagOf = tagOf) => {
    const closed: string[] = []
    const signaling = factory.open({ swarm: 'a1'.repeat(16), introductionId: idOf(number), tagOf: itsTagOf, timers: factory.timers })
    const met = new Promise<void>((resolve) => {
      let isMet = false
      signaling.start({
        wanted: () => !isMet,
        unreached: () => undefined,
        state: () => undefined,
        met: (introduction) => {
          isMet = true
          introduction.start({ envelope: () => undefined, closed: (reason) => closed.push(reason) })
          resolve()
        },
      })
    })
    return { signaling, met, closed }
  }
  const pages = [open(2), open(1)] as const
  await Promise.all(pages.map(({ met }) => met))
  const stranger = open(1, async (id) => (equalBytes(id, idOf(1)) ? new Uint8Array(32) : tagOf(id)))
  await stranger.met
  await new Promise<void>((resolve) => factory.timers.after(500, resolve))
  expect([...pages, stranger].map(({ closed }) => closed)).toEqual([[], [], ['closed by peer']])
  for (const { signaling } of [...pages, stranger]) await signaling.close()
})
