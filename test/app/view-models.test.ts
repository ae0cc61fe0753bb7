import { describe, expect, test } from 'vitest'
import { StoreError, type Meta, type NodeStatus } from '../../src/index.ts'
import { bannerOf } from '../../src/app/state/banner.ts'
import { addPieces, chooseCount, deleteDigit, noCounts, typeDigit } from '../../src/app/state/counts.ts'
import { Entries } from '../../src/app/state/entries.svelte.ts'
import { Opening } from '../../src/app/state/opening.svelte.ts'
import { invitationIn, parsePlace, placeToHash } from '../../src/app/state/place.svelte.ts'
import { readChoices } from '../../src/app/state/settings.svelte.ts'
import { unfitFor } from '../../src/app/state/support.ts'
import { codeFor, joinName, splitName, toCode } from '../../src/app/state/tablet-name.ts'
import { nodeStatus, peerStatus } from './status.ts'

const settled = () => new Promise<void>((done) => queueMicrotask(() => queueMicrotask(done)))

describe('entries', () => {
  const meta: readonly Meta[] = []
  test('[G2] an entry is saved when the node said so, and not before', async () => {
    let done: (meta: readonly Meta[]) => void = () => undefined
    const entries = new Entries({ publish: () => new Promise((resolve) => (done = resolve)) }, () => 7)
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
    const entries = new Entries({ publish }, () => 7)
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
  const refuse = (code: 'STORE-BLOCKED' | 'STORE-QUOTA') => () => Promise.reject(new StoreError(code, 'no'))
  test('[G6] a floor that cannot be opened is said with its code, and can be tried again', async () => {
    const opening = new Opening({ known: () => true, open: refuse('STORE-BLOCKED'), begin: refuse('STORE-QUOTA'), join: refuse('STORE-QUOTA') })
    expect(opening.current).toEqual({ type: 'opening' })
    await settled()
    expect(opening.current).toEqual({ type: 'failed', code: 'STORE-BLOCKED' })
  })

  test('[G7] a page opened by an invitation asks first, also where a floor is known, and changes nothing by itself', () => {
    const opening = new Opening({ known: () => true, open: refuse('STORE-BLOCKED'), begin: refuse('STORE-QUOTA'), join: refuse('STORE-QUOTA') }, true)
    expect([opening.current, opening.known]).toEqual([{ type: 'first', code: '' }, true])
  })

  test('[G6] a floor that cannot be begun leads back to the first step, with the code', async () => {
    const opening = new Opening({ known: () => false, open: refuse('STORE-BLOCKED'), begin: refuse('STORE-QUOTA'), join: refuse('STORE-QUOTA') })
    expect(opening.current).toEqual({ type: 'first', code: '' })
    opening.begin('TM4')
    await settled()
    expect(opening.current).toEqual({ type: 'first', code: 'STORE-QUOTA' })
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
