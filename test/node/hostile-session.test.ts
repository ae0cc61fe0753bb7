import { describe, expect, test } from 'vitest'
import { LAMPORT_MAX } from '../../src/core/lamport.ts'
import { publicKeyToNodeId, streamIdOf, type StreamId } from '../../src/core/ids.ts'
import { encodeMessage } from '../../src/protocol/codec.ts'
import { FRAME_BYTES_MAX } from '../../src/protocol/limits.ts'
import type { Message } from '../../src/protocol/message.ts'
import { hostileBytes } from '../hostile-bytes.ts'
import { samples } from '../protocol/messages.ts'
import { createRandom } from '../random.ts'
import { forgeSegment, lineOf, pushOf } from './forged.ts'
import { encodeHeader } from '../../src/stream/header.ts'
import { createMember, createPuppet, type Puppet } from './replication-puppet.ts'
import { beginSiege, withstand, type Siege } from './siege.ts'
import { swarm } from './replication-world.ts'

const features = ['relay', 'members', 'standby']
const valid = Object.values({ ...samples, hello: { ...samples['hello'], swarm: swarm.id } as Message }).map(encodeMessage)

/** Says all, a hundred at a time as if they were in one buffer, until it is turned away. */
const sayAll = async ({ world }: Siege, puppet: Puppet, messages: Iterable<Uint8Array>): Promise<void> => {
  let count = 0
  for (const bytes of messages) {
    if (puppet.closed.length > 0) return
    puppet.sayBytes(bytes)
    if (++count % 100 === 0) await world.world.settle()
  }
  await world.world.settle()
}

describe('an outsider', { timeout: 30_000 }, () => {
  test('[G7] [R2] frames of any form, whole and without end, are cut off', async () => {
    const siege = await beginSiege(71)
    const random = createRandom(711)
    const { world, node } = siege
    await withstand(siege, async () => {
      for (let run = 0; run < 200; run++) {
        const { transport, send } = world.network.connectRaw('stranger', 'node')
        node.replication.add(transport)
        const more = new Uint8Array(FRAME_BYTES_MAX).fill(1)
        for (let count = 0; count < 20; count++) send(random.chance(0.5) ? more : Uint8Array.of(random.below(3), ...hostileBytes(random, valid)))
        await world.world.settle()
      }
      await world.world.advance(11_000)
      expect(node.peers.size).toBe(1)
    })
    expect(new Set(siege.reported())).toEqual(new Set(['SESSION-ENDED']))
  })

  test('[G7] [R8] 150 that say noise, changed messages and messages in any order are turned away', async () => {
    const siege = await beginSiege(72)
    const random = createRandom(721)
    await withstand(siege, async () => {
      for (let run = 0; run < 150; run++) {
        const puppet = await createPuppet(siege.world, siege.node, { features })
        if (random.chance(0.7)) puppet.say(puppet.hello)
        await sayAll(siege, puppet, Array.from({ length: 12 }, () => (random.chance(0.5) ? hostileBytes(random, valid) : random.pick(valid))))
        await siege.world.world.settle()
      }
      await siege.world.world.advance(11_000)
      expect(siege.node.peers.size).toBe(1)
    })
  })

  test('[G7] [R8] a flood while its proof is being checked is cut off, of empty messages too', async () => {
    const siege = await beginSiege(73)
    await withstand(siege, async () => {
      for (const size of [0, 1, 200]) {
        const puppet = await createPuppet(siege.world, siege.node)
        puppet.say(puppet.hello)
        puppet.say(await puppet.prove({ swarmKey: new Uint8Array(32) }))
        await sayAll(siege, puppet, Array.from({ length: 1_500 }, () => new Uint8Array(size)))
        expect(puppet.closed).not.toEqual([])
      }
    })
  })
})

describe('an insider', { timeout: 30_000 }, () => {
  const madeUp = (at: number): StreamId => streamIdOf(publicKeyToNodeId(Uint8Array.from({ length: 32 }, (_, place) => (at >> (8 * place)) & 255)), 0)
  const message = (value: Message): Uint8Array => encodeMessage(value)
  const repeat = (count: number, make: (at: number) => Message): Iterable<Uint8Array> => ({ *[Symbol.iterator]() { for (let at = 0; at < count; at++) yield message(make(at)) } })

  test('[G7] [R12] 120 that say noise, changed messages and messages in any order harm nobody', async () => {
    const siege = await beginSiege(81)
    const random = createRandom(811)
    await withstand(siege, async () => {
      for (let run = 0; run < 120; run++) {
        const puppet = await createMember(siege.world, siege.node, { features })
        const own = puppet.heardBytes.slice(2)
        await sayAll(siege, puppet, Array.from({ length: 20 }, () => (random.chance(0.3) ? hostileBytes(random, [...valid, ...own]) : random.pick([...valid, ...own]))))
        await siege.world.world.settle()
        puppet.transport.close('closed')
      }
    })
    const reasons = new Set(siege.node.ended.map(({ reason }) => reason))
    for (const reason of ['violation', 'segment', 'closed']) expect(reasons).toContain(reason)
  })

  const floods: readonly (readonly [string, string, (siege: Siege) => Iterable<Uint8Array>])[] = [
    ['R27', 'want', ({ node }) => repeat(1_500, (at) => ({ type: 'want', id: at + 1, stream: node.stream, place: { first: 0, previous: new Uint8Array(32), next: 0 }, budgetBytes: 16 * 1024 * 1024 }))],
    ['R27', 'want of streams that are not there', () => repeat(1_500, (at) => ({ type: 'want', id: at + 1, stream: madeUp(at), place: { first: 0, previous: new Uint8Array(32), next: 0 }, budgetBytes: 1 }))],
    ['R27', 'want of forks', ({ node }) => repeat(1_500, (at) => ({ type: 'wantFork', id: at + 1, stream: node.stream, first: 0, end: at }))],
    ['R27', 'end', () => repeat(1_500, () => ({ type: 'end', want: 1, reason: 'all', start: undefined }))],
    ['R16', 'layer, of channels that are not open', () => repeat(1_500, (at) => ({ type: 'layer', channel: `x${at % 50}`, bytes: new Uint8Array(at % 100) }))],
    ['R14', 'ping', () => repeat(1_500, () => ({ type: 'ping', timeMicros: 1, page: 'visible' }))],
    ['R15', 'pong', () => repeat(1_500, () => ({ type: 'pong', timeMicros: 1, page: 'visible' }))],
    ['R37', 'have of a million streams', () => repeat(30, (part) => ({ type: 'have', heads: Array.from({ length: 1_000 }, (_, at) => [madeUp(part * 1_000 + at), { next: 1_000, id: new Uint8Array(16) }] as const), starts: [], forks: [], more: true }))],
    ['R37', 'have of a million forks', () => repeat(30, (part) => ({ type: 'have', heads: [], starts: [], forks: Array.from({ length: 1_000 }, (_, at) => ({ stream: madeUp(part * 1_000 + at), first: 0, end: 1, branches: [] })), more: true }))],
    ['R37', 'pushes of a million streams', () => repeat(400, (at) => ({ type: 'segment', want: 0, stream: madeUp(at + 2), header: beyondOf(madeUp(at + 2)), seal: new Uint8Array(64), from: 900, body: new Uint8Array(1) }))],
    ['R14', 'standby', () => repeat(1_500, (at) => ({ type: 'standby', id: Uint8Array.from({ length: 16 }, (_, place) => (at >> (8 * place)) & 255), step: 'offer', signal: new Uint8Array(3_000) }))],
    ['R56', 'members that are made up', () => repeat(3, (part) => ({ type: 'members', members: Array.from({ length: 1_000 }, (_, at) => ({ member: { nodeId: publicKeyToNodeId(Uint8Array.from({ length: 32 }, (__, place) => ((part * 1_000 + at) >> (8 * place)) & 255)), name: 'x', links: [], counter: 1, signature: new Uint8Array(64) }, heardSecondsAgo: 0 })) }))],
  ]
  /** A header that nobody has sealed, of a segment that lies beyond what is held. */
  const beyondOf = (stream: StreamId): Uint8Array =>
    encodeHeader({ swarm: swarm.id, stream, first: 900, events: 1, firstLamport: 1, lastLamport: 1, bodyBytes: 1, previous: new Uint8Array(32).fill(9), bodyHash: new Uint8Array(32), closed: false })

  test.each(floods)('[G7] [%s] a flood of %s ends its session', async (_rule, _name, messages) => {
    const siege = await beginSiege(82)
    await withstand(siege, async () => {
      const puppet = await createMember(siege.world, siege.node, { features })
      await sayAll(siege, puppet, messages(siege))
      expect(siege.node.ended.map(({ reason }) => reason)).toEqual(['violation'])
    })
  })

  test('[R32] forged seals, contradicting headers, gaps and other swarms change nothing that is stored', async () => {
    const siege = await beginSiege(83)
    const { world, node } = siege
    const author = await world.crypto.generateIdentity()
    const stream = streamIdOf(author.nodeId, 0)
    const good = await forgeSegment(author, { lines: [lineOf(1), lineOf(2)] })
    const zeros = 'x'.repeat(64)
    const bombBody = [lineOf(1, zeros.repeat(1_000))]
    const bomb = await forgeSegment(author, { lines: bombBody, closed: true, change: { bodyBytes: 100 } })
    const changes: readonly Message[] = [
      pushOf(stream, good, { seal: good.seal.map((byte) => byte ^ 1) }),
      pushOf(node.stream, good), pushOf(stream, good, { from: 1 }), pushOf(stream, good, { from: 7 }),
      pushOf(stream, bomb),
      pushOf(stream, await forgeSegment(author, { lines: [lineOf(1)], change: { events: 9, lastLamport: 9 } })),
      pushOf(stream, await forgeSegment(author, { lines: [lineOf(3), lineOf(2)], change: { lastLamport: 4 } })),
      pushOf(stream, await forgeSegment(author, { lines: [lineOf(5)], first: 900, previous: new Uint8Array(32).fill(3) })),
      pushOf(stream, await forgeSegment(author, { lines: [`[1,1,"",[[[],${'['.repeat(200)}${']'.repeat(200)}]]]\n`] })),
      pushOf(stream, await forgeSegment(author, { lines: [lineOf(1, 'x', ['t'.repeat(1_025)])] })),
      pushOf(stream, await forgeSegment(author, { lines: [lineOf(2 ** 52)], change: { firstLamport: 2 ** 52 - 1, lastLamport: 2 ** 52 - 1 } })),
    ]
    for (const change of changes) {
      await withstand(siege, async () => {
        const puppet = await createMember(siege.world, siege.node, { features })
        puppet.say(change)
        await world.world.settle()
        await world.world.advance(100)
        puppet.transport.close('closed')
        await world.world.settle()
        expect(await node.heads()).not.toHaveProperty(stream)
      })
    }
  })

  test('[R36] what is valid and as far out as it may be is stored in its author’s own stream, and moves neither the clock nor anybody else', async () => {
    const siege = await beginSiege(84)
    const { world, node } = siege
    const author = await world.crypto.generateIdentity()
    const stream = streamIdOf(author.nodeId, 0)
    const deep = JSON.parse(`${'['.repeat(61)}${']'.repeat(61)}`) as unknown
    const tags = Array.from({ length: 120 }, (_, at) => `${at}:${'ä'.repeat(500)}`)
    const lines = [lineOf(1, deep), lineOf(2, { __proto__: null, constructor: { prototype: 1 } }, tags), lineOf(LAMPORT_MAX - 1), lineOf(LAMPORT_MAX)]
    await withstand(siege, async () => {
      const member = await createMember(world, node)
      member.say(pushOf(stream, await forgeSegment(author, { lines, closed: true })))
      await world.world.settle()
      expect((await node.heads())[stream]).toBe(4)
      expect(await node.store.clock()).toBeLessThan(100)
    }, { streams: [stream] })
    expect(siege.reported()).toEqual(['CLOCK-BEYOND'])
  })
})
