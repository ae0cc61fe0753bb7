import { expect, onTestFinished, test } from 'vitest'
import { commands } from 'vitest/browser'
import { createPeerjsSignaling } from '../../src/net/peerjs-signaling.ts'
import { createSimplePeerConnector } from '../../src/net/simple-peer-transport.ts'
import { createBrowserEnvironment } from '../../src/node/browser-environment.ts'
import type { Swarm } from '../../src/node/crypto.ts'
import { webCrypto } from '../../src/node/web-crypto.ts'
import { swarmIdOf } from '../../src/stream/swarm.ts'
import { areConnected, identityOf, openPeersPage, type PeersPage } from '../node/peers-page.ts'
import { createRandom } from '../random.ts'
import { startHub } from './hub.ts'

const openPages = async (url: string, count: number): Promise<readonly PeersPage[]> => {
  const random = createRandom(1)
  const [founder, salt] = [random.bytes(32), random.bytes(16)]
  const swarm: Swarm = { id: await swarmIdOf(webCrypto, founder, salt), key: random.bytes(32), founder, random: salt }
  const key = await webCrypto.derive(swarm.key, swarm.id, 'intro')
  const tagOf = (id: Uint8Array) => webCrypto.hmac(key, id)
  const environment = createBrowserEnvironment()
  const stunUrls = () => []
  const connector = createSimplePeerConnector({ stunUrls, timers: environment })
  const identities = await Promise.all(Array.from({ length: count }, () => identityOf(random.bytes(32))))
  const pages = identities.map((identity, at) => {
    const introductionId = random.bytes(16)
    const signaling = createPeerjsSignaling({ url, swarm: swarm.id, introductionId, tagOf, stunUrls, timers: environment })
    return openPeersPage({ environment, crypto: webCrypto, swarm, introductionId, connector, signaling }, `page ${at}`, identity)
  })
  onTestFinished(async () => {
    for (const { peers } of pages) await peers.close()
  })
  return pages
}

test('[G3] three pages meet through a hub, become a full mesh over WebRTC, and stay one without the hub', { timeout: 60_000 }, async () => {
  const { url, port } = await startHub()
  const pages = await openPages(url, 3)
  await expect.poll(() => areConnected(...pages), { timeout: 30_000 }).toBe(true)
  await commands.stopHub(port)
  await expect.poll(() => pages.map(({ hubStates }) => hubStates.at(-1)?.type), { timeout: 10_000 }).toEqual(['unreachable', 'unreachable', 'unreachable'])
  expect(areConnected(...pages)).toBe(true)
  // One is closed by its session's end: both ends hear it at once, and come together again when the hub is back.
  const [first, second] = pages
  first?.connections().find(({ nodeId }) => nodeId === second?.nodeId)?.transport.close('lost')
  await expect.poll(() => areConnected(...pages), { timeout: 5000 }).toBe(false)
  await commands.startHub(port)
  await expect.poll(() => areConnected(...pages), { timeout: 30_000 }).toBe(true)
  expect(pages.map(({ connections }) => connections().length)).toEqual([2, 2, 2])
})
