import { describe, expect, test } from 'vitest'
import { streamIdOf, type StreamId } from '../../src/core/ids.ts'
import { encodeUtf8 } from '../../src/core/utf8.ts'
import type { ForkMessage, Message, SegmentMessage } from '../../src/protocol/message.ts'
import type { Identity } from '../../src/store/event-store.ts'
import { forgeSegment as seal, lineOf as line, pushOf as push, type Forged, type Forging } from './forged.ts'
import { createMember, type Puppet } from './replication-puppet.ts'
import { createReplicationWorld, type ReplicationWorld, type TestNode } from './replication-world.ts'

const forkOf = (one: Forged, other: Forged): ForkMessage => ({ type: 'fork', one, other })

interface Scene {
  readonly world: ReplicationWorld
  readonly node: TestNode
  readonly member: Puppet
  readonly author: Identity
  readonly stream: StreamId
}

const scene = async (): Promise<Scene> => {
  const world = createReplicationWorld(41)
  const node = await world.node('node')
  const author = await world.crypto.generateIdentity()
  const member = await createMember(world, node)
  member.say({ type: 'have', heads: [], starts: [], forks: [], more: false })
  await world.world.settle()
  return { world, node, member, author, stream: streamIdOf(author.nodeId, 0) }
}

const say = async ({ world, member }: Scene, ...messages: readonly Message[]) => {
  for (const message of messages) member.say(message)
  await world.world.settle()
}
const nextOf = async ({ node, stream }: Scene): Promise<number> => (await node.heads())[stream] ?? 0

describe('checks', () => {
  test('[R32] a good piece is stored, a second time it changes nothing', async () => {
    const all = await scene()
    const good = await seal(all.author, { lines: [line(1), line(2)] })
    await say(all, push(all.stream, good), push(all.stream, good))
    expect(await nextOf(all)).toBe(2)
    expect(all.node.notices).toEqual([])
  })

  const senders: readonly (readonly [string, (sealed: Forged) => Partial<SegmentMessage>])[] = [
    ['seal', (sealed) => ({ seal: sealed.seal.map((byte, at) => (at === 40 ? byte ^ 1 : byte)) })],
    ['hash', (sealed) => ({ body: sealed.body.map((byte, at) => (at === 10 ? byte ^ 1 : byte)) })],
    ['length', (sealed) => ({ body: sealed.body.subarray(1) })],
    ['stream', () => ({ stream: `${'B'.repeat(42)}A-0` as StreamId })],
    ['malformed', () => ({ header: new Uint8Array(167) })],
  ]
  test.each(senders)('[R32] a whole segment that fails by its %s ends the session, and nothing of it is stored', async (reason, change) => {
    const all = await scene()
    const good = await seal(all.author, { lines: [line(1), line(2)] })
    await say(all, push(all.stream, good, change(good)))
    expect(all.member.heard.at(-1)).toEqual({ type: 'bye', reason: 'segment' })
    expect(all.node.notices.map((notice) => notice.text)).toEqual([expect.stringContaining(reason)])
    expect(await nextOf(all)).toBe(0)
  })

  const authors: readonly (readonly [string, Forging])[] = [
    ['a line that is not valid', { lines: [line(1), 'nonsense 2\n'] }],
    ['Lamport times that fall', { lines: [line(5), line(4)], change: { lastLamport: 9 } }],
    ['a header that counts otherwise', { lines: [line(1), line(2)], change: { events: 1 } }],
  ]
  test.each(authors)('[R32] %s is the author’s fault: refused, reported once, the session stays', async (_, sealing) => {
    const all = await scene()
    const bad = await seal(all.author, sealing)
    await say(all, push(all.stream, bad), push(all.stream, bad))
    expect(all.node.notices.map((notice) => notice.code)).toEqual(['SEGMENT-REFUSED'])
    expect(await nextOf(all)).toBe(0)
    expect(all.node.peers.size).toBe(1)
    await say(all, push(all.stream, await seal(all.author, { lines: [line(1)] })))
    expect(await nextOf(all)).toBe(1)
  })

  test('[R32] a header of a newer version is reported and harms nothing', async () => {
    const all = await scene()
    const newer = encodeUtf8('millpond/segment/2 something new')
    await say(all, push(all.stream, await seal(all.author, { lines: [line(1)] }), { header: newer }))
    expect(all.node.notices.map((notice) => notice.code)).toEqual(['STREAM-NEWER'])
    expect(all.node.peers.size).toBe(1)
  })

  test('[R35] a segment that begins at the next offset makes the closing be asked for', async () => {
    const all = await scene()
    const open = await seal(all.author, { lines: [line(1)] })
    const closed = await seal(all.author, { lines: [line(1)], closed: true })
    const next = await seal(all.author, { lines: [line(2)], first: 1, previous: closed.id })
    await say(all, push(all.stream, open), push(all.stream, next, { from: 1 }))
    expect(all.member.heard.find((message) => message.type === 'want')).toMatchObject({ stream: all.stream, place: { first: 0, next: 1 } })
    await say(all, push(all.stream, closed, { want: 1 }), push(all.stream, next, { want: 1, from: 1 }), { type: 'end', want: 1, reason: 'all', start: undefined })
    expect(await nextOf(all)).toBe(2)
    expect(all.node.notices).toEqual([])
  })

  test('[R36] an event far above the clock is stored and reported, and does not move the clock', async () => {
    const all = await scene()
    await say(all, push(all.stream, await seal(all.author, { lines: [line(1_000), line(200_000_000)] })))
    expect(await nextOf(all)).toBe(2)
    expect(await all.node.store.clock()).toBe(1_000)
    expect(all.node.notices).toMatchObject([{ code: 'CLOCK-BEYOND', about: all.stream }])
  })

  test('[R38] a full disk: reported, the session stays, and what lacks is fetched once there is room', async () => {
    const world = createReplicationWorld(42)
    const [a, b] = [await world.node('a'), await world.node('b')]
    world.link(a, b)
    await world.world.advance(1_500)
    b.disk.setQuota(b.disk.usedBytes() + 200)
    await a.publish(5, 2_000)
    await world.world.settle()
    expect(b.notices.map((notice) => notice.code)).toContain('STORE-QUOTA')
    expect(b.peers.size).toBe(1)
    await world.world.advance(3_000)
    expect(a.holdsOf(b)?.[a.stream]).toBeUndefined()
    b.disk.setQuota(undefined)
    await world.untilEqual([a, b], 90_000)
  })

  test('[R16] messages of layers reach the peer; those of an unknown channel are reported and harm nothing', async () => {
    const world = createReplicationWorld(43)
    const [a, b] = [await world.node('a'), await world.node('b')]
    expect(a.replication.sendLayer('open', b.nodeId, Uint8Array.of(1))).toBe(false)
    world.link(a, b)
    await world.world.settle()
    expect(a.replication.sendLayer('open', b.nodeId, Uint8Array.of(1, 2))).toBe(true)
    for (const channel of ['other', 'another', 'other']) a.replication.sendLayer(channel, b.nodeId, Uint8Array.of(3))
    await world.world.settle()
    expect(b.layers).toEqual([{ channel: 'open', peer: a.nodeId, bytes: Uint8Array.of(1, 2) }])
    expect(b.notices.map((notice) => notice.code)).toEqual(['CHANNEL-UNKNOWN'])
    expect(b.peers.size).toBe(1)
  })

  test('[R22] [R24] a stored segment that was changed on disk is never sent; the stream is lowered to it and fetched again', async () => {
    const world = createReplicationWorld(44)
    const [a, b, c] = [await world.node('a'), await world.node('b'), await world.node('c')]
    await a.publish(60, 3_000)
    world.link(a, b)
    await world.untilEqual([a, b])
    await world.world.advance(2_000)
    world.drop(a, b)
    const entry = b.disk.entries('segments')[1]
    if (entry === undefined) throw new Error('two segments')
    b.disk.spoil('segments', entry[0])
    world.link(b, c)
    await world.world.advance(3_000)
    expect(b.notices.map((notice) => notice.code)).toContain('STREAM-HOLE')
    expect(b.ended.at(-1)).toMatchObject({ nodeId: c.nodeId, reason: 'lowered' })
    expect((await b.heads())[a.stream]).toBeLessThan(60)
    world.link(a, b)
    world.link(b, c)
    await world.untilEqual([a, b, c])
    expect(await c.read(a.stream)).toBe(await a.read(a.stream))
  })
})

describe('forks that come', () => {
  const versions = async (author: Identity) => ({
    common: await seal(author, { lines: [line(1), line(2)] }),
    one: await seal(author, { lines: [line(1), line(2), line(3, 'A')] }),
    other: await seal(author, { lines: [line(1), line(2), line(3, 'B'), line(4)] }),
    lower: await seal(author, { lines: [line(1), line(2, 'C')] }),
  })

  test('[R44] a proof ends the stream, one with a lower end moves it down, a higher one that is known changes nothing', async () => {
    const all = await scene()
    const { common, one, other, lower } = await versions(all.author)
    await say(all, push(all.stream, common), forkOf(one, other))
    expect(await nextOf(all)).toBe(2)
    expect((await all.node.store.state(all.stream))?.standing).toMatchObject({ type: 'forked', end: 2 })
    expect(all.node.peers.size).toBe(1)
    const again = { ...all, member: await createMember(all.world, all.node) }
    expect(again.member.heard.find((message) => message.type === 'have')).toMatchObject({ forks: [{ stream: all.stream, first: 0, end: 2 }] })
    await say(again, { type: 'wantFork', id: 1, stream: all.stream, first: 0, end: 2 })
    expect(again.member.heard.slice(-2).map((message) => message.type)).toEqual(['fork', 'end'])
    await all.world.world.advance(2_000)
    await say(again, forkOf(lower, one))
    expect(await nextOf(all)).toBe(1)
    const last = { ...all, member: await createMember(all.world, all.node) }
    await say(last, forkOf(one, other))
    expect(await nextOf(all)).toBe(1)
    await say(last, { type: 'want', id: 1, stream: all.stream, place: { first: 0, previous: new Uint8Array(32), next: 0 }, budgetBytes: 1 })
    expect(last.member.heard.at(-1)).toEqual({ type: 'end', want: 1, reason: 'all', start: undefined })
    const heads = Object.entries(await all.node.heads()).map(([stream, next]) => [stream.split('~').length, next])
    expect(heads.toSorted()).toEqual([[1, 1], [2, 2], [2, 2], [2, 3], [2, 4]])
    expect((await all.node.store.family(all.stream)).filter(({ standing }) => standing?.type === 'forked').map(({ standing }) => standing)).toMatchObject([{ end: 1 }, { end: 2 }])
  })

  test('[R47] a proof beyond what is held is kept, and applied when the stream gets there', async () => {
    const all = await scene()
    const closed = await seal(all.author, { lines: [line(1), line(2)], closed: true })
    const one = await seal(all.author, { lines: [line(3, 'A')], first: 2, previous: closed.id })
    const other = await seal(all.author, { lines: [line(3, 'B')], first: 2, previous: closed.id })
    await say(all, forkOf(one, other))
    expect([await nextOf(all), all.node.notices]).toEqual([0, []])
    await say(all, push(all.stream, closed))
    expect((await all.node.store.state(all.stream))?.standing).toMatchObject({ type: 'forked', end: 2 })
    await say(all, push(all.stream, one, { from: 2 }))
    expect(await nextOf(all)).toBe(2)
  })

  /** Two versions of a segment that begins at offset 2, on a segment that nobody has. */
  const early = async (author: Identity, text: string) => {
    const [one, other] = await Promise.all([text, `${text}'`].map((each) => seal(author, { lines: [line(3, each)], first: 2, previous: new Uint8Array(32).fill(9) })))
    if (one === undefined || other === undefined) throw new Error('two versions')
    return forkOf(one, other)
  }

  test('[G7] [R47] proofs of streams of which nothing is held fill no disk: 64 streams, and the rest is reported', async () => {
    const all = await scene()
    for (let at = 0; at < 70; at++) await say(all, await early(await all.world.crypto.generateIdentity(), 'A'))
    expect((await all.node.store.listAside('fork-early')).length).toBe(64)
    expect(all.node.notices.map(({ code }) => code)).toEqual(Array.from({ length: 6 }, () => 'FORK-NOT-KEPT'))
    expect(all.node.peers.size).toBe(1)
  })

  test('[R47] two segments that are no fork are the sender’s fault', async () => {
    const all = await scene()
    const { common, one } = await versions(all.author)
    await say(all, forkOf(common, one))
    expect(all.member.heard.at(-1)).toEqual({ type: 'bye', reason: 'segment' })
  })

  test('[R46] the closed one counts: who holds more takes it and sets the rest aside', async () => {
    const all = await scene()
    const { common, one } = await versions(all.author)
    const closed = await seal(all.author, { lines: [line(1), line(2)], closed: true })
    await say(all, push(all.stream, one))
    expect(await nextOf(all)).toBe(3)
    await say(all, forkOf(closed, one))
    expect(await nextOf(all)).toBe(2)
    expect(await all.node.store.piece(all.stream, 0)).toMatchObject({ type: 'closed' })
    expect((await all.node.store.listAside('tail')).length).toBe(1)
    const holder = { ...all, member: await createMember(all.world, all.node) }
    await say(holder, push(all.stream, one))
    expect(holder.member.heard.at(-1)).toMatchObject({ type: 'fork', one: { header: closed.header }, other: { header: one.header } })
    await say(holder, push(all.stream, common))
    expect(await nextOf(all)).toBe(2)
  })

  test('[R42] a fork of the own stream takes the identity', async () => {
    const all = await scene()
    await all.node.publish(1)
    const one = await seal(all.node.identity, { lines: [line(1, 'A')] })
    const other = await seal(all.node.identity, { lines: [line(1, 'B')] })
    await say(all, forkOf(one, other))
    expect(all.node.lost).toEqual(['restored'])
  })
})
