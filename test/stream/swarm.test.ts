import { expect, test } from 'vitest'
import { bytesToHex, concatBytes } from '../../src/core/bytes.ts'
import { publicKeyToNodeId, streamIdOf, type StreamId } from '../../src/core/ids.ts'
import { encodeUtf8 } from '../../src/core/utf8.ts'
import { webCrypto } from '../../src/node/web-crypto.ts'
import { branchIdOf, chainLine, noLines, startBytes, swarmIdOf } from '../../src/stream/swarm.ts'

const key = new Uint8Array(32).fill(3)
const stream = streamIdOf(publicKeyToNodeId(key), 1)

test('[F35] a swarm id is made of label, founder and chance', async () => {
  const random = new Uint8Array(16).fill(4)
  const hash = await webCrypto.sha256(concatBytes([encodeUtf8('millpond/swarm/1'), key, random]))
  expect(await swarmIdOf(webCrypto, key, random)).toBe(bytesToHex(hash).slice(0, 32))
  await expect(swarmIdOf(webCrypto, key, random.subarray(1))).rejects.toThrow(RangeError)
})

test('[F36] a start is signed over its place in the chain', async () => {
  const swarm = await swarmIdOf(webCrypto, key, new Uint8Array(16))
  const bytes = startBytes(swarm, stream, { offset: 258, previous: new Uint8Array(32).fill(5), lamportBefore: 2 ** 32, chain: new Uint8Array(32).fill(6) })
  expect(bytesToHex(bytes)).toBe(`${bytesToHex(encodeUtf8('millpond/start/2'))}${swarm}${'03'.repeat(32)}00000001${'0000000000000102'}${'05'.repeat(32)}${'0000000100000000'}${'06'.repeat(32)}`)
})

test('[F37] a branch is named by the chain of its lines, whatever it branches from', async () => {
  const [a, b] = [encodeUtf8('a\n'), encodeUtf8('b\n')]
  const chain = await chainLine(webCrypto, await chainLine(webCrypto, noLines, a), b)
  expect(chain).toEqual(await webCrypto.sha256(concatBytes([await webCrypto.sha256(concatBytes([new Uint8Array(32), a])), b])))
  const name = branchIdOf(stream, chain)
  expect(name).toBe(`${stream}~${Buffer.from(chain).toString('base64url').slice(0, 22)}`)
  expect(branchIdOf(`${stream}~${'x'.repeat(22)}` as StreamId, chain)).toBe(name)
})
