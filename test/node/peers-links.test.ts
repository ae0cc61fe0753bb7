import { expect, test } from 'vitest'
import { publicKeyToNodeId } from '../../src/core/ids.ts'
import { createMemoryNetwork } from '../../src/net/memory-transport.ts'
import { linkHealth, type Link, type LinkHealth } from '../../src/node/peers-links.ts'
import { realTimers } from '../net/real-timers.ts'

const [transport] = createMemoryNetwork({ timers: realTimers }).connectPair()
const linkTo = (page: 'visible' | 'hidden', lastHeardMs: number): Link => ({
  order: 1,
  sinceMs: 0,
  peer: {
    transport, page, lastHeardMs, nodeId: publicKeyToNodeId(new Uint8Array(32)), introductionId: new Uint8Array(16), name: '', hubs: [],
    roundTripMs: undefined, clockSkewMs: undefined, holds: undefined, saidMicros: undefined,
  },
})

/** Heard last at 100 s; now; woke at. */
const cases: readonly (readonly [string, 'visible' | 'hidden', number, number, LinkHealth])[] = [
  ['just heard', 'visible', 100_000, 0, 'connected'],
  ['silent for a little less than 6 s', 'visible', 105_999, 0, 'connected'],
  ['silent for 6 s', 'visible', 106_000, 0, 'suspect'],
  ['silent for 20 s', 'visible', 120_000, 0, 'silent'],
  ['silent for 90 s', 'visible', 190_000, 0, 'dead'],
  ['hidden', 'hidden', 100_000, 0, 'asleep'],
  ['hidden and silent for an hour', 'hidden', 3_700_000, 0, 'asleep'],
  ['this page has just woken', 'visible', 3_700_000, 3_699_000, 'connected'],
  ['this page woke 3 s ago, and nothing was heard since', 'visible', 3_702_000, 3_699_000, 'silent'],
  ['this page woke before it was heard', 'visible', 105_000, 99_000, 'connected'],
]

for (const [what, page, nowMs, wokeMs, health] of cases) {
  test(`[G6] ${what}: ${health}`, () => expect(linkHealth(linkTo(page, 100_000), nowMs, wokeMs)).toBe(health))
}
