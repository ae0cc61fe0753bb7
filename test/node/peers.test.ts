import { expect, test } from 'vitest'
import { bytesToHex } from '../../src/core/bytes.ts'
import type { Connector } from '../../src/net/transport.ts'
import { areConnected } from './peers-page.ts'
import { createPeersWorld, type PeersWorld, type TestPage } from './peers-world.ts'

const openThree = async (here: PeersWorld): Promise<readonly [TestPage, TestPage, TestPage]> => {
  const [small, middle, large] = here.identities
  if (small === undefined || middle === undefined || large === undefined) throw new Error('no identities')
  return [here.open(small, 'small'), here.open(middle, 'middle'), here.open(large, 'large')]
}

const openTwo = async (here: PeersWorld): Promise<readonly [TestPage, TestPage]> => {
  const [small, large] = here.identities
  if (small === undefined || large === undefined) throw new Error('no identities')
  const pages = [here.open(small, 'small'), here.open(large, 'large')] as const
  await here.world.until(() => areConnected(...pages))
  return pages
}

const closeAll = async (...pages: readonly TestPage[]): Promise<void> => {
  for (const { peers } of pages) await peers.close()
}

/** Times at which something happened to the connections of a page. */
const timesOf = (page: TestPage, what: string): readonly number[] => page.log.filter((entry) => entry.what === what).map(({ atMs }) => atMs)

test('[G3] three nodes become a full mesh, one connection for each two, dialled by the smaller id', async () => {
  const here = await createPeersWorld()
  const pages = await openThree(here)
  await here.world.until(() => areConnected(...pages), 10_000)
  await here.world.advance(30_000)
  expect(new Set(here.network.connections().map((ends) => ends.join()))).toEqual(new Set(['middle,large', 'small,large', 'small,middle']))
  expect(here.network.connections().length).toBe(3)
  expect(pages.flatMap(({ log }) => log.filter(({ what }) => what.startsWith('end')))).toEqual([])
  const statesOf = (page: TestPage, other: TestPage) => page.states.filter(([nodeId]) => nodeId === other.nodeId).map(([, state]) => state)
  expect(pages.flatMap((page) => pages.filter((other) => other !== page).map((other) => statesOf(page, other)))).toEqual(Array(6).fill(['connecting', 'connected']))
  await closeAll(...pages)
})

test('[G1] with the hub off nothing breaks, and who comes then joins when it is back', async () => {
  const here = await createPeersWorld()
  const [a, b] = await openTwo(here)
  here.hub.off()
  const third = here.identities[2]
  if (third === undefined) throw new Error('no identity')
  const c = here.open(third, 'late')
  await here.world.advance(60_000)
  expect(areConnected(a, b)).toBe(true)
  expect([a, b, c].map(({ hubStates }) => hubStates.at(-1)?.type)).toEqual(['unreachable', 'unreachable', 'unreachable'])
  here.hub.on()
  await here.world.until(() => areConnected(a, b, c), 40_000)
  expect([a, b, c].map(({ hubStates }) => hubStates.at(-1)?.type)).toEqual(['ready', 'ready', 'ready'])
  await closeAll(a, b, c)
})

test('[G6] nodes that reach a hub and not each other say so while both are there, and of which node once it was heard', async () => {
  const here = await createPeersWorld()
  const [a, b] = await openTwo(here)
  expect([a, b].map((page) => page.unreached())).toEqual([[], []])
  here.network.cut('small', 'large')
  // A dead one is replaced 20 s later, and a pipe has 10 s.
  await here.world.until(() => a.unreached().length + b.unreached().length > 0, 60_000)
  const [said] = [...a.unreached(), ...b.unreached()]
  expect(said?.code).toBe('REACH-ISOLATED')
  expect([a.nodeId, b.nodeId]).toContain(said?.nodeId)
  here.network.heal('small', 'large', 'dead')
  await here.world.until(() => areConnected(a, b), 90_000)
  expect([a, b].map((page) => page.unreached())).toEqual([[], []])
  await closeAll(a, b)
})

test('[G6] who is unreached and leaves the hub, or whose hub goes off, is not said to be there', async () => {
  const here = await createPeersWorld()
  here.network.cut('small', 'large')
  const [small, large] = here.identities
  if (small === undefined || large === undefined) throw new Error('no identities')
  const a = here.open(small, 'small')
  const b = here.open(large, 'large')
  await here.world.until(() => a.unreached().length + b.unreached().length > 0, 60_000)
  const [from, other] = a.unreached().length > 0 ? [a, b] : [b, a]
  expect(from.unreached()).toMatchObject([{ nodeId: undefined, code: 'REACH-ISOLATED' }])
  here.hub.off()
  await here.world.until(() => from.unreached().length === 0, 10_000)
  here.hub.on()
  await here.world.until(() => from.unreached().length > 0, 120_000)
  await other.peers.close()
  await here.world.until(() => from.unreached().length === 0, 10_000)
  await closeAll(a, b)
})

test('[G3] a link that was away for 25 s and does not heal is replaced, the new connection first', async () => {
  const here = await createPeersWorld()
  const [a, b] = await openTwo(here)
  await here.world.advance(20_000)
  here.network.cut('small', 'large')
  await here.world.advance(7000)
  expect([a.stateOf(b), b.stateOf(a)]).toEqual(['suspect', 'suspect'])
  await here.world.advance(18_000)
  const healedMs = here.world.nowMs()
  here.network.heal('small', 'large', 'dead')
  await here.world.until(() => areConnected(a, b), 30_000)
  await here.world.until(() => a.connections().length === 1 && timesOf(a, 'end: replaced').length === 1)
  const [, secondMs] = timesOf(a, 'connected')
  expect(timesOf(a, 'end: replaced')[0]).toBeGreaterThanOrEqual(secondMs ?? Infinity)
  expect((secondMs ?? Infinity) - healedMs).toBeLessThan(15_000)
  expect(a.states.map(([, state]) => state)).toEqual(['connecting', 'connected', 'suspect', 'connected'])
  await closeAll(a, b)
})

test('[G1] a link that was away for 12 s heals on the same connection', async () => {
  const here = await createPeersWorld()
  const [a, b] = await openTwo(here)
  here.network.cut('small', 'large')
  await here.world.advance(12_000)
  expect(a.stateOf(b)).toBe('suspect')
  here.network.heal('small', 'large')
  await here.world.advance(5000)
  expect(areConnected(a, b)).toBe(true)
  expect([timesOf(a, 'opened').length, here.network.connections().length]).toEqual([1, 1])
  await closeAll(a, b)
})

test('[G6] a peer that stays silent is closed after 90 s and reported gone', async () => {
  const here = await createPeersWorld()
  const [a, b] = await openTwo(here)
  here.network.cut('small', 'large')
  const cutMs = here.world.nowMs()
  await here.world.until(() => timesOf(a, 'end: silent').length > 0, 120_000)
  expect((timesOf(a, 'end: silent')[0] ?? 0) - cutMs).toBeGreaterThan(87_000)
  expect((timesOf(a, 'end: silent')[0] ?? 0) - cutMs).toBeLessThan(93_000)
  await here.world.until(() => a.stateOf(b) === 'gone')
  await closeAll(a, b)
})

test('[G3] of two connections the smaller id keeps the newer', async () => {
  const here = await createPeersWorld()
  const [a, b] = await openTwo(here)
  const [first] = a.connections()
  const [near, far] = here.network.connectPair('large', 'small')
  b.add(near)
  a.add(far)
  await here.world.until(() => timesOf(a, 'end: replaced').length === 1, 5000)
  await here.world.until(() => b.connections().length === 1, 5000)
  expect([a.connections()[0]?.transport, b.connections()[0]?.transport]).toEqual([far, near])
  expect(a.log.find(({ what }) => what === 'end: replaced')?.transport).toBe(first?.transport)
  expect(timesOf(b, 'end: replaced')).toEqual([])
  await closeAll(a, b)
})

test('[G3] where the smaller id does nothing about a duplicate, the other side does after 10 s', async () => {
  const here = await createPeersWorld()
  const [small, large] = here.identities
  if (small === undefined || large === undefined) throw new Error('no identities')
  const [a, b] = [here.open(small, 'small', { keepsAll: true }), here.open(large, 'large')]
  await here.world.until(() => areConnected(a, b))
  const begunMs = here.world.nowMs()
  const [near, far] = here.network.connectPair('small', 'large')
  a.add(near)
  b.add(far)
  await here.world.until(() => timesOf(b, 'end: replaced').length === 1, 15_000)
  expect((timesOf(b, 'end: replaced')[0] ?? 0) - begunMs).toBeGreaterThanOrEqual(10_000)
  expect(b.connections()[0]?.transport).toBe(far)
  await closeAll(a, b)
})

test('[G3] `wake` checks at once: what does not answer is replaced long before 20 s', async () => {
  const here = await createPeersWorld()
  const [a, b] = await openTwo(here)
  here.network.cut('small', 'large')
  await here.world.advance(3000)
  here.network.heal('small', 'large', 'dead')
  a.peers.wake()
  await here.world.until(() => timesOf(a, 'connected').length === 2, 12_000)
  await here.world.advance(1000)
  expect(areConnected(a, b)).toBe(true)
  await closeAll(a, b)
})

test('[G3] a page that was frozen itself gives its peers time to be heard', async () => {
  const here = await createPeersWorld()
  const [a, b] = await openTwo(here)
  b.say('hidden')
  await here.world.settle()
  b.tab.freeze()
  await here.world.advance(300_000)
  expect(a.stateOf(b)).toBe('asleep')
  b.tab.resume()
  await here.world.settle()
  b.say('visible')
  await here.world.advance(5000)
  expect(areConnected(a, b)).toBe(true)
  expect([...a.log, ...b.log].filter(({ what }) => what.startsWith('end'))).toEqual([])
  expect(here.network.connections().length).toBe(1)
  await closeAll(a, b)
})

test('[G3] a page that was loaded anew, and never said so, is taken up again', async () => {
  const here = await createPeersWorld()
  const [a, b] = await openTwo(here)
  b.tab.crash()
  await b.peers.close()
  const identity = here.identities[1]
  if (identity === undefined) throw new Error('no identity')
  const again = here.open(identity, 'large')
  await here.world.until(() => areConnected(a, again), 8000)
  expect(a.connections().map(({ introductionId }) => bytesToHex(introductionId))).toEqual([bytesToHex(again.introductionId)])
  await closeAll(a, again)
})

test('[G1] nothing is tried while the browser is certain to be offline, and all at once afterwards', async () => {
  const here = await createPeersWorld()
  const pages = await openThree(here)
  const [small] = pages
  small.tab.goOffline()
  here.network.cut('small')
  await here.world.advance(30_000)
  expect(timesOf(small, 'opened')).toEqual([])
  here.network.heal('small')
  small.tab.goOnline()
  small.peers.wake()
  await here.world.until(() => areConnected(...pages), 10_000)
  await closeAll(...pages)
})

/** Attempts that end in nothing. */
const failingConnector = (): { readonly connector: Connector; readonly count: () => number } => {
  let count = 0
  return {
    count: () => count,
    connector: {
      begin: (_dialled, { failed }) => {
        count++
        queueMicrotask(() => failed('no way'))
        return { signal: () => undefined, cancel: () => undefined }
      },
    },
  }
}

test('[G7] attempts that fail are held back, and never exceed 60 and six a minute', async () => {
  const here = await createPeersWorld()
  const [small, large] = here.identities
  if (small === undefined || large === undefined) throw new Error('no identities')
  const { connector, count } = failingConnector()
  const [a, b] = [here.open(small, 'small', { connector }), here.open(large, 'large')]
  await here.world.advance(60_000)
  expect(count()).toBeGreaterThan(4)
  expect(count()).toBeLessThan(15)
  expect(a.notices.map(({ code, about }) => [code, about])).toEqual([['connection-failed', large.nodeId]])
  for (let second = 0; second < 120; second++) {
    a.peers.wake()
    b.peers.wake()
    await here.world.advance(1000)
  }
  expect(count()).toBeGreaterThan(60)
  expect(count()).toBeLessThanOrEqual(60 + 6 * 3)
  await closeAll(a, b)
})

test('[G7] a connection on which nobody says who it is is closed, and another tried at most six times a minute', async () => {
  const here = await createPeersWorld()
  const [small, large] = here.identities
  if (small === undefined || large === undefined) throw new Error('no identities')
  const [a, b] = [here.open(small, 'small'), here.open(large, 'large', { isMute: true })]
  await here.world.until(() => timesOf(a, 'end: timeout').length > 0, 30_000)
  await here.world.advance(90_000)
  expect(a.connections()).toEqual([])
  expect(timesOf(a, 'opened').length).toBeLessThanOrEqual(10)
  expect(here.network.connections().length).toBeLessThanOrEqual(1)
  await closeAll(a, b)
})

const intruderId = new Uint8Array(16)

/** A page with the right tag that says over each introduction what `say` gives for the greeting it hears. */
const openIntruder = (here: PeersWorld, say: (greeting: Uint8Array) => readonly Uint8Array[]) => {
  const ended: string[] = []
  const intruder = here.hub.signaling({ name: 'intruder', swarm: here.swarm.id, introductionId: intruderId, tagOf: here.tagOf })
  intruder.start({
    wanted: () => true,
    state: () => undefined,
    unreached: () => undefined,
    met: (introduction) => {
      introduction.start({
        envelope: (bytes) => say(bytes).forEach((envelope) => introduction.send(envelope)),
        closed: (reason) => ended.push(reason),
      })
    },
  })
  return { close: () => intruder.close(), ended }
}

const intrusions: readonly (readonly [string, (greeting: Uint8Array) => readonly Uint8Array[]])[] = [
  ['says noise', () => [Uint8Array.of(1, 2, 3)]],
  ['echoes the greeting it was sent', (greeting) => [greeting]],
  ['says noise without end', () => Array.from({ length: 300 }, (_, index) => new Uint8Array(4096).fill(index))],
]

for (const [what, say] of intrusions) {
  test(`[G7] an introduction by one that ${what} is closed, reported once, and harms nobody`, async () => {
    const here = await createPeersWorld()
    const [a, b] = await openTwo(here)
    const intruder = openIntruder(here, say)
    await here.world.advance(4500)
    expect(a.notices.map(({ code }) => code)).toEqual(['introduction-invalid'])
    expect(intruder.ended.length).toBeGreaterThan(0)
    expect(areConnected(a, b)).toBe(true)
    expect(here.network.connections().length).toBe(1)
    await intruder.close()
    await closeAll(a, b)
  })
}

test('[G7] a page in whose name a stranger said noise for ten minutes is met within half a minute', async () => {
  const here = await createPeersWorld()
  const [small, large] = here.identities
  if (small === undefined || large === undefined) throw new Error('no identities')
  const a = here.open(small, 'small')
  const intruder = openIntruder(here, () => [Uint8Array.of(1, 2, 3)])
  await here.world.advance(600_000)
  expect(a.notices.map(({ code }) => code)).toEqual(['introduction-invalid'])
  await intruder.close()
  const b = here.open(large, 'large', { introductionId: intruderId })
  await here.world.until(() => areConnected(a, b), 45_000)
  await closeAll(a, b)
})

test.each(['lowered', 'identity', 'replaced', 'closed'])('[G7] a peer that says `%s` as soon as it is connected leaves attempts to others', async (reason) => {
  const here = await createPeersWorld()
  const [small, large, third] = here.identities
  if (small === undefined || large === undefined || third === undefined) throw new Error('no identities')
  const [a, b] = [here.open(small, 'small'), here.open(large, 'large')]
  for (let second = 0; second < 300; second++) {
    await here.world.advance(1000)
    for (const { transport } of b.connections()) transport.send(new TextEncoder().encode(`bye ${reason}`))
  }
  expect(timesOf(a, 'opened').length).toBeLessThan(40)
  const c = here.open(third, 'third')
  await here.world.until(() => areConnected(a, c), 10_000)
  await closeAll(a, b, c)
})

test('[G7] a greeting that was recorded on another pipe opens nothing', async () => {
  const here = await createPeersWorld()
  const [a, b] = await openTwo(here)
  const heard: Uint8Array[] = []
  const intruder = openIntruder(here, (greeting) => {
    heard.push(greeting)
    // The first greeting of the other page: sealed by a member, for another introduction.
    return heard.filter((each) => each !== greeting).slice(0, 1)
  })
  await here.world.until(() => a.notices.length + b.notices.length > 0, 60_000)
  expect([...a.notices, ...b.notices].map(({ code }) => code)).toEqual(['introduction-invalid'])
  expect(here.network.connections().length).toBe(1)
  await intruder.close()
  await closeAll(a, b)
})

test('[G7] between equal node ids the smaller introduction id dials', async () => {
  const here = await createPeersWorld()
  const [identity] = here.identities
  if (identity === undefined) throw new Error('no identity')
  const pages = [here.open(identity, 'one'), here.open(identity, 'other')]
  const [dialler] = pages.toSorted((a, b) => (bytesToHex(a.introductionId) < bytesToHex(b.introductionId) ? -1 : 1))
  await here.world.until(() => pages.every(({ connections }) => connections().length === 1), 10_000)
  expect(here.network.connections().map(([from]) => from)).toEqual([dialler?.name])
  await closeAll(...pages)
})

test('[G6] after `close` nothing is tried and nothing told', async () => {
  const here = await createPeersWorld()
  const [a, b] = await openTwo(here)
  await a.peers.close()
  await a.peers.close()
  const told = a.states.length + a.hubStates.length
  here.network.drop('small', 'large')
  a.peers.wake()
  await here.world.advance(60_000)
  expect(timesOf(a, 'opened').length).toBe(1)
  expect(a.states.length + a.hubStates.length).toBe(told)
  await closeAll(b)
})
