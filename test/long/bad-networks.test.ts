import type { Page } from 'playwright-core'
import { describe, expect, test, type TestContext } from 'vitest'
import { filterMulticast, heal, losePackets, part, slowDown } from '../floor/bad-network.ts'
import { expectTrueClaims, offsetsOf, watchClaims, type Cut, type FloorTablet, type Holdings } from '../floor/claims.ts'
import { createFloor, type Floor } from '../floor/floor.ts'
import { splitLog } from '../floor/production-log.ts'
import { beginFloor, connected, historyOf, holding, inviteLink, joinFloor, nodeIdOf, type Offsets, ownOf, publishInSteps, show } from '../floor/tablet-page.ts'
import { freeze, resume, type PlainBrowser } from './plain-browser.ts'

// Floors with a bad network, each in namespaces of its own: meanwhile every screen says what is true of who is in reach and who holds what, at the end all are connected and hold the same.

/** So long after the last publish what is said has settled. */
const settleMs = 5000

type State = 'connected' | 'suspect' | 'asleep' | 'connecting' | 'gone'

/** What may be said of another tablet, so long after the network became what it is. */
type Truth = (from: FloorTablet, to: FloorTablet, sinceMs: number) => readonly State[]

const inReach: Truth = () => ['connected']
/** On a link that is full a heartbeat waits behind the rest: what is silent for 6 s may be said to be. */
const slowly: Truth = () => ['connected', 'suspect']
/** Silence is noticed after 6 s; the browsers give a connection up after some 16 s. */
const silent = (sinceMs: number): readonly State[] => (sinceMs < 9000 ? ['connected', 'suspect'] : sinceMs < 25_000 ? ['suspect', 'connecting', 'gone'] : ['connecting', 'gone'])

/** Words of the Swarm screen. One that is there and not reached is a cause more than silence. */
const words: Readonly<Record<State, RegExp>> = {
  connected: /^in reach, (holds all|lacks [\d,]+)$/, suspect: /^(silent for a moment|at the hub, not reached)$/, asleep: /^asleep, screen off$/, connecting: /^is being connected$/, gone: /^(not heard|at the hub, not reached)$/,
}

const wordsShown = async (page: Page): Promise<Readonly<Record<string, string>>> => {
  await show(page, 'tablets')
  return page.getByTestId('tablets').evaluate((table) =>
    Object.fromEntries([...table.querySelectorAll<HTMLElement>('tbody tr')].map((row) => [row.dataset['node'] ?? '', row.querySelector('td')?.innerText.trim() ?? ''])))
}

/** Some tablets of one floor, connected, and what is found untrue of what they say. */
class Watched {
  readonly floor: Floor
  readonly tablets: readonly FloorTablet[]
  readonly lies: string[] = []
  #truth: Truth = inReach
  #still: Holdings = new Map()
  #sinceMs = performance.now()

  constructor(floor: Floor, tablets: readonly FloorTablet[]) {
    this.floor = floor
    this.tablets = tablets
  }

  /** From now on the network is another one. @param still what those hold that stand still */
  becomes(truth: Truth, still: Holdings = new Map()): void {
    this.#truth = truth
    this.#still = still
    this.#sinceMs = performance.now()
  }

  page(n: number): Page {
    const tablet = this.tablets[n - 1]
    if (tablet === undefined) throw new Error(`there is no tablet ${n}`)
    return tablet.page()
  }

  get asked(): readonly FloorTablet[] {
    return this.tablets.filter(({ nodeId }) => !this.#still.has(nodeId))
  }

  /** Looks at all that is said, again and again, while `work` is done. */
  async during(work: () => Promise<unknown>): Promise<void> {
    const claims = watchClaims(this.tablets, this.#still)
    let stopped = false
    let rounds = 0
    const looking = (async () => {
      for (; !stopped; rounds++) await this.#lookAtStates()
    })()
    await work()
    stopped = true
    await looking
    const result = await claims.stop()
    if (Math.min(rounds, result.rounds) === 0) throw new Error('nothing was looked at')
    this.lies.push(...result.lies)
  }

  async #lookAtStates(): Promise<void> {
    // What was true when it was read is judged by both times: it may have become so in between.
    const before = performance.now() - this.#sinceMs
    const truth = this.#truth
    const said = await Promise.all(this.asked.map(async (from) => [from, await from.page().evaluate(() => (globalThis.millpond?.status().peers ?? []).map(({ nodeId, state }) => [nodeId, state] as const))] as const))
    const after = performance.now() - this.#sinceMs
    for (const [from, peers] of said) {
      for (const to of this.tablets) {
        const state = peers.find(([nodeId]) => nodeId === to.nodeId)?.[1]
        const allowed = [...truth(from, to, before), ...truth(from, to, after)]
        if (from !== to && (state === undefined || !allowed.includes(state))) this.lies.push(`after ${Math.round(after)} ms ${from.nodeId} says that ${to.nodeId} is ${state}, not ${allowed.join()}`)
      }
    }
    await this.asked[0]?.page().waitForTimeout(300)
  }

  /** Waits until so long after the network changed, then reads the screens: states, copies and chips. */
  async moment(atMs: number, cut?: Cut): Promise<void> {
    const waitMs = Math.max(settleMs, this.#sinceMs + atMs - performance.now())
    await this.during(async () => this.asked[0]?.page().waitForTimeout(waitMs))
    for (const from of this.asked) {
      const shown = await wordsShown(from.page())
      const since = performance.now() - this.#sinceMs
      for (const to of this.tablets) {
        const text = shown[to.nodeId] ?? 'nothing'
        if (from !== to && !this.#truth(from, to, since).some((state) => words[state].test(text))) this.lies.push(`after ${Math.round(since)} ms the screen of ${from.nodeId} says of ${to.nodeId}: ${text}`)
      }
    }
    await expectTrueClaims(this.tablets, cut, this.#still)
  }
}

/** All connected and equal, and nothing was said that was not so. @returns milliseconds until all were connected, and until all held the same */
const expectEnd = async (watched: Watched): Promise<readonly [connectedMs: number, equalMs: number]> => {
  const began = performance.now()
  const numbers = watched.tablets.map((_, at) => at + 1)
  await Promise.all(numbers.map((n) => connected(watched.page(n), numbers.length - 1)))
  const connectedMs = Math.round(performance.now() - began)
  const own: Offsets = Object.assign({}, ...(await Promise.all(numbers.map((n) => ownOf(watched.page(n))))))
  await Promise.all(numbers.map((n) => holding(watched.page(n), own)))
  const equalMs = Math.round(performance.now() - began)
  const [first, ...others] = await Promise.all(numbers.map((n) => historyOf(watched.page(n))))
  expect(others).toEqual(others.map(() => first))
  expect(first?.count).toBe(Object.values(own).reduce((sum, last) => sum + last + 1, 0))
  watched.becomes(inReach)
  await watched.moment(0)
  expect(watched.lies).toEqual([])
  return [connectedMs, equalMs]
}

interface Meeting {
  /** The network before anybody meets. Default: a good one. */
  readonly make?: (floor: Floor) => Promise<unknown>
  /** The page of a tablet. */
  readonly open?: (floor: Floor, n: number) => Promise<Page>
}

const openPage = async (floor: Floor, n: number): Promise<Page> => (await floor.tablet(n)).page

const meet = async ({ onTestFinished }: TestContext, count: number, { make, open = openPage }: Meeting = {}): Promise<Watched> => {
  const floor = await createFloor(count)
  onTestFinished(() => floor.close())
  await floor.startHub()
  await make?.(floor)
  const pages: Page[] = []
  for (let n = 1; n <= count; n++) pages.push(await open(floor, n))
  const [first, ...others] = pages
  if (first === undefined) throw new Error('a floor has tablets')
  await beginFloor(first, floor.hubOrigin, 'Turning and Milling 4')
  const link = await inviteLink(first)
  for (const [at, page] of others.entries()) await joinFloor(page, link, `Station ${at + 2}`)
  await Promise.all(pages.map((page) => connected(page, count - 1)))
  return new Watched(floor, await Promise.all(pages.map(async (page) => ({ nodeId: await nodeIdOf(page), page: () => page }))))
}

const log = splitLog(4)
/** The next entries of the log, in steps. */
const publish = (watched: Watched, n: number, first: number, count: number): Promise<void> => publishInSteps(watched.page(n), (log[n - 1] ?? []).slice(first, first + count), 10)

/** Two tablets of which the second can be frozen and stopped; `front` is another page of its window. */
const meetStoppable = async (context: TestContext): Promise<{ readonly watched: Watched; readonly browser: PlainBrowser; readonly front: Page }> => {
  const opened: { browser: PlainBrowser; front: Page }[] = []
  const watched = await meet(context, 2, {
    open: async (floor, n) => {
      if (n === 1) return openPage(floor, n)
      const browser = await floor.plainTablet(2)
      opened.push({ browser, front: await browser.context.newPage() })
      return browser.context.newPage()
    },
  })
  const [second] = opened
  if (second === undefined) throw new Error('the second tablet was not opened')
  return { watched, ...second }
}
const holdingsOf = async (watched: Watched, n: number): Promise<Holdings> => offsetsOf(watched.tablets.slice(n - 1, n))

describe.concurrent('side by side', () => {
  test('[G9] [G3] multicast is filtered: with the STUN of the hub tablets connect all the same', async (context) => {
    const watched = await meet(context, 2, { make: filterMulticast })
    await watched.during(() => Promise.all([1, 2].map((n) => publish(watched, n, 0, 100))))
    await expectEnd(watched)
  })

  test('[G3] [G6] every tenth packet is lost', async (context) => {
    const watched = await meet(context, 2, { make: (floor) => losePackets(floor, 2, 0.1) })
    for (const round of [0, 1, 2]) {
      await watched.during(() => Promise.all([1, 2].map((n) => publish(watched, n, round * 200, 200))))
      await watched.moment(0)
    }
    console.log(`loss: connected, equal after ${(await expectEnd(watched)).join(', ')} ms`)
  })

  test('[G3] [G6] a link of 1 Mbit/s', async (context) => {
    const watched = await meet(context, 2)
    await slowDown(watched.floor, 2, '1mbit')
    watched.becomes(slowly)
    const began = performance.now()
    await watched.during(async () => {
      await Promise.all([publish(watched, 1, 0, 2400), publish(watched, 2, 0, 600)])
      await Promise.all([holding(watched.page(2), await ownOf(watched.page(1))), holding(watched.page(1), await ownOf(watched.page(2)))])
    })
    console.log(`1 Mbit/s: 3,000 entries on both after ${Math.round(performance.now() - began)} ms`)
    await expectEnd(watched)
  })

  test('[G1] [G3] [G6] a browser that stands still for 45 s', async (context) => {
    const { watched, browser } = await meetStoppable(context)
    const still = await holdingsOf(watched, 2)
    browser.signal('SIGSTOP')
    watched.becomes((_, __, sinceMs) => silent(sinceMs), still)
    const at = new Map([...still, ...(await holdingsOf(watched, 1))])
    const cut: Cut = { at, apart: (from, to) => from !== to }
    await watched.during(() => publish(watched, 1, 0, 200))
    await watched.moment(12_000, cut)
    await watched.moment(45_000, cut)
    browser.signal('SIGCONT')
    console.log(`stopped: connected, equal after ${(await expectEnd(watched)).join(', ')} ms`)
  })

  test('[G1] [G3] [G6] a page that is frozen for 30 s', async (context) => {
    const { watched, front } = await meetStoppable(context)
    const still = await holdingsOf(watched, 2)
    const frozen = await freeze(watched.page(2), front)
    watched.becomes((_, __, sinceMs) => (sinceMs < 3000 ? ['connected', 'asleep'] : ['asleep']), still)
    const cut: Cut = { at: new Map([...still, ...(await holdingsOf(watched, 1))]), apart: (from, to) => from !== to }
    await watched.during(() => publish(watched, 1, 0, 200))
    await watched.moment(10_000, cut)
    await watched.moment(30_000, cut)
    await resume(watched.page(2), frozen)
    console.log(`frozen: connected, equal after ${(await expectEnd(watched)).join(', ')} ms`)
  })

  test('[G1] [G3] [G6] a partition into two and two that both go on publishing', async (context) => {
    const watched = await meet(context, 4)
    await watched.during(() => Promise.all([1, 2, 3, 4].map((n) => publish(watched, n, 0, 100))))
    await watched.moment(0)
    const cut: Cut = { at: await offsetsOf(watched.tablets), apart: (from, to) => isFirstPart(watched, from) !== isFirstPart(watched, to) }
    await part(watched.floor, [1, 2], [3, 4])
    watched.becomes((from, to, sinceMs) => (cut.apart(from.nodeId, to.nodeId) ? silent(sinceMs) : ['connected']))
    for (const [round, atMs] of [12_000, 40_000].entries()) {
      await watched.during(() => Promise.all([1, 2, 3, 4].map((n) => publish(watched, n, 100 + round * 100, 100))))
      await watched.moment(atMs, cut)
    }
    await heal(watched.floor)
    console.log(`partition: connected, equal after ${(await expectEnd(watched)).join(', ')} ms`)
  })
})

const isFirstPart = ({ tablets }: Watched, nodeId: string): boolean => tablets.slice(0, 2).some((tablet) => tablet.nodeId === nodeId)
