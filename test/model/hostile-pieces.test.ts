import { beforeAll, expect, test } from 'vitest'
import { bytesToBase64Url, concatBytes, equalBytes, hexToBytes } from '../../src/core/bytes.ts'
import { publicKeyToNodeId, streamIdOf, type StreamId } from '../../src/core/ids.ts'
import { createProofs } from '../../src/node/replication-proof.ts'
import { webCrypto } from '../../src/node/web-crypto.ts'
import { sealBatches } from '../../src/stream/seal.ts'
import { emptyBase } from '../../src/stream/segment.ts'
import { holdsSeal, verifyPiece, type ReceivedPiece } from '../../src/stream/verify.ts'
import { hostileBytes } from '../hostile-bytes.ts'
import { swarm } from '../node/replication-world.ts'
import { createRandom } from '../random.ts'
import { pureCrypto, seededIdentity } from '../seeded-crypto.ts'
import { batchesOf } from '../stream/arbitraries.ts'
import { given } from '../stream/given.ts'

const random = createRandom(6_000_611)
const identity = seededIdentity(random.bytes(32))
const stream: StreamId = streamIdOf(identity.nodeId, 0)
const base = emptyBase(stream)
let pieces: readonly ReceivedPiece[]

beforeAll(async () => {
  const { closed, tail } = await sealBatches({ crypto: pureCrypto, signer: pureCrypto.signer(identity), swarm: swarm.id }, base, batchesOf(1, [30_000, 40_000, 500]))
  const [whole, open] = [given(closed[0]), given(tail)]
  pieces = [{ stream, sealed: whole.sealed, firstLine: 0, body: whole.deflated }, { stream, sealed: open.sealed, firstLine: open.first, body: open.lines }]
})

test('[F21] [F27] of 2,000 pieces with changed bytes none is taken but with the bytes that its author sealed', async () => {
  const verdicts = new Map<string, number>()
  for (let run = 0; run < 2_000; run++) {
    const good = given(pieces[run % 2])
    const change = (which: number, bytes: Uint8Array): Uint8Array => (random.chance(which / 4) ? hostileBytes(random, [bytes]) : bytes)
    const piece: ReceivedPiece = { ...good, firstLine: random.chance(0.1) ? random.next() : good.firstLine, sealed: { header: change(1, good.sealed.header), seal: change(1, good.sealed.seal) }, body: change(2, good.body) }
    const same = equalBytes(piece.sealed.header, good.sealed.header) && equalBytes(piece.body, good.body) && equalBytes(piece.sealed.seal, good.sealed.seal)
    const { type } = await verifyPiece(pureCrypto, swarm.id, base, piece)
    verdicts.set(type, (verdicts.get(type) ?? 0) + 1)
    if (type === 'append' && !same) expect.fail(`run ${run} was taken: ${bytesToBase64Url(piece.sealed.header)}`)
  }
  // Nobody but its author can make a segment that is its author's fault, so none is.
  expect([...verdicts.keys()].toSorted()).toEqual(['append', 'misfit', 'newer', 'sender'])
})

const small = ['00', '01', 'ec', 'ed', 'ee'].flatMap((first) => ['00', '80'].map((last) => `${first}${(first === '00' || first === '01' ? '00' : 'ff').repeat(30)}${first === '00' || first === '01' ? last : last === '00' ? '7f' : 'ff'}`))
const order8 = ['26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc', 'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03'].flatMap((start, at) => [`${start}${at === 0 ? '05' : '7a'}`, `${start}${at === 0 ? '85' : 'fa'}`])

test.each([['pure', pureCrypto], ['web', webCrypto]] as const)('[F28] a key of small order seals nothing, whatever the signature (%s)', async (_name, crypto) => {
  const keys = [...small, ...order8].map((hex) => given(hexToBytes(hex)))
  expect(new Set(keys.map(String)).size).toBe(14)
  const header = given(pieces[0]).sealed.header
  for (const key of keys) {
    const zero = new Uint8Array(32)
    for (const r of [key, given(keys[2]), zero]) for (const s of [zero, random.bytes(32)]) {
      expect(await holdsSeal(crypto, streamIdOf(publicKeyToNodeId(key), 0), { header, seal: concatBytes([r, s]) })).toBe(false)
    }
  }
})

test('[R7] of 1,000 proofs with changed bytes none holds, and none of another connection, role or swarm', async () => {
  const transcript = random.bytes(300)
  const { prove, check } = createProofs({ ...pureCrypto, generateIdentity: () => Promise.resolve(identity) }, swarm, identity)
  const { signature, mac } = await prove('d', transcript)
  const claim = { role: 'd', nodeId: identity.nodeId, transcript, signature, mac } as const
  expect(await check(claim)).toBe(true)
  for (let run = 0; run < 1_000; run++) {
    const proof = { ...claim, signature: random.chance(0.5) ? hostileBytes(random, [signature]) : signature, mac: random.chance(0.5) ? hostileBytes(random, [mac]) : mac }
    const same = equalBytes(proof.signature, signature) && equalBytes(proof.mac, mac)
    expect(await check(proof), `run ${run}`).toBe(same)
  }
  const others = [{ ...claim, role: 'a' as const }, { ...claim, transcript: random.bytes(300) }, { ...claim, nodeId: seededIdentity(random.bytes(32)).nodeId }]
  for (const other of others) expect(await check(other)).toBe(false)
})
