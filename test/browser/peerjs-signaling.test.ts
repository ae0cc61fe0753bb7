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

test('[G7] an offer of a stranger at the hub makes no peer connection, and one of a page to be met does', { timeout: 30_000 }, async () => {
  const { url } = await startHub()
  const swarm = swarmOf('b2'.repeat(16))
  const { RTCPeerConnection: Original } = globalThis
  let count = 0
  globalThis.RTCPeerConnection = class extends Original {
    constructor(configuration?: RTCConfiguration) {
      super(configuration)
      count++
    }
  }
  onTestFinished(() => void (globalThis.RTCPeerConnection = Original))
  const idOf = (number: string, tag: string) => `${swarm}-${number.repeat(16)}-${tag.repeat(8)}`
  const { promise: ready, resolve } = Promise.withResolvers<void>()
  const signaling = createPeerjsSignaling({
    url, swarm, introductionId: new Uint8Array(16).fill(9), tagOf: async (id) => id, stunUrls: () => [], timers: { ...timers, randomBytes: (bytes) => new Uint8Array(bytes).fill(9) },
  })
  onTestFinished(() => signaling.close())
  signaling.start({ wanted: () => false, unreached: () => undefined, met: () => undefined, state: ({ type }) => type === 'ready' && resolve() })
  await ready
  const described = new Original()
  described.createDataChannel('intro')
  const { type, sdp } = await described.createOffer()
  described.close()
  const payload = { type: 'data', connectionId: 'dc_1', label: 'intro', serialization: 'raw', reliable: true, sdp: { type, sdp } }
  const offers = async (id: string): Promise<WebSocket> => {
    const socket = await register(url, id, 'token')
    for (let at = 0; at < 5; at++) socket.send(JSON.stringify({ type: 'OFFER', dst: idOf('09', '09'), payload: { ...payload, connectionId: `dc_${at}` } }))
    return socket
  }
  await offers(idOf('03', '07'))
  const welcome = await offers(idOf('03', '03'))
  await new Promise<void>((answered) => {
    welcome.onmessage = ({ data }) => /"ANSWER"/.test(String(data)) && answered()
  })
  expect(count).toBeLessThanOrEqual(5)
  expect(count).toBeGreaterThan(0)
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
  await register(url, `${swarm}-${'02'.repeat(16)}-${'02'.repeat(8)}`, '02'.repeat(8))
  const { promise, resolve } = Promise.withResolvers<string>()
  await open(2, () => resolve('met'))
  await open(1, () => undefined)
  expect(await promise).toBe('met')
})
