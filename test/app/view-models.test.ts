import { describe, expect, test } from 'vitest'
import { StoreError, type Event, type Meta, type Node, type NodeStatus, type StoreErrorCode, type Stored, type SwarmId } from '../../src/index.ts'
import { bannerOf } from '../../src/app/state/banner.ts'
import { addPieces, chooseCount, deleteDigit, noCounts, typeDigit } from '../../src/app/state/counts.ts'
import { Entries } from '../../src/app/state/entries.svelte.ts'
import { Opening, type Floors, type Recovery } from '../../src/app/state/opening.svelte.ts'
import { invitationIn, parsePlace, placeToHash } from '../../src/app/state/place.svelte.ts'
import { reloadOnce } from '../../src/app/state/reload-once.ts'
import { readChoices } from '../../src/app/state/choices.ts'
import { unfitFor } from '../../src/app/state/support.ts'
import { codeFor, joinName, splitName, toCode } from '../../src/app/state/tablet-name.ts'
import { nodeStatus, peerStatus } from './status.ts'

const settled = () => new Promise<void>((done) => queueMicrotask(() => queueMicrotask(done)))

const silent: Pick<Node, 'query'> = { query: async function* () { /* Holds nothing. */ } }

describe('entries', () => {
  const meta: readonly Meta[] = []
  test('[G2] an entry is saved when the node said so, and not before', async () => {
    let done: (meta: readonly Meta[]) => void = () => undefined
    const entries = new Entries({ ...silent, publish: () => new Promise((resolve) => (done = resolve)) }, () => 7)
    entries.record([], 'entry.started', { operation: 'Lapping', order: 'W1' })
    expect(entries.last?.state).toBe('saving')
    done(meta)
    await settled()
    expect(entries.last?.state).toBe('saved')
  })

  test('[G6] one that could not be stored stays, with its code, until the same events are stored', async () => {
    const published: unknown[] = []
    let full = true
    const publish = (events: readonly unknown[]) => {
      published.push(events)
      return full ? Promise.reject(new StoreError('STORE-QUOTA', 'full')) : Promise.resolve(meta)
    }
    const entries = new Entries({ ...silent, publish }, () => 7)
    const events = [{ tags: ['operation'], event: 1 }]
    entries.record(events, 'entry.started', { operation: 'Lapping', order: 'W1' })
    await settled()
    expect(entries.failed).toMatchObject([{ state: 'failed', code: 'STORE-QUOTA' }])
    full = false
    entries.record([], 'entry.started', { operation: 'Packing', order: 'W2' })
    await settled()
    expect(entries.failed).toHaveLength(1)
    entries.retry(entries.failed[0]?.id ?? 0)
    await settled()
    expect([entries.failed, published.at(-1)]).toEqual([[], events])
  })
})

describe('entries of a page that was loaded anew', () => {
  const events = [{ tags: ['operation'], event: { order: 'W1' } }]
  const keeping = () => {
    const texts = new Map<string, string>()
    return { getItem: (key: string) => texts.get(key) ?? null, setItem: (key: string, text: string) => void texts.set(key, text), removeItem: (key: string) => void texts.delete(key) }
  }
  const stuck = { ...silent, publish: () => new Promise<readonly Meta[]>(() => undefined) }

  test('[G2] [G6] what was not saved is there again as not saved, and goes when it is', async () => {
    const kept = keeping()
    new Entries(stuck, () => 7, undefined, kept).record(events, 'entry.started', { operation: 'Lapping', order: 'W1' })
    const after = new Entries({ ...silent, publish: () => Promise.resolve([]) }, () => 8, undefined, kept)
    await settled()
    expect(after.failed).toMatchObject([{ state: 'failed', code: 'STORE-LOST', events, atMicros: 7 }])
    after.retry(after.failed[0]?.id ?? 0)
    await settled()
    expect([after.failed, new Entries(stuck, () => 9, undefined, kept).unsaved]).toEqual([[], []])
  })

  test('[G2] what was stored after all is not asked for again', async () => {
    const kept = keeping()
    new Entries(stuck, () => 7, undefined, kept).record(events, 'entry.started', { operation: 'Lapping', order: 'W1' })
    const query = async function* () {
      yield { meta: { isLocalEvent: true, timestampMicros: 7 }, payload: { order: 'W1' } } as unknown as Event
    }
    const after = new Entries({ ...stuck, query }, () => 8, undefined, kept)
    for (let turn = 0; turn < 5; turn++) await settled()
    expect(after.unsaved).toEqual([])
  })

  test('[G7] what is noted and is none harms nothing', () => {
    for (const text of ['{', '7', '[1,{}]']) {
      const kept = { ...keeping(), getItem: () => text }
      expect(new Entries(stuck, () => 7, undefined, kept).unsaved).toEqual([])
    }
  })
})

describe('banner', () => {
  const entry = { id: 1, events: [], key: 'entry.started' as const, values: {}, atMicros: 1, state: 'failed' as const, code: 'STORE-QUOTA' }
  const all: NodeStatus = nodeStatus({
    storage: { usedBytes: 95, quotaBytes: 100, persistent: true }, cutOffSinceMicros: 5, storeFailure: { code: 'STORE-LOST', message: '', atMicros: 1 },
    peers: [peerStatus('B', { clockSkewMs: 900_000 })],
  })
  const reunion = { sinceMicros: 9, entries: 41, changed: new Set(['W1']) }

  test('[G6] one at a time, most serious first', () => {
    const kinds: (string | undefined)[] = []
    let facts = { status: all, failed: [entry], reunion, updateReady: true, nowMicros: 10_000_005 } as Parameters<typeof bannerOf>[0]
    const take = (change: Partial<typeof facts>): void => {
      kinds.push(bannerOf(facts)?.title)
      facts = { ...facts, ...change }
    }
    take({ failed: [] })
    take({ status: { ...all, storeFailure: undefined } })
    take({ status: nodeStatus({ cutOffSinceMicros: 5, peers: all.peers }) })
    take({ status: nodeStatus({ cutOffSinceMicros: 5 }) })
    take({ nowMicros: 10_000_004 })
    take({ status: nodeStatus() })
    take({ reunion: undefined })
    take({ updateReady: false })
    take({})
    expect(kinds).toEqual(['banner.fail', 'banner.store', 'banner.full', 'banner.clock.behind', 'banner.cut', 'banner.back', 'banner.back', 'banner.update', undefined])
  })
})

describe('opening', () => {
  const swarm = '00112233445566778899aabbccddeeff' as SwarmId
  const here: Stored = { type: 'here', swarm }
  const refuse = (code: StoreErrorCode) => () => Promise.reject(new StoreError(code, 'no'))

  /** A profile of which a test says what it holds, and a page whose timers run at once. */
  const open = (change: Partial<Floors> = {}, stored: Stored = here, invited = false) => {
    const waits: number[] = []
    const seen = { waits, reloads: 0, mayReload: true, again: () => undefined as void }
    const recovery: Recovery = {
      after: (delayMs, call) => {
        waits.push(delayMs)
        if (delayMs < 5_000) call()
        else seen.again = call
      },
      reload: () => {
        if (seen.mayReload) seen.reloads++
        return seen.mayReload
      },
    }
    const floors: Floors = { find: () => Promise.resolve(stored), open: refuse('STORE-BLOCKED'), begin: refuse('STORE-QUOTA'), join: refuse('STORE-QUOTA'), ...change }
    return { seen, opening: new Opening(floors, recovery, invited) }
  }
  const settledLong = async () => {
    for (let turn = 0; turn < 20; turn++) await settled()
  }

  test('[G6] a floor that another window holds is said with its code, and is opened by itself when that lets go', async () => {
    const node = { observe: () => () => undefined } as unknown as Node
    let isHeld = true
    const { opening, seen } = open({ open: () => (isHeld ? refuse('STORE-BLOCKED')() : Promise.resolve(node)) })
    expect(opening.current).toEqual({ type: 'opening' })
    await settledLong()
    expect(opening.current).toEqual({ type: 'failed', code: 'STORE-BLOCKED' })
    isHeld = false
    seen.again()
    await settledLong()
    expect(opening.current).toEqual({ type: 'open', node })
  })

  test('[G7] a page opened by an invitation asks first, also where a floor is known, and changes nothing by itself', async () => {
    const { opening } = open({}, here, true)
    await settledLong()
    expect([opening.current, opening.known]).toEqual([{ type: 'first', code: '' }, true])
  })

  test('[G6] a floor that cannot be begun leads back to the first step, with the code', async () => {
    const { opening } = open({}, { type: 'new' })
    await settledLong()
    expect([opening.current, opening.known]).toEqual([{ type: 'first', code: '' }, false])
    opening.begin('TM4')
    await settledLong()
    expect(opening.current).toEqual({ type: 'first', code: 'STORE-QUOTA' })
  })

  test('[G6] a tablet that the browser has cleared says so, and only then asks for a floor', async () => {
    const { opening } = open({}, { type: 'cleared', swarm, mark: undefined })
    await settledLong()
    expect(opening.current).toEqual({ type: 'cleared', mark: undefined })
    opening.choose()
    expect([opening.current, opening.known]).toEqual([{ type: 'first', code: '' }, false])
  })

  test('[G6] a disk that does not answer is asked three times, then the page is loaded anew, and if that was done before the person is told', async () => {
    const { opening, seen } = open({ open: refuse('STORE-FAILED') })
    await settledLong()
    expect([seen.waits, seen.reloads, opening.current]).toEqual([[1_000, 3_000], 1, { type: 'opening' }])
    const second = open({ find: refuse('STORE-LOST') })
    second.seen.mayReload = false
    await settledLong()
    expect([second.seen.waits, second.opening.current]).toEqual([[1_000, 3_000], { type: 'failed', code: 'STORE-LOST' }])
  })

  test('[G6] an open node whose disk is gone: reload once, else the screen; it goes when the disk is back; a floor that was left leads to the first step', async () => {
    let tell: (status: NodeStatus) => void = () => undefined
    const node = { observe: (changed: typeof tell) => (tell = changed) } as unknown as Node
    const { opening, seen } = open({ open: () => Promise.resolve(node) })
    await settledLong()
    const fail = (code: string) => tell(nodeStatus({ storeFailure: { code, message: '', atMicros: 1 } }))
    fail('STORE-LOST')
    expect([opening.ended, seen.reloads]).toEqual(['', 0])
    fail('STORE-STUCK')
    expect([opening.ended, seen.reloads]).toEqual(['', 1])
    seen.mayReload = false
    fail('STORE-STUCK')
    expect([opening.ended, opening.current]).toEqual(['STORE-STUCK', { type: 'open', node }])
    tell(nodeStatus())
    expect(opening.ended).toBe('')
    fail('STORE-NEWER')
    expect(opening.ended).toBe('STORE-NEWER')
    fail('STORE-LEFT')
    expect([opening.ended, opening.known, opening.current]).toEqual(['', false, { type: 'first', code: 'STORE-LEFT' }])
  })
})

describe('a page that loads itself anew', () => {
  const page = (isVisible = true) => {
    const kept = new Map<string, string>()
    const parts = { kept: { getItem: (key: string) => kept.get(key) ?? null, setItem: (key: string, text: string) => void kept.set(key, text) }, nowMs: () => now, isVisible: () => isVisible, reload: () => void count++ }
    let [now, count] = [1_000_000, 0]
    return { parts, pass: (ms: number) => (now += ms), count: () => count }
  }
  test('[G6] does so once in ten minutes, never unseen, and never where it cannot note it', () => {
    const { parts, pass, count } = page()
    expect([reloadOnce(parts), reloadOnce(parts)]).toEqual([true, false])
    pass(599_000)
    expect(reloadOnce(parts)).toBe(false)
    pass(2_000)
    expect([reloadOnce(parts), count()]).toEqual([true, 2])
    expect(reloadOnce(page(false).parts)).toBe(false)
    const refusing = { getItem: () => null, setItem: () => { throw new Error('no') } }
    expect(reloadOnce({ ...page().parts, kept: refusing })).toBe(false)
    expect(reloadOnce({ ...page().parts, kept: { getItem: () => null, setItem: () => undefined } })).toBe(false)
    expect(reloadOnce({ ...page().parts, kept: { getItem: () => 'not a time', setItem: () => undefined } })).toBe(false)
  })
})

describe('numbers of a finish', () => {
  test('[A7] the first digit begins anew, the next ones follow; ten more and one less never go below zero', () => {
    const typed = typeDigit(typeDigit(typeDigit(noCounts, 2), 4), 7)
    expect(typed).toMatchObject({ good: 247, scrap: 0 })
    expect(typeDigit(chooseCount(typed, 'good'), 5).good).toBe(5)
    expect(addPieces(typed, 'scrap', -1).scrap).toBe(0)
    expect(addPieces(typed, 'scrap', 10)).toMatchObject({ scrap: 10, chosen: 'scrap' })
    expect(deleteDigit(typed).good).toBe(24)
  })

  test('[A7] a number that no order has is not taken', () => {
    const many = Array.from({ length: 12 }).reduce<typeof noCounts>((counts) => typeDigit(counts, 9), noCounts)
    expect(many.good).toBe(999_999_999)
  })
})

describe('names of tablets', () => {
  test.each([
    ['Turning & Milling 4', 'TM4'], ['Turning and Milling - Machine 04', 'TMM4'], ['packing', 'PAC'], ['Final Inspection', 'FI'], ['Übergabe Süd', 'ÜS'], ['', ''],
  ])('[A7] %s gets the code %s', (name, code) => expect(codeFor(name)).toBe(code))

  test('[A7] code and name go in one text and come out again', () => {
    const tablet = { code: 'TM4', name: 'Turning & Milling 4' }
    expect(splitName(joinName(tablet))).toEqual(tablet)
    expect(splitName('ID4618')).toEqual({ code: 'ID4618', name: '' })
    expect(splitName('Tablet of the shift')).toEqual({ code: 'T', name: 'Tablet of the shift' })
    expect(toCode('tm-4 north')).toBe('TM4NOR')
  })
})

describe('places', () => {
  test('[A7] a place stands in the address and is read from it; what is unknown leads to the orders', () => {
    const order = { name: 'order' as const, order: 'W 20/447' }
    expect(parsePlace(placeToHash(order))).toEqual(order)
    expect(parsePlace('#copies')).toEqual({ name: 'copies' })
    expect(parsePlace('#join=abc')).toEqual({ name: 'orders' })
  })

  test('[A7] the invitation is found in a link and in a pasted text, nothing is found in other text', () => {
    const invitation = 'AbC_-9'.repeat(20)
    expect(invitationIn(`https://10.0.0.1:8443/#join=${invitation}`)).toBe(invitation)
    expect(invitationIn(` ${invitation}\n`)).toBe(invitation)
    expect(invitationIn('hello there')).toBeUndefined()
    expect(invitationIn('https://10.0.0.1:8443/')).toBeUndefined()
  })
})

describe('before anything', () => {
  test('[G9] the choices kept on this tablet come before those of the browser', () => {
    const kept = new Map([['millpond.theme', 'dark'], ['millpond.language', 'xx']])
    expect(readChoices({ getItem: (key) => kept.get(key) ?? null }, ['de-DE'])).toEqual({ theme: 'dark', language: 'de' })
  })

  test('[G6] an insecure address and an old browser are told apart, with what is missing', () => {
    const fit = { isSecureContext: true, indexedDB: 1, RTCPeerConnection: 1, BroadcastChannel: 1, CompressionStream: 1, DecompressionStream: 1, navigator: { locks: 1 }, crypto: { subtle: 1 } }
    expect(unfitFor(fit)).toBeUndefined()
    expect(unfitFor({ ...fit, isSecureContext: false })).toEqual({ type: 'insecure' })
    expect(unfitFor({ ...fit, RTCPeerConnection: undefined, navigator: {} })).toEqual({ type: 'old', missing: ['RTCPeerConnection', 'Web Locks'] })
  })
})
