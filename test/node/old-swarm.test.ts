import { describe, expect, test } from 'vitest'
import type { StreamId } from '../../src/core/ids.ts'
import { joinSwarm } from '../../src/node/join-swarm.ts'
import { copiesOfOwn, type Node } from '../../src/node/node.ts'
import type { Message, SaidHead } from '../../src/protocol/message.ts'
import { openMemoryStore } from '../../src/store/memory-event-store.ts'
import { createMember, type Puppet } from './replication-puppet.ts'
import { createReplicationWorld, type TestNode } from './replication-world.ts'
import { copyDisk, createNodeWorld, follow, payloads, readAll, tagged } from './world.ts'

const idsOf = async (node: Node) => (await readAll(node)).map(({ meta }) => meta.eventId)
/** What was noticed; that a tablet came back by itself is no trouble. */
const codesOf = (node: Node) => node.status().notices.map(({ code }) => code).filter((code) => code !== 'STANDBY-USED')

/** All that a live query has given since its last reset. */
const followEvents = (node: Node) => {
  const seen = { payloads: [] as string[], resets: 0 }
  node.subscribeAql('FROM allEvents', {
    answers: (answers) => {
      for (const answer of answers) {
        if (answer.type === 'event') seen.payloads.push(JSON.stringify(answer.payload))
        if (answer.type !== 'reset') continue
        seen.resets++
        seen.payloads = []
      }
    },
    failed: (error) => { throw error },
  })
  return seen
}

describe('a swarm whose Lamport time is 3,000,000', () => {
  test('[G3] [G5] who joins by invitation gets everything, and what it recorded before it met anybody sorts after all', async () => {
    const { world, network, crypto, tablet } = await createNodeWorld(41)
    const [one, two, mine] = [tablet(), tablet(), tablet()]
    const [{ node: founder, store }, { node: second }] = [await one.open(), await two.open()]
    await store.raiseClockTo(3_000_000)
    await founder.publish([tagged('the first after it')])
    await world.until(async () => (await readAll(second)).length === 1)
    const pad = '.'.repeat(2_000)
    for (let at = 0; at < 100; at++) await (at % 2 === 0 ? founder : second).publish([tagged({ at, pad })])
    await world.until(() => copiesOfOwn(founder.status()) === 2 && copiesOfOwn(second.status()) === 2)
    const before = await idsOf(founder)
    const { lamport } = await joinSwarm(crypto, await founder.invite())
    expect(lamport).toBeGreaterThan(3_000_100)

    network.cut(mine.name)
    const { node: joined } = await mine.open(lamport === undefined ? {} : { lamport })
    const [meta] = await joined.publish([tagged('mine')])
    expect(await idsOf(joined)).toEqual([meta?.eventId])
    network.heal(mine.name)
    await world.until(async () => (await readAll(joined)).length === 102)
    const nodes = [founder, second, joined]
    await world.until(() => nodes.every((node) => copiesOfOwn(node.status()) === 3))
    for (const node of nodes) expect(await idsOf(node)).toEqual([...before, meta?.eventId])
    expect(nodes.flatMap(codesOf)).toEqual([])
  })
})

/** A member that lies: says heads and forks that nobody sealed, each second higher ones, and answers every `want` in one way. */
const lie = (liar: Puppet, lies: (second: number) => Message, answer: (want: number) => readonly Message[]) => {
  let read = 0
  let second = 0
  return () => {
    for (; read < liar.heard.length; read++) {
      const message = liar.heard[read]
      const said = message?.type === 'ping' ? [{ type: 'pong', timeMicros: 1, page: 'visible' } as const] : message?.type === 'want' || message?.type === 'wantFork' ? answer(message.id) : []
      for (const one of said) liar.say(one)
    }
    liar.say(lies(second++))
  }
}

const answers: readonly (readonly [string, (want: number) => readonly Message[]])[] = [
  ['all', (want) => [{ type: 'end', want, reason: 'all', start: undefined }]],
  ['conflict', (want) => [{ type: 'end', want, reason: 'conflict', start: undefined }]],
  ['unknown', (want) => [{ type: 'end', want, reason: 'unknown', start: undefined }]],
  ['busy', (want) => [{ type: 'end', want, reason: 'busy', start: undefined }]],
  ['nothing at all', () => []],
]

const said = (next: number, fill: number): SaidHead => ({ next, id: new Uint8Array(16).fill(fill) })

describe('unsealed word', { timeout: 20_000 }, () => {
  test.each(answers)('[R22] [R42] false heads and forks of every stream change nothing on anybody; the liar answers: %s', async (_, answer) => {
    const world = createReplicationWorld(42)
    const [a, b, c] = [await world.node('a'), await world.node('b'), await world.node('c')]
    const nodes = [a, b, c]
    world.link(a, b)
    world.link(b, c)
    for (const node of nodes) await node.publish(300, 400)
    await world.untilEqual(nodes)
    const nobody = `${(await world.crypto.generateIdentity()).nodeId}-0` as StreamId
    const identity = await world.crypto.generateIdentity()
    const liesOf = (node: TestNode) => (second: number): Message => ({
      type: 'have', starts: [], more: false,
      heads: [
        [`${identity.nodeId}-0` as StreamId, said(5 + second, 1)],
        [nobody, said(9 + second, 2)],
        // Of each node more than there is; at first the same offset or a lower one with another header.
        ...nodes.map(({ stream }, at): [StreamId, SaidHead] => [stream, said(second === 0 ? [300, 100, 400][at] ?? 0 : 1_000 + second, at)]),
      ],
      forks: second === 0 ? [{ stream: node.stream, first: 0, end: 3, branches: [] }, { stream: nobody, first: 0, end: 1, branches: [] }] : [],
    })
    const liars = await Promise.all(nodes.map((node) => createMember(world, node, { identity })))
    const speak = liars.map((liar, at) => lie(liar, liesOf(nodes[at] ?? a), answer))

    let delayMs = 0
    for (let at = 0; at < 40; at++) {
      speak.forEach((once) => once())
      if (at % 5 === 2) await c.publish(1, 60, `live ${at}`)
      for (let quarter = 0; quarter < 4; quarter++) {
        await world.world.advance(250)
        for (const node of nodes) expect([...node.peers.values()].find(({ nodeId }) => nodeId === identity.nodeId)?.holds?.[node.stream] ?? -1, 'what it says it holds of the own stream').toBeLessThan(299)
        delayMs = (await a.heads())[c.stream] === (await c.heads())[c.stream] ? 0 : delayMs + 250
        expect(delayMs, `at second ${at} what c published has not come to a for so long`).toBeLessThan(5_000)
      }
    }
    await world.untilEqual(nodes)
    expect(await a.heads()).toEqual({ [a.stream]: 300, [b.stream]: 300, [c.stream]: 308 })
    for (const node of nodes) {
      expect(node.lost).toEqual([])
      expect(node.notices).toEqual([])
      expect(node.ended).toEqual([])
      expect(await node.read(node.stream)).toBe(await b.read(node.stream))
    }
    // What changed nothing is asked for again only when something else is said.
    for (const liar of liars) expect(liar.heard.filter(({ type }) => type === 'want').length).toBeLessThan(42 * 8)
  })
})

describe('a tablet restored from an older copy', { timeout: 20_000 }, () => {
  const pad = '.'.repeat(2_000)
  const numbered = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => tagged({ at: from + at, pad }))
  const numbers = async (node: Node) => payloads(await readAll(node)).map((payload) => (payload as { at: number }).at)

  /** Three tablets; one of them published 0 to 39, was copied, published 40 to 99, which the others hold, and was closed. */
  const withCopy = async (seed: number) => {
    const nodes = await createNodeWorld(seed)
    const { world, swarm, tablet } = nodes
    const [mine, one, two] = [tablet(), tablet(), tablet()]
    const [{ node: before }, { node: first }, { node: second }] = [await mine.open(), await one.open(), await two.open()]
    for (let at = 0; at < 40; at++) await before.publish(numbered(at, at + 1))
    await first.publish([tagged({ at: -1 })])
    await world.until(() => copiesOfOwn(before.status()) === 3 && copiesOfOwn(first.status()) === 3)
    const image = await copyDisk(mine.disk)
    for (let at = 40; at < 100; at++) await before.publish(numbered(at, at + 1))
    await world.until(() => copiesOfOwn(before.status()) === 3)
    await before.close()
    return { ...nodes, mine, image, old: before.nodeId, others: [first, second] as const, openCopy: () => mine.open({}, { store: openMemoryStore(image, swarm.id) }) }
  }

  test('[G4] [R42] retires its stream on sealed evidence, publishes on at once, and everything is everywhere', async () => {
    const { world, old, others, openCopy } = await withCopy(43)
    const { node, store } = await openCopy()
    const seen = follow(node)
    await world.until(() => node.nodeId !== old)
    const changedMs = world.nowMs()
    const metas = (await Promise.all([100, 101, 102].map((at) => node.publish(numbered(at, at + 1))))).flat()
    expect(world.nowMs()).toBe(changedMs)
    expect(metas.map(({ stream, offset }) => [stream, offset])).toEqual([0, 1, 2].map((offset) => [`${node.nodeId}-0`, offset]))
    expect((await store.state(`${old}-0` as StreamId))?.standing).toMatchObject({ type: 'retired', reason: 'restored' })

    const all = [node, ...others]
    await world.until(() => all.every((one) => copiesOfOwn(one.status()) >= 3))
    for (const one of all) expect(new Set(await numbers(one))).toEqual(new Set(Array.from({ length: 104 }, (_, at) => at - 1)))
    for (const one of all) expect(await idsOf(one)).toEqual(await idsOf(node))
    expect(seen.given.map(({ meta }) => meta.eventId)).toEqual(await idsOf(node))
    expect(node.status().own).toEqual({ [`${old}-0`]: 99, [`${node.nodeId}-0`]: 2 })
    expect(node.status().notices.filter(({ code }) => code === 'IDENTITY-CHANGED')).toMatchObject([{ about: old }])
    expect(others.flatMap(codesOf)).toEqual([])
    // Nothing more is ever written to the old stream.
    expect((await store.heads()).get(`${old}-0` as StreamId)?.next).toBe(100)
  })

  test('[R17] [R22] a node that goes on under a new identity while it is connected counts once: what it said under the old one counts no more', async () => {
    const { world, crypto, tablet } = await createNodeWorld(44)
    const [{ node, store }, { node: one }, { node: two }] = [await tablet().open(), await tablet().open(), await tablet().open()]
    const old = node.nodeId
    for (const each of [node, one, two]) await each.publish([tagged('before')])
    await world.until(() => [node, one, two].every((each) => copiesOfOwn(each.status()) === 3))
    await store.changeIdentity(old, await crypto.generateIdentity(), 'damaged', 0)
    await world.until(() => [one, two].every((each) => each.status().peers.some(({ nodeId, state }) => nodeId === node.nodeId && state === 'connected')) && node.nodeId !== old)
    for (const each of [one, two]) expect(each.status().peers.find(({ nodeId }) => nodeId === old)).toMatchObject({ state: 'gone', holds: {} })
    await one.publish([tagged('since')])
    await world.until(() => copiesOfOwn(one.status()) === 3)
    await world.advance(5_000)
    for (const each of [node, one, two]) expect(copiesOfOwn(each.status())).toBe(3)
  })

  test('[G3] [G6] what it recorded under the old identity before it met anybody is everywhere, beside the other version, it is reported, and publishing never waits', async () => {
    const { world, network, swarm, mine, image, old, others, openCopy } = await withCopy(45)
    network.cut(mine.name)
    const { node } = await openCopy()
    const recorded = new Set<number>()
    for (let at = 200; at < 210; at++) {
      await node.publish(numbered(at, at + 1))
      recorded.add(at)
    }
    const seen = others.map((one) => follow(one))
    const live = others.map((one) => followEvents(one))
    await world.until(() => seen.every(({ given }) => given.length === 101))
    network.heal(mine.name)
    const waits: number[] = []
    const since: number[] = []
    for (let at = 300; since.length < 30; at++) {
      const beganMs = world.nowMs()
      const [meta] = await node.publish(numbered(at, at + 1))
      waits.push(world.nowMs() - beganMs)
      recorded.add(at)
      if (meta?.stream !== `${old}-0`) since.push(at)
      await world.advance(100)
    }
    expect(Math.max(...waits)).toBe(0)
    const all = [node, ...others]
    await world.until(async () => new Set(await Promise.all(all.map(async (one) => (await idsOf(one)).join()))).size === 1)
    await world.advance(5_000)
    for (const one of all) expect(codesOf(one)).toContain('STREAM-FORKED')
    expect(codesOf(node)).toContain('IDENTITY-CHANGED')
    // Who followed was told where to begin again: right after the last entry that both versions have.
    for (const { reasons, travels, given } of seen) {
      expect(reasons).toContain('forked')
      const [first] = travels.filter((_, at) => reasons[at] === 'forked')
      const lasts = given.filter(({ meta }) => meta.stream === `${old}-0`).map(({ meta }) => meta.lamport)
      expect(first).toEqual({ lamport: Math.max(...lasts) + 1, stream: `${old}-0` })
    }
    // So was who follows a query, and who asks once gets what those have been given.
    for (const [at, one] of others.entries()) {
      const ids = await idsOf(one)
      expect(seen[at]?.given.map(({ meta }) => meta.eventId)).toEqual(ids)
      expect(live[at]?.resets).toBeGreaterThan(0)
      expect(live[at]?.payloads.toSorted()).toEqual((await readAll(one)).map(({ payload }) => JSON.stringify(payload)).toSorted())
    }
    const { forks } = node.status()
    expect(forks).toMatchObject([{ stream: `${old}-0`, nodeId: old, end: 40 }])
    expect(forks[0]?.entries.toSorted((a, b) => b - a)).toEqual([60, recorded.size - since.length])
    for (const one of others) expect(one.status().forks.map(({ entries, sinceMicros }) => ({ entries, sinceMicros }))).toEqual(forks.map(({ entries, sinceMicros }) => ({ entries, sinceMicros })))
    // The stream ends where the two went apart; both versions go on as branches.
    const present = await numbers(node)
    expect(present.toSorted((a, b) => a - b)).toEqual([-1, ...Array.from({ length: 100 }, (_, at) => at), ...[...recorded].toSorted((a, b) => a - b)])
    for (const one of all) expect(await numbers(one)).toEqual(present)
    expect(Object.keys(node.status().own).filter((stream) => stream.startsWith(`${old}-0~`))).toHaveLength(2)
    await world.until(() => all.every((one) => copiesOfOwn(one.status()) >= 3))
    for (const kind of ['tail', 'segment']) expect(await openMemoryStore(image, swarm.id).listAside(kind)).toEqual([])
  })
})
