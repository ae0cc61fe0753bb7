import { describe, expect, test } from 'vitest'
import { streamIdOf } from '../../src/core/ids.ts'
import { texts } from '../../src/app/i18n/en.ts?compiled'
import { Words } from '../../src/app/i18n/words.svelte.ts'
import { chipWords } from '../../src/app/state/chip-words.ts'
import { copiesOf } from '../../src/app/state/copies.ts'
import { entriesNotHere, safetyOf } from '../../src/app/state/safety.ts'
import { clockAheadMs, historiesOf, noticeKind, problemsOf, tabletsOf } from '../../src/app/state/tablets.ts'
import { nodeIdOf, nodeStatus, offsets, peerStatus } from './status.ts'

const own = offsets({ A: 9 })
const said = (status: Parameters<typeof safetyOf>[0], unsaved = false): string => {
  const words = new Words('en', texts)
  const { title, fact } = chipWords(safetyOf(status, unsaved), '180 MB')
  return `${words.t(...title)} · ${words.t(...fact)}`
}

describe('chip', () => {
  test('[G6] it says how many tablets hold every own entry, and never more than they said', () => {
    const holders = [peerStatus('B', { holds: own }), peerStatus('C', { holds: offsets({ A: 8 }) }), peerStatus('D', { holds: {}, state: 'gone' })]
    expect(safetyOf(nodeStatus({ own, peers: holders }), false)).toMatchObject({ state: 'n', copies: 2, onlyHere: 0, inReach: 2, others: 3 })
    expect(said(nodeStatus({ own, peers: holders }))).toBe('On 2 tablets · 2 of 3 in reach')
  })

  test('[G6] it counts the entries that nobody else said to hold', () => {
    const peers = [peerStatus('B', { holds: offsets({ A: 6 }), state: 'gone' }), peerStatus('C', { holds: offsets({ A: 4 }), state: 'gone' })]
    expect(said(nodeStatus({ own, peers }))).toBe('3 only here · nobody in reach')
  })

  test('[G6] entries of a former identity that another holder has than the new ones do not count as a whole copy', () => {
    const both = { ...offsets({ A: 9 }), ...offsets({ Z: 4 }) }
    const peers = [peerStatus('B', { holds: offsets({ A: 9 }) }), peerStatus('C', { holds: offsets({ Z: 4 }) })]
    expect(said(nodeStatus({ own: both, peers }))).toBe('Elsewhere only in parts · 2 of 2 in reach')
  })

  test.each([
    ['a floor of one', nodeStatus({ own }), 'Only here · no other tablet yet'],
    ['nothing is recorded, so that all hold all of it', nodeStatus({ peers: [peerStatus('B')] }), 'Nothing recorded here yet · 1 of 1 in reach'],
    ['nothing is recorded and nobody else is there', nodeStatus(), 'Nothing recorded here yet · no other tablet yet'],
    ['all hold all', nodeStatus({ own, peers: [peerStatus('B', { holds: own }), peerStatus('C', { holds: own })] }), 'On all 3 tablets · 2 of 2 in reach'],
    ['the disk is nearly full', nodeStatus({ own, storage: { usedBytes: 9e8, quotaBytes: 1e9, persistent: true } }), 'Nearly full · 180 MB left'],
  ])('[G6] %s', (_, status, text) => expect(said(status)).toBe(text))

  test('[G6] what is not saved comes before everything else', () => {
    expect(said(nodeStatus({ own, storage: { usedBytes: 9e8, quotaBytes: 1e9, persistent: true } }), true)).toBe('Not saved · touch to see why')
  })
})

describe('copies', () => {
  test('[G6] each cell says what the holder lacks of all that anybody is known to have', () => {
    const status = nodeStatus({ own, present: { ...own, ...offsets({ B: 3 }) }, peers: [peerStatus('B', { holds: offsets({ A: 4, B: 7 }) }), peerStatus('C', { state: 'gone', holds: {} })] })
    const { owners, rows } = copiesOf(status)
    expect(owners.map(({ code }) => code)).toEqual(['A1', 'B1', 'C1'])
    expect(rows.map(({ code, still, cells }) => [code, still, ...cells.map((cell) => `${cell.state} -${cell.lacks}`)])).toEqual([
      ['A1', false, 'all -0', 'part -4', 'empty -0'],
      ['B1', false, 'part -5', 'all -0', 'empty -0'],
      ['C1', true, 'none -10', 'none -8', 'empty -0'],
    ])
  })

  test('[G6] entries of a former identity stand in the column of this tablet', () => {
    const both = { ...own, ...offsets({ Z: 4 }) }
    const { owners, rows } = copiesOf(nodeStatus({ own: both, present: both, peers: [peerStatus('B', { holds: own })] }))
    expect(owners.map(({ id }) => id)).toEqual([nodeIdOf('A'), nodeIdOf('B')])
    expect(rows[1]?.cells[0]).toMatchObject({ held: 10, lacks: 5, state: 'part' })
  })
})

describe('tablets', () => {
  test('[G6] a tablet in reach that lacks entries of this one is said to be behind', () => {
    const [behind, gone] = tabletsOf(nodeStatus({ own, peers: [peerStatus('B', { holds: offsets({ A: 4 }) }), peerStatus('C', { state: 'gone', sinceMicros: 5 })] }))
    expect(behind).toMatchObject({ code: 'B1', words: 'swarm.state.behind', lacks: 5, lastMicros: undefined })
    expect(gone).toMatchObject({ mark: 'still', words: 'swarm.state.gone', lastMicros: 5 })
  })

  test('[G6] a tablet that others are connected with is in reach, and needs no hand', () => {
    const status = nodeStatus({ peers: [peerStatus('B'), peerStatus('C', { state: 'gone', hops: 2 }), peerStatus('D', { state: 'gone', hops: undefined })] })
    expect(tabletsOf(status).map(({ words }) => words)).toEqual(['swarm.state.connected', 'swarm.state.over', 'swarm.state.gone'])
    expect(problemsOf(status).flatMap(({ kind, about }) => (kind === 'silent' ? [about] : []))).toEqual(['Station D'])
  })

  test('[G6] a silent tablet that went on under a new identity is one tablet, known by its name, and so is one with several histories', () => {
    const silent = (letter: string, sinceMicros: number) => peerStatus(letter, { state: 'gone', name: 'M3 Milling 3', sinceMicros, hops: undefined })
    const status = nodeStatus({ peers: [peerStatus('B'), silent('C', 7), silent('D', 5)] })
    expect(problemsOf(status).map(({ code, about, sinceMicros }) => [code, about, sinceMicros])).toEqual([['NOT-HEARD', 'Milling 3', 7]])
    const fork = (letter: string, sinceMicros: number, entries: readonly number[]) => ({ stream: streamIdOf(nodeIdOf(letter), 0), nodeId: nodeIdOf(letter), end: 4, sinceMicros, foundMicros: 9, entries, displaced: entries.length > 2 ? 1 : 0 })
    const forks = [fork('C', 5, [40, 10]), fork('A', 6, [1, 2]), fork('Z', 7, [3, 3, 1])]
    expect(historiesOf({ ...status, forks }).map(({ name, count, entries, displaced }) => [name, count, entries, displaced])).toEqual([[undefined, 3, [3, 3, 1], 1], ['A1 Station A', 2, [1, 2], 0], ['M3 Milling 3', 2, [40, 10], 0]])
  })

  test('[G6] a tablet that is there and not reached is told from one that is not heard, with the reason once', () => {
    const peers = [peerStatus('B', { state: 'gone' }), peerStatus('C', { state: 'gone' }), peerStatus('D')]
    const unreached = [{ nodeId: nodeIdOf('B'), code: 'REACH-ISOLATED', sinceMicros: 5 }, { nodeId: undefined, code: 'REACH-ISOLATED', sinceMicros: 7 }] as const
    const status = nodeStatus({ peers, unreached })
    // The page that was never heard may be C: there is no row more.
    expect(tabletsOf(status).map(({ words }) => words)).toEqual(['swarm.state.unreached', 'swarm.state.gone', 'swarm.state.connected'])
    expect(problemsOf(status).map(({ code, about, sinceMicros }) => [code, about, sinceMicros])).toEqual([['REACH-ISOLATED', '', 5], ['NOT-HEARD', 'Station C', 0]])
    expect(tabletsOf(nodeStatus({ unreached: [{ nodeId: undefined, code: 'REACH-NAMES', sinceMicros: 5 }] }))).toMatchObject([{ name: '', words: 'swarm.state.unreached', lastMicros: 5 }])
  })

  test('[G6] without a network the hub is not said to be off', () => {
    const hubs = [{ url: 'https://hub', state: 'unreachable', sinceMicros: 7 } as const]
    expect(problemsOf(nodeStatus({ hubs, online: false, cutOffSinceMicros: 3 })).map(({ code }) => code)).toEqual(['REACH-OFFLINE', 'CUT-OFF'])
  })

  test('[G6] the clock is compared with the middle one of the tablets in reach', () => {
    const peers = [peerStatus('B', { clockSkewMs: 900_000 }), peerStatus('C', { clockSkewMs: 840_000 }), peerStatus('D', { clockSkewMs: -5 }), peerStatus('E', { state: 'gone', clockSkewMs: 1 })]
    expect(clockAheadMs(nodeStatus({ peers }))).toBe(-840_000)
    expect(clockAheadMs(nodeStatus())).toBeUndefined()
  })

  test('[G6] what needs a hand is said most serious first, a silent tablet only when others are in reach', () => {
    const gone = peerStatus('C', { state: 'gone' })
    const hubs = [{ url: 'https://hub', state: 'unreachable', sinceMicros: 7 } as const]
    expect(problemsOf(nodeStatus({ peers: [peerStatus('B'), gone], hubs, storage: { usedBytes: 1, quotaBytes: 10, persistent: false } })).map(({ code }) => code)).toEqual(['HUB-OFF', 'NOT-HEARD', 'STORE-NOT-KEPT'])
    expect(problemsOf(nodeStatus({ peers: [gone], cutOffSinceMicros: 3 })).map(({ code }) => code)).toEqual(['CUT-OFF'])
    expect(problemsOf(nodeStatus({ storeFailure: { code: 'STORE-QUOTA', message: '', atMicros: 1 } }))[0]).toMatchObject({ kind: 'store', code: 'STORE-QUOTA' })
  })

  test('[G6] what others hold and this tablet does not is counted once, whoever holds it', () => {
    const peers = [peerStatus('B', { holds: offsets({ A: 9, B: 20, C: 3 }) }), peerStatus('C', { holds: offsets({ B: 15, C: 7 }) })]
    expect(entriesNotHere(nodeStatus({ present: offsets({ A: 9, B: 10 }), peers }))).toBe(10 + 8)
    expect(entriesNotHere(nodeStatus({ present: offsets({ A: 9, B: 20, C: 7 }), peers }))).toBe(0)
  })

  test('[G6] no room and a record that cannot be read have different words', () => {
    const kinds = ['STORE-QUOTA', 'STORE-NEARLY-FULL', 'STORE-UNREADABLE', 'STREAM-HOLE'].map((code) => noticeKind({ code, atMicros: 1, about: undefined, text: '' }))
    expect(kinds).toEqual(['room', 'room', 'store', 'store'])
  })

  test('[G6] a notice whose code is not known has plain words too', () => {
    const kindOf = (code: string, text = '') => noticeKind({ code, atMicros: 1, about: undefined, text })
    expect([kindOf('SOMETHING-NEW'), kindOf('STORE-UNREADABLE'), kindOf('SESSION-ENDED', 'proof: not a member'), kindOf('SESSION-ENDED', 'format: oversized')]).toEqual(['other', 'store', 'intruder', 'refused'])
  })
})
