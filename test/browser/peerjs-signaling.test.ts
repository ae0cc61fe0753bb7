import { describe, expect, onTestFinished, test } from 'vitest'
import { commands } from 'vitest/browser'
import { parseSwarmId } from '../../src/core/ids.ts'
import { createPeerjsSignaling } from '../../src/net/peerjs-signaling.ts'
import { signalingContract } from '../contract/signaling.contract.ts'
import type { SignalingFactory } from '../contract/signaling.contract.ts'
import { fasterTimers } from '../net/real-timers.ts'
import { createRandom } from '../random.ts'
import { startHub } from './hub.ts'

// A hub answers and WebRTC connects in a few hundred milliseconds: time may pass five times as fast.
const timers = fasterTimers(5)

/** A socket that is registered, and says nothing. */
const register = (url: string, id: string, token: string): Promise<WebSocket> =>
  new Promise((resolve, reject) => {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/introduce/peerjs?key=millpond&id=${id}&token=${token}`)
    socket.onmessage = () => resolve(socket)
    socket.onerror = () => reject(new Error('the hub takes no socket'))
    onTestFinished(() => socket.close())
  })

const swarmOf = (text: string) => {
  const swarm = parseSwarmId(text)
  if (swarm === undefined) throw new Error('not a swarm id')
  return swarm
}

const peerjsFactory = async (): Promise<SignalingFactory> => {
  const random = createRandom(1)
  const { port, url } = await startHub()
  return {
    open: ({ swarm, timers: itsTimers, ...options }) =>
      createPeerjsSignaling({ ...options, url, swarm: swarmOf(swarm), stunUrls: () => [], timers: { ...itsTimers, randomBytes: random.bytes } }),
    stopHub: () => commands.stopHub(port),
    startHub: async () => void (await commands.startHub(port)),
    pretend: async (id) => void (await register(url, id, 'none')),
    timers,
    patienceMs: 15_000,
  }
}

describe('peerjs with a PeerServer keeps the contract', () => {
  for (const { rule, title, run } of signalingContract) {
    test(`[${rule}] ${title}`, { timeout: 30_000 }, async () => {
      expect.hasAssertions()
      await run(await peerjsFactory())
    })
  }
})

test('[N5] a hub that still holds the last socket of a page, and so confirms nothing, takes the new one', { timeout: 30_000 }, async () => {
  const { url } = await startHub()
  const swarm = swarmOf('a1'.repeat(16))
  const tagOf = async (id: Uint8Array) => id
  const open = (number: number, met: () => void) => {
    const signaling = createPeerjsSignaling({
      url, swarm, introductionId: new Uint8Array(16).fill(number), tagOf, stunUrls: () => [], timers: { ...timers, randomBytes: (count) => new Uint8Array(count).fill(number) },
    })
    onTestFinished(() => signaling.close())
    const { promise, resolve } = Promise.withResolvers<void>()
    signaling.start({ wanted: () => true, unreached: () => undefined, met, state: ({ type }) => type === 'ready' && resolve() })
    return promise
  }
  await register(url, `${swarm}-${'02'.repeat(16)}-${'02'.repeat(8)}`, '02'.repeat(16))
  const { promise, resolve } = Promise.withResolvers<string>()
  await open(2, () => resolve('met'))
  await open(1, () => undefined)
  expect(await promise).toBe('met')
})
