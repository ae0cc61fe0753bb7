import { expect } from 'vitest'
import { bytesToHex } from '../../src/core/bytes.ts'
import type { TagOf } from '../../src/net/introduction-id.ts'
import { envelopeBytesMax } from '../../src/net/signaling.ts'
import type { Introduction, Signaling, SignalingState } from '../../src/net/signaling.ts'
import type { Timers } from '../../src/net/timers.ts'

/** One hub of its own for each case. */
export interface SignalingFactory {
  readonly open: (options: { readonly swarm: string; readonly introductionId: Uint8Array; readonly tagOf: TagOf; readonly timers: Timers }) => Signaling
  readonly stopHub: () => Promise<void>
  readonly startHub: () => Promise<void>
  /** Registers an id behind which nobody answers a pipe. */
  readonly pretend: (hubId: string) => Promise<void>
  /** Time, perhaps faster than it is. */
  readonly timers: Timers
  /** What does not happen within this time does not happen. */
  readonly patienceMs: number
}

export interface SignalingCase {
  readonly rule: string
  readonly title: string
  readonly run: (factory: SignalingFactory) => Promise<void>
}

const swarm = 'a1'.repeat(16)
const introductionId = (number: number): Uint8Array => new Uint8Array(16).fill(number)
const tagOf: TagOf = async (id) => id.map((byte, at) => byte ^ (at + 0x55))
const hubIdOf = async (number: number, itsSwarm = swarm): Promise<string> =>
  `${itsSwarm}-${bytesToHex(introductionId(number))}-${bytesToHex((await tagOf(introductionId(number))).subarray(0, 8))}`

interface Talk {
  readonly introduction: Introduction
  readonly envelopes: readonly Uint8Array[]
  readonly closings: readonly string[]
}

interface Page {
  readonly number: number
  readonly signaling: Signaling
  readonly states: readonly SignalingState[]
  readonly talks: readonly Talk[]
  /** The talks with one page. */
  readonly talksWith: (number: number) => readonly Talk[]
  readonly until: (what: string, holds: () => boolean) => Promise<void>
}

interface PageOptions {
  readonly swarm?: string
  readonly tagOf?: TagOf
  readonly timers?: Timers
  readonly wanted?: (number: number) => boolean
  /** Called when a page is met, before its introduction is started. */
  readonly met?: (introduction: Introduction) => void
}

const openPage = (factory: SignalingFactory, number: number, options: PageOptions = {}): Page => {
  const states: SignalingState[] = []
  const talks: Talk[] = []
  const watchers = new Set<() => void>()
  const happened = () => {
    for (const watch of watchers) watch()
  }
  const signaling = factory.open({
    swarm: options.swarm ?? swarm,
    introductionId: introductionId(number),
    tagOf: options.tagOf ?? tagOf,
    timers: options.timers ?? factory.timers,
  })
  signaling.start({
    unreached: () => undefined,
    wanted: (peer) => options.wanted?.(peer[0] ?? 0) ?? talks.every(({ introduction, closings }) => introduction.peer[0] !== peer[0] || closings.length > 0),
    met: (introduction) => {
      const [envelopes, closings]: [Uint8Array[], string[]] = [[], []]
      talks.push({ introduction, envelopes, closings })
      options.met?.(introduction)
      introduction.start({
        envelope: (bytes) => {
          envelopes.push(bytes)
          happened()
        },
        closed: (reason) => {
          closings.push(reason)
          happened()
        },
      })
      happened()
    },
    state: (state) => {
      states.push(state)
      happened()
    },
  })
  return {
    number,
    signaling,
    states,
    talks,
    talksWith: (other) => talks.filter(({ introduction }) => introduction.peer[0] === other),
    until: (what, holds) =>
      new Promise<void>((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`page ${number}, not within ${factory.patienceMs} ms: ${what}`)), factory.patienceMs)
        const watch = () => {
          if (!holds()) return
          watchers.delete(watch)
          clearTimeout(timer)
          resolve()
        }
        watchers.add(watch)
        watch()
      }),
  }
}

/** For what no page is told. */
const eventually = (factory: Pick<SignalingFactory, 'patienceMs'>, what: string, holds: () => boolean): Promise<void> =>
  new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(end)
      clearInterval(watch)
    }
    const end = setTimeout(() => {
      stop()
      reject(new Error(`not within ${factory.patienceMs} ms: ${what}`))
    }, factory.patienceMs)
    const watch = setInterval(() => {
      if (!holds()) return
      stop()
      resolve()
    }, 10)
  })

const isReady = (page: Page) => () => page.states.at(-1)?.type === 'ready'
const closeAll = async (...pages: readonly Page[]): Promise<void> => {
  for (const { signaling } of pages) await signaling.close()
}
const haveMet = async (a: Page, b: Page): Promise<readonly [Talk, Talk]> => {
  await a.until(`met ${b.number}`, () => a.talksWith(b.number).length > 0)
  await b.until(`met ${a.number}`, () => b.talksWith(a.number).length > 0)
  const [there, here] = [a.talksWith(b.number)[0], b.talksWith(a.number)[0]]
  if (there === undefined || here === undefined) throw new Error('not met')
  return [there, here]
}

const envelopesInOrder: SignalingCase['run'] = async (factory) => {
  const sent = [1, 3000, 17, envelopeBytesMax, 0, 200].map((length, index) => new Uint8Array(length).fill(index + 1))
  const a = openPage(factory, 1, { met: (introduction) => sent.forEach((envelope) => introduction.send(envelope)) })
  const b = openPage(factory, 2)
  const [there, here] = await haveMet(a, b)
  expect(there.introduction.peer).toEqual(introductionId(2))
  expect(here.introduction.peer).toEqual(introductionId(1))
  for (const envelope of sent.toReversed()) here.introduction.send(envelope)
  await b.until('all there', () => here.envelopes.length === sent.length)
  await a.until('all back', () => there.envelopes.length === sent.length)
  expect(here.envelopes).toEqual(sent)
  expect(there.envelopes).toEqual(sent.toReversed())
  await closeAll(a, b)
}

const tooLarge: SignalingCase['run'] = async (factory) => {
  const [a, b] = [openPage(factory, 1), openPage(factory, 2)]
  const [there, here] = await haveMet(a, b)
  expect(() => there.introduction.send(new Uint8Array(envelopeBytesMax + 1))).toThrow(expect.objectContaining({ code: 'NET-TOO-LARGE' }))
  there.introduction.send(Uint8Array.of(7))
  await b.until('the next one', () => here.envelopes.length > 0)
  expect(here.envelopes).toEqual([Uint8Array.of(7)])
  await closeAll(a, b)
}

const lastWordArrives: SignalingCase['run'] = async (factory) => {
  const [a, b] = [openPage(factory, 1), openPage(factory, 2)]
  const [there, here] = await haveMet(a, b)
  here.introduction.send(Uint8Array.of(9))
  here.introduction.close()
  here.introduction.close()
  here.introduction.send(Uint8Array.of(10))
  await a.until('closed', () => there.closings.length > 0)
  expect(there.envelopes).toEqual([Uint8Array.of(9)])
  expect([there.closings.length, here.closings.length]).toEqual([1, 1])
  await closeAll(a, b)
}

const metAgain: SignalingCase['run'] = async (factory) => {
  const [a, b] = [openPage(factory, 1), openPage(factory, 2)]
  const [there] = await haveMet(a, b)
  there.introduction.close()
  a.signaling.look()
  await a.until('met again', () => a.talksWith(2).length === 2)
  await b.until('met again', () => b.talksWith(1).length === 2)
  expect([a, b].map(({ talks }) => talks.map(({ closings }) => closings.length))).toEqual([[1, 0], [1, 0]])
  await closeAll(a, b)
}

const smallerOpens: SignalingCase['run'] = async (factory) => {
  const pages = [3, 1, 2].map((number) => openPage(factory, number))
  for (const a of pages) for (const b of pages) if (a !== b) await haveMet(a, b)
  // Several turns of looking change nothing while the pipes are there.
  for (const page of pages) page.signaling.look()
  const late = openPage(factory, 4)
  for (const page of pages) await haveMet(page, late)
  const seen = [...pages, late].flatMap((page) => page.talks.map(({ introduction }) => [page.number, introduction.peer[0] ?? 0, introduction.opened] as const))
  expect(seen.length).toBe(12)
  expect(seen.every(([own, peer, opened]) => opened === own < peer)).toBe(true)
  await closeAll(...pages, late)
}

const largerOpensLater: SignalingCase['run'] = async (factory) => {
  // The one with the smaller id does not want to.
  const a = openPage(factory, 1, { wanted: () => false })
  const b = openPage(factory, 2)
  const [there, here] = await haveMet(a, b)
  expect([there.introduction.opened, here.introduction.opened]).toEqual([false, true])
  await closeAll(a, b)
}

const notWanted: SignalingCase['run'] = async (factory) => {
  const a = openPage(factory, 1, { wanted: (number) => number !== 2 })
  const b = openPage(factory, 2, { wanted: () => false })
  await b.until('ready', isReady(b))
  const c = openPage(factory, 3)
  await haveMet(a, c)
  expect(a.talksWith(2)).toEqual([])
  await closeAll(a, b, c)
}

/** Right for all ids but its own. */
const wrongOwnTag = (number: number): TagOf => async (id) => (id[0] === number ? new Uint8Array(16) : tagOf(id))

const wrongTags: SignalingCase['run'] = async (factory) => {
  let tries = 0
  const counted = (number: number): boolean => (number === 5 ? ++tries > 0 : true)
  const intruders = [openPage(factory, 1, { tagOf: wrongOwnTag(1), wanted: counted }), openPage(factory, 9, { tagOf: wrongOwnTag(9) }), openPage(factory, 8, { swarm: 'b2'.repeat(16) })]
  for (const intruder of intruders) await intruder.until('ready', isReady(intruder))
  const [a, b] = [openPage(factory, 5), openPage(factory, 6)]
  await haveMet(a, b)
  // The intruder with the smaller id has opened a pipe; it is closed on it, before it opens or after, and both were never met.
  const [first] = intruders
  const triesThen = tries
  await eventually(factory, 'its pipe closed', () => tries > triesThen + 1 && first?.talksWith(5).every(({ closings }) => closings.length > 0) === true)
  expect([a, b].map(({ talks }) => talks.map(({ introduction }) => introduction.peer[0]))).toEqual([[6], [5]])
  await closeAll(a, b, ...intruders)
}

const pipeThatStaysShut: SignalingCase['run'] = async (factory) => {
  await factory.pretend(await hubIdOf(7))
  let asked = 0
  const a = openPage(factory, 1, { wanted: (number) => (number === 7 ? ++asked > 0 : true) })
  await a.until('ready', isReady(a))
  const b = openPage(factory, 2)
  await haveMet(a, b)
  // Asked again only when the pipe before has been given up.
  await eventually(factory, 'given up', () => asked > 1)
  expect(a.talksWith(7)).toEqual([])
  await closeAll(a, b)
}

const silentPipe: SignalingCase['run'] = async (factory) => {
  const [a, b] = [openPage(factory, 1), openPage(factory, 2)]
  const [there, here] = await haveMet(a, b)
  await a.until('closed', () => there.closings.length > 0)
  await b.until('closed', () => here.closings.length > 0)
  expect([there.closings[0], here.closings[0]]).toContain('its time is over')
  await closeAll(a, b)
}

const hubComesBack: SignalingCase['run'] = async (factory) => {
  const a = openPage(factory, 1)
  await a.until('ready', isReady(a))
  await factory.stopHub()
  await a.until('unreachable', () => a.states.at(-1)?.type === 'unreachable')
  await factory.startHub()
  await a.until('ready again', isReady(a))
  const b = openPage(factory, 2)
  await haveMet(a, b)
  const types = a.states.map(({ type }) => type)
  expect(types.slice(0, 2)).toEqual(['connecting', 'ready'])
  const lost = a.states.filter((state) => state.type === 'unreachable')
  expect(lost.every(({ reason, sinceMicros }) => reason.length > 0 && sinceMicros === lost[0]?.sinceMicros)).toBe(true)
  await closeAll(a, b)
}

const hubIsOffAtFirst: SignalingCase['run'] = async (factory) => {
  await factory.stopHub()
  const a = openPage(factory, 1)
  await a.until('unreachable', () => a.states.at(-1)?.type === 'unreachable')
  await factory.startHub()
  await a.until('ready', isReady(a))
  expect(a.states.map(({ type }) => type).filter((type) => type !== 'unreachable')).toEqual(['connecting', 'ready'])
  await closeAll(a)
}

const wakeTriesAtOnce: SignalingCase['run'] = async (factory) => {
  // With a clock that never comes to the time of the next try.
  const timers: Timers = { ...factory.timers, after: (delayMs, call) => (delayMs < 400 ? factory.timers.after(delayMs, call) : () => undefined) }
  const a = openPage(factory, 1, { timers })
  await a.until('ready', isReady(a))
  await factory.stopHub()
  await a.until('unreachable', () => a.states.at(-1)?.type === 'unreachable')
  await factory.startHub()
  const tries = a.states.length
  await new Promise<void>((resolve) => setTimeout(resolve, 0))
  expect(a.states.length).toBe(tries)
  a.signaling.wake()
  await a.until('ready', isReady(a))
  await closeAll(a)
}

const closesForGood: SignalingCase['run'] = async (factory) => {
  const [a, b] = [openPage(factory, 1), openPage(factory, 2)]
  const [there, here] = await haveMet(a, b)
  await a.signaling.close()
  await a.signaling.close()
  const states = a.states.length
  await b.until('pipe closed', () => here.closings.length > 0)
  expect(there.closings.length).toBe(1)
  a.signaling.wake()
  a.signaling.look()
  const c = openPage(factory, 3)
  await haveMet(b, c)
  expect([a.states.length, a.talks.length, c.talksWith(1).length]).toEqual([states, 1, 0])
  await closeAll(b, c)
}

export const signalingContract: readonly SignalingCase[] = [
  { rule: 'N1', title: 'both meet, and envelopes of every size arrive in order, those sent before `start` too', run: envelopesInOrder },
  { rule: 'N1', title: 'an envelope one byte too large is refused', run: tooLarge },
  { rule: 'N1', title: 'what was sent before `close` arrives', run: lastWordArrives },
  { rule: 'N1', title: 'the same two meet again when they want to', run: metAgain },
  { rule: 'N2', title: 'of four pages the smaller of each two opens one pipe', run: smallerOpens },
  { rule: 'N2', title: 'the larger opens one when the smaller does not', run: largerOpensLater },
  { rule: 'N2', title: 'no pipe is opened to whom nobody wants', run: notWanted },
  { rule: 'N3', title: 'ids with a wrong tag or of another swarm are ignored, and their pipes closed', run: wrongTags },
  { rule: 'N4', title: 'a pipe that does not open is given up and tried again later', run: pipeThatStaysShut },
  { rule: 'N4', title: 'a pipe on which nobody says anything is closed by itself', run: silentPipe },
  { rule: 'N5', title: 'a hub that goes and comes back', run: hubComesBack },
  { rule: 'N5', title: 'a hub that is off at first', run: hubIsOffAtFirst },
  { rule: 'N5', title: '`wake` tries at once', run: wakeTriesAtOnce },
  { rule: 'N6', title: 'after `close` nothing happens any more', run: closesForGood },
]
