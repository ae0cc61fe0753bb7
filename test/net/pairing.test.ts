import { describe, expect, test } from 'vitest'
import { memoryForm } from '../../src/net/memory-pairing.ts'
import { createMemoryNetwork } from '../../src/net/memory-transport.ts'
import { createPairingConnector, pairingMs, type PairingHandlers } from '../../src/net/pairing.ts'
import type { Transport } from '../../src/net/transport.ts'
import type { EndDescription } from '../../src/protocol/pairing.ts'
import { createTestWorld } from '../environment.ts'

const createEnds = () => {
  const world = createTestWorld()
  const timers = { nowMicros: () => world.nowMs() * 1000, after: world.after }
  const network = createMemoryNetwork({ timers, attemptMs: 10 * 60_000 })
  const connector = (name: string) => createPairingConnector({ begin: network.connector(name).begin, form: memoryForm, timers })
  return { world, timers, network, a: connector('a'), b: connector('b') }
}

/** What an end was told. */
const createHeard = () => {
  const heard: { own?: EndDescription; waitMs?: number; transport?: Transport; readonly failed: string[] } = { failed: [] }
  const handlers: PairingHandlers = {
    described: (own, waitMs) => Object.assign(heard, { own, waitMs }),
    opened: (transport) => Object.assign(heard, { transport }),
    failed: (code, detail) => heard.failed.push(`${code} ${detail}`),
  }
  return { heard, handlers }
}

const given = <T>(value: T | undefined): T => {
  if (value === undefined) throw new Error('nothing came')
  return value
}

describe('pairing', () => {
  test('[R83] one description in each direction makes a connection; who showed the offer dialled', async () => {
    const { world, a, b } = createEnds()
    const [first, second] = [createHeard(), createHeard()]
    const offer = a.offer(first.handlers)
    await world.advance(pairingMs.gather)
    expect(first.heard.waitMs).toBe(120_000)
    await world.advance(100_000)
    b.answer(given(first.heard.own), second.handlers)
    await world.advance(pairingMs.gather)
    expect(second.heard.waitMs).toBe(60_000)
    offer.accept(given(second.heard.own))
    await world.settle()
    expect([first.heard.transport?.dialled, second.heard.transport?.dialled]).toEqual([true, false])
    await world.advance(10 * 60_000)
    expect([...first.heard.failed, ...second.heard.failed]).toEqual([])
  })

  test('[R83] without any candidate it ends after 10 s, or as soon as the browser has no more', async () => {
    const { world, timers } = createEnds()
    const never = { describe: () => undefined, signalOf: memoryForm.signalOf }
    const [slow, quick] = [createHeard(), createHeard()]
    createPairingConnector({ begin: () => ({ signal: () => undefined, cancel: () => undefined }), form: never, timers }).offer(slow.handlers)
    createPairingConnector({ begin: (_, __, gathered) => { timers.after(5, gathered); return { signal: () => undefined, cancel: () => undefined } }, form: never, timers }).offer(quick.handlers)
    await world.advance(10)
    expect([quick.heard.failed, slow.heard.failed]).toEqual([['PAIR-NO-ADDRESS no candidate at all'], []])
    await world.advance(pairingMs.describe)
    expect(slow.heard.failed).toEqual(['PAIR-NO-ADDRESS no candidate in time'])
  })

  test('[R83] what the browser has gathered is told at once, else 1.5 s after the first candidate, with those that came until then', async () => {
    const { world, timers } = createEnds()
    const ports = (...times: readonly number[]) => (_: boolean, handlers: { readonly signal: (data: Uint8Array) => void }, gathered: () => void) => {
      for (const [at, ms] of times.entries()) timers.after(ms, () => handlers.signal(Uint8Array.of(at + 1)))
      timers.after(3_000, gathered)
      return { signal: () => undefined, cancel: () => undefined }
    }
    const form = { ...memoryForm, describe: (signals: readonly Uint8Array[]): EndDescription | undefined => signals.length === 0 ? undefined : { ufrag: '', password: '', fingerprint: new Uint8Array(32), candidates: signals.map(([port = 0]) => ({ type: 'ipv4', address: new Uint8Array(4), port })) } }
    const late = createHeard()
    createPairingConnector({ begin: ports(100, 1_000, 2_000), form, timers }).offer(late.handlers)
    await world.advance(1_599)
    expect(late.heard.own).toBeUndefined()
    await world.advance(1)
    expect(late.heard.own?.candidates.map(({ port }) => port)).toEqual([1, 2])
    const done = createHeard()
    createPairingConnector({ begin: ports(2_900), form, timers }).offer(done.handlers)
    await world.advance(3_000)
    expect(done.heard.own?.candidates.map(({ port }) => port)).toEqual([1])
  })

  test('[R83] an offer waits two minutes, an answer one and the time to connect', async () => {
    const { world, a, b } = createEnds()
    const [first, second] = [createHeard(), createHeard()]
    a.offer(first.handlers)
    await world.advance(pairingMs.gather)
    b.answer(given(first.heard.own), second.handlers)
    await world.advance(pairingMs.gather + pairingMs.answer + pairingMs.connect)
    expect([first.heard.failed, second.heard.failed]).toEqual([[], ['PAIR-LATE not used in time']])
    await world.advance(pairingMs.offer)
    expect(first.heard.failed).toEqual(['PAIR-LATE not used in time'])
  })

  test('[R83] where no packet comes through, both ends say so 15 s after the codes', async () => {
    const { world, network, a, b } = createEnds()
    const [first, second] = [createHeard(), createHeard()]
    const offer = a.offer(first.handlers)
    await world.advance(pairingMs.gather)
    b.answer(given(first.heard.own), second.handlers)
    await world.advance(pairingMs.gather)
    network.cut('a', 'b')
    offer.accept(given(second.heard.own))
    await world.advance(pairingMs.connect)
    expect(first.heard.failed).toEqual(['PAIR-UNREACHABLE timeout'])
    await world.advance(pairingMs.answer)
    expect(second.heard.failed).toEqual(['PAIR-LATE not used in time'])
  })

  test('[R83] what is given up calls nobody any more', async () => {
    const { world, a } = createEnds()
    const { heard, handlers } = createHeard()
    a.offer(handlers).cancel()
    await world.advance(10 * 60_000)
    expect(heard).toEqual({ failed: [] })
  })
})
