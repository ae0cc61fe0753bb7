import { flushSync } from 'svelte'
import { describe, expect, test } from 'vitest'
import type { Meta, NodeStatus } from '../../src/index.ts'
import { initialState, onEvent, type Orders } from '../../src/app/orders/orders.ts'
import { ReunionWatch } from '../../src/app/state/reunion.ts'
import { Live } from '../../src/svelte/live.ts'
import { nodeStatus, offsets } from '../app/status.ts'

const settled = () => new Promise<void>((done) => setTimeout(done))

describe('Live', () => {
  test('[A7] follows its source only while an effect reads it', async () => {
    let value = 1
    const changes = new Set<() => void>()
    const live = new Live(() => value, (changed) => {
      changes.add(changed)
      return () => changes.delete(changed)
    })
    expect([live.current, changes.size]).toEqual([1, 0])
    const seen: number[] = []
    const stop = $effect.root(() => {
      $effect(() => {
        seen.push(live.current)
      })
    })
    flushSync()
    expect(changes.size).toBe(1)
    value = 2
    for (const changed of changes) changed()
    flushSync()
    stop()
    await settled()
    expect([seen, changes.size]).toEqual([[1, 2], 0])
  })
})

describe('together again', () => {
  const meta = { tags: ['operation'], eventId: 'x' } as unknown as Meta
  const started = (state: Orders, order: string): Orders =>
    onEvent(state, { type: 'operationStarted', order, operation: 'Lapping', station: 'LP1', time: '2026-03-09T06:00:00+01:00' }, meta)

  test('[G6] says how many entries of others came in and which orders changed, until it is touched', () => {
    let status = nodeStatus({ cutOffSinceMicros: 5, present: offsets({ A: 3, B: 9 }), own: offsets({ A: 3 }) })
    let orders = started(started(initialState, 'W1'), 'W2')
    let tell: (status: NodeStatus) => void = () => undefined
    const node = { status: () => status, observe: (changed: (status: NodeStatus) => void) => ((tell = changed), () => undefined) }
    const watch = new ReunionWatch(node, () => orders, () => nowMicros)
    let nowMicros = 10_000_005
    const seen: unknown[] = []
    const stop = $effect.root(() => {
      $effect(() => {
        const now = watch.current
        seen.push(now === undefined ? undefined : [now.sinceMicros, now.entries, [...now.changed]])
      })
    })
    const change = (next: Partial<NodeStatus>): void => {
      status = { ...status, ...next }
      tell(status)
      flushSync()
    }
    flushSync()
    change({ cutOffSinceMicros: undefined })
    orders = started(orders, 'W2')
    change({ present: offsets({ A: 4, B: 50 }), own: offsets({ A: 4 }) })
    watch.touch()
    flushSync()
    // A dropout too short to be told is no reunion either.
    change({ cutOffSinceMicros: nowMicros })
    nowMicros += 9_999_999
    change({ cutOffSinceMicros: undefined })
    stop()
    expect(seen).toEqual([undefined, [10_000_005, 0, []], [10_000_005, 41, ['W2']], undefined, undefined, undefined])
  })
})
