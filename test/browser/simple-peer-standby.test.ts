import { describe, expect, test } from 'vitest'
import { connector } from './simple-peer-pair.ts'
import { standbyContract, type StandbyFactory } from '../contract/standby.contract.ts'

const { standbys } = connector
if (standbys === undefined) throw new Error('simple-peer makes standbys')
const factory: StandbyFactory = { caller: standbys, listener: standbys, passTry: () => new Promise(() => undefined) }

describe('standbys over simple-peer keep the contract', () => {
  for (const { rule, title, run } of standbyContract) {
    test(`[${rule}] ${title}`, { timeout: 60_000 }, async () => {
      expect.hasAssertions()
      await run(factory)
    })
  }
})

test('[T12] this browser lets a caller return', async () => {
  expect(await standbys.returnAllowed()).toBe(true)
})

test('[T11] offers carry no candidates, answers all: a listener that knows one gives up', async () => {
  const call = await standbys.call()
  const listener = await standbys.listen(call.offer, { opened: () => undefined, failed: () => undefined })
  const [offer, answer] = [call.offer, listener.answer].map((bytes) => new TextDecoder().decode(bytes))
  expect(offer).not.toContain('a=candidate')
  expect(answer).toContain('a=candidate')
  expect(listener.addresses[0]).toMatch(/\.local|\d/)
  call.close()
  listener.close()
})

test('[R12] what is no offer is refused at once, and its connection given back', async () => {
  const candidate = { type: 'candidate', candidate: { candidate: 'candidate:1 1 udp 1 192.168.1.1 9 typ host', sdpMLineIndex: 0, sdpMid: '0' } }
  for (const signal of ['nothing', JSON.stringify(candidate)]) {
    const listening = standbys.listen(new TextEncoder().encode(signal), { opened: () => undefined, failed: () => undefined })
    await expect(listening).rejects.toThrow('not an offer')
  }
})
