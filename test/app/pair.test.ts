import { describe, expect, test } from 'vitest'
import { NodeError, parseNodeId, type Pairing, type PairingState } from '../../src/index.ts'
import { PairRun } from '../../src/app/state/pair.svelte.ts'

/** A pairing whose states a test gives; the real one has tests of its own. */
const stagePairing = (refusal?: NodeError) => {
  let changed: (state: PairingState) => void = () => undefined
  let closed = 0
  const told: string[] = []
  const pair = (): Pairing => ({
    offer: () => Promise.resolve(told.push('offer').toString()),
    answer: (text) => (refusal === undefined ? Promise.resolve(told.push(`answer ${text}`).toString()) : Promise.reject(refusal)),
    accept: (text) => {
      told.push(`accept ${text}`)
      if (refusal !== undefined) throw refusal
    },
    state: () => ({ type: 'idle' }),
    observe: (call) => {
      changed = call
      return () => (changed = () => undefined)
    },
    close: () => void closed++,
  })
  return { pair, told, say: (state: PairingState) => changed(state), closed: () => closed }
}
const settled = () => new Promise<void>((done) => setTimeout(done))
const peer = parseNodeId(`${'B'.repeat(42)}A`)

describe('the screen of a pairing', () => {
  test('[A7] who shows the first code goes on to the answer, and to the end', () => {
    if (peer === undefined) throw new Error('no node id')
    const { pair, told, say } = stagePairing()
    const run = new PairRun({ pair })
    expect(run.view).toEqual({ type: 'choose' })
    run.show()
    say({ type: 'making', role: 'offer' })
    expect(run.view).toMatchObject({ type: 'making' })
    say({ type: 'showing', role: 'offer', text: 'MP:A', untilMicros: 5 })
    expect(run.view).toEqual({ type: 'show', role: 'offer', text: 'MP:A', untilMicros: 5 })
    run.take('MP:B')
    expect(told).toEqual(['offer', 'accept MP:B'])
    say({ type: 'connected', peer })
    expect(run.view).toEqual({ type: 'connected', peer })
  })

  test('[A7] who takes the first code waits for it', async () => {
    const { pair, told } = stagePairing()
    const run = new PairRun({ pair })
    run.beginTaking()
    expect(run.view).toEqual({ type: 'take' })
    run.take('MP:A')
    await settled()
    expect(told).toEqual(['answer MP:A'])
  })

  test('[A7] a wrong text is said until the next one, and changes nothing else', async () => {
    const { pair, say } = stagePairing(new NodeError('PAIR-SHORT', 'cut'))
    const run = new PairRun({ pair })
    run.beginTaking()
    run.take('MP:')
    await settled()
    expect([run.view.type, run.wrong]).toEqual(['take', 'PAIR-SHORT'])
    say({ type: 'showing', role: 'offer', text: 'MP:A', untilMicros: 5 })
    run.take('MP:')
    expect([run.view.type, run.wrong]).toEqual(['show', 'PAIR-SHORT'])
  })

  test('[A7] what ended the pairing is shown as its end, not as a wrong text; then it begins again', async () => {
    const { pair, say, closed } = stagePairing(new NodeError('PAIR-LATE', 'late'))
    const run = new PairRun({ pair })
    run.take('MP:A')
    say({ type: 'failed', code: 'PAIR-LATE', detail: 'late' })
    await settled()
    expect([run.view, run.wrong]).toEqual([{ type: 'failed', code: 'PAIR-LATE', detail: 'late' }, undefined])
    run.again()
    expect([run.view, closed()]).toEqual([{ type: 'choose' }, 1])
  })
})
