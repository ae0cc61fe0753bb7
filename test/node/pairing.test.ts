import { expect, test } from 'vitest'
import { connectParts } from '../../src/node/connect.ts'
import type { NodeOptions } from '../../src/node/devices.ts'
import { createMemoryNetwork } from '../../src/net/memory-transport.ts'
import { memoryForm } from '../../src/net/memory-pairing.ts'
import { createPairingConnector } from '../../src/net/pairing.ts'
import type { Node, NodeError, Pairing } from '../../src/node/node.ts'
import { swarmIdOf } from '../../src/stream/swarm.ts'
import { webCrypto } from '../../src/node/web-crypto.ts'
import { copiesOfOwn } from '../../src/node/node.ts'
import { openMemoryStore } from '../../src/store/memory-event-store.ts'
import { createNodeWorld, readAll, sortedTexts, tagged } from './world.ts'

/** Tablets that meet nobody but by codes. */
const createFloor = async () => {
  const made = await createNodeWorld()
  const { world } = made
  const timers = { nowMicros: () => world.nowMs() * 1000, after: world.after }
  const network = createMemoryNetwork({ timers, attemptMs: 10 * 60_000 })
  const networkAt = (name: string) => ({ parts: connectParts, connector: network.connector(name), pairing: createPairingConnector({ begin: network.connector(name).begin, form: memoryForm, timers }), signalings: () => [] })
  const open = async (tablet = made.tablet(), options: Partial<NodeOptions> = {}) => ({ tablet, ...(await tablet.open(options, { network: networkAt(tablet.name) })) })
  /** Lets time pass until a code is there. */
  const text = async (coming: Promise<string>): Promise<string> => {
    let found: string | undefined
    const settled = coming.then((given) => (found = given))
    await world.until(() => found !== undefined)
    return settled
  }
  const pairUp = async (a: Node, b: Node): Promise<readonly [Pairing, Pairing]> => {
    const [first, second] = [a.pair(), b.pair()]
    first.accept(await text(second.answer(await text(first.offer()))))
    await world.until(() => first.state().type !== 'connecting' && second.state().type !== 'showing' && second.state().type !== 'connecting')
    return [first, second]
  }
  return { ...made, network, open, text, pairUp }
}

const codeOf = (error: unknown): string => (error as NodeError).code
const thrownBy = (call: () => void): string => {
  try {
    call()
    return 'nothing'
  } catch (error) {
    return codeOf(error)
  }
}

test('[N1] two nodes without any hub connect by two codes alone and come to hold the same', async () => {
  const { open, pairUp, world } = await createFloor()
  const [{ node: a }, { node: b }] = [await open(), await open()]
  await a.publish([tagged('of a')])
  await b.publish([tagged('of b')])
  const [first, second] = await pairUp(a, b)
  expect([first.state(), second.state()]).toEqual([{ type: 'connected', peer: b.nodeId }, { type: 'connected', peer: a.nodeId }])
  await world.until(() => copiesOfOwn(a.status()) === 2 && copiesOfOwn(b.status()) === 2)
  expect(sortedTexts(await readAll(a))).toEqual(['of a', 'of b'])
  first.close()
  await world.advance(20_000)
  expect(a.status().peers.map(({ state }) => state)).toEqual(['connected'])
  await Promise.all([a.close(), b.close()])
})

test('[R81] a wrong text is refused with its code, and the offer waits for the right one', async () => {
  const { open, text, world } = await createFloor()
  const [{ node: a }, { node: b }] = [await open(), await open()]
  const [first, second] = [a.pair(), b.pair()]
  const old = await text(second.answer(await text(first.offer())))
  const offer = await text(first.offer())
  const answer = await text(second.answer(offer))
  const wrong = [await a.invite(), answer.slice(0, -9), answer.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A')), offer, old]
  expect(wrong.map((each) => thrownBy(() => first.accept(each)))).toEqual(['PAIR-OTHER', 'PAIR-SHORT', 'PAIR-CHANGED', 'PAIR-STEP', 'PAIR-OLD'])
  expect(first.state()).toMatchObject({ type: 'showing', role: 'offer', text: offer })
  expect(await second.answer('hello').catch(codeOf)).toBe('PAIR-OTHER')
  expect(second.state()).toMatchObject({ type: 'showing', role: 'answer' })
  first.accept(answer)
  await world.until(() => first.state().type === 'connected')
  await Promise.all([a.close(), b.close()])
})

test('[R81] a code of another swarm is refused before anything is tried', async () => {
  const { open, text } = await createFloor()
  const { node: a } = await open()
  const stranger = await createFloor()
  const swarm = { founder: new Uint8Array(32), random: new Uint8Array(16).fill(7), key: new Uint8Array(32) }
  const id = await swarmIdOf(webCrypto, swarm.founder, swarm.random)
  const other = stranger.tablet()
  const network = createMemoryNetwork({ timers: { nowMicros: () => 0, after: stranger.world.after }, attemptMs: 60_000 })
  const pairing = createPairingConnector({ begin: network.connector('x').begin, form: memoryForm, timers: { nowMicros: () => 0, after: stranger.world.after } })
  const { node: b } = await other.open({ swarm: { ...swarm, id } }, { store: openMemoryStore(other.disk, id), network: { parts: connectParts, connector: network.connector('x'), pairing, signalings: () => [] } })
  const offer = await text(a.pair().offer())
  const refused = b.pair()
  expect(await refused.answer(offer).catch(codeOf)).toBe('PAIR-SWARM')
  expect(refused.state()).toEqual({ type: 'idle' })
  await Promise.all([a.close(), b.close()])
})

test('[R83] each step that takes too long ends with its reason, and a new code can be shown', async () => {
  const { open, text, world, network } = await createFloor()
  const [{ node: a, tablet }, { node: b, tablet: far }] = [await open(), await open()]
  const [first, second] = [a.pair(), b.pair()]
  const states: string[] = []
  first.observe((state) => states.push(state.type === 'failed' ? state.code : state.type))
  const offer = await text(first.offer())
  await world.advance(120_000)
  expect(first.state()).toMatchObject({ type: 'failed', code: 'PAIR-LATE' })
  expect(thrownBy(() => first.accept(offer))).toBe('PAIR-OLD')

  network.cut(tablet.name, far.name)
  first.accept(await text(second.answer(await text(first.offer()))))
  await world.advance(15_000)
  expect(first.state()).toMatchObject({ type: 'failed', code: 'PAIR-UNREACHABLE' })
  await world.advance(60_000)
  expect(second.state()).toMatchObject({ type: 'failed', code: 'PAIR-LATE' })
  network.heal(tablet.name, far.name)

  first.accept(await text(second.answer(await text(first.offer()))))
  await world.until(() => first.state().type === 'connected' && second.state().type === 'connected')
  expect(states).toEqual(['idle', 'making', 'showing', 'PAIR-LATE', 'idle', 'making', 'showing', 'connecting', 'PAIR-UNREACHABLE', 'idle', 'making', 'showing', 'connecting', 'connecting', 'connected'])
  await Promise.all([a.close(), b.close()])
})

test('[R83] who has the swarm id and not its key is turned away, and the screen says so', async () => {
  const { open, pairUp, swarm } = await createFloor()
  const [{ node: a }, { node: intruder }] = [await open(), await open(undefined, { swarm: { ...swarm, key: new Uint8Array(32) } })]
  const [first] = await pairUp(a, intruder)
  expect(first.state()).toMatchObject({ type: 'failed', code: 'PAIR-REFUSED' })
  expect(a.status().peers).toEqual([])
  await Promise.all([a.close(), intruder.close()])
})

test('[R83] a tab that does not lead says so', async () => {
  const { open } = await createFloor()
  const { node: leader, tablet } = await open()
  const { node: follower } = await open(tablet)
  const pairing = follower.pair()
  expect(await pairing.offer().catch(codeOf)).toBe('PAIR-TAB')
  expect(pairing.state()).toMatchObject({ type: 'failed', code: 'PAIR-TAB' })
  await Promise.all([leader.close(), follower.close()])
})
