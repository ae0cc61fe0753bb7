import { describe, expect, test } from 'vitest'
import { obstacleOf, type Obstacle, type Trial } from '../../src/protocol/reach.ts'

const none = { names: 0, plain: 0 }
const named = { names: 1, plain: 0 }
const both = { names: 1, plain: 1 }
const plain = { names: 0, plain: 1 }
const trial = (change: Partial<Trial>): Trial => ({ answered: true, forbidden: false, own: named, peer: named, stun: 'none', packets: 'none', ...change })

/** As `test/long/reach.test.ts` sees them in a browser, one network each. */
const cases: readonly (readonly [what: string, seen: Partial<Trial>, obstacle: Obstacle | undefined])[] = [
  ['multicast filtered, no STUN', {}, 'REACH-NAMES'],
  ['multicast filtered, a STUN server that answers nothing', { stun: 'silent' }, 'REACH-UDP'],
  ['clients kept apart, addresses known by STUN', { own: both, peer: both, stun: 'answered', packets: 'checked' }, 'REACH-ISOLATED'],
  ['the same, before the address of the other end came', { own: both, stun: 'answered' }, 'REACH-ISOLATED'],
  ['clients kept apart, names resolved, no STUN', { packets: 'checked' }, 'REACH-ISOLATED'],
  ['clients kept apart, addresses known by the permission for the camera', { own: plain, peer: plain, packets: 'checked' }, 'REACH-ISOLATED'],
  ['a firewall here', { peer: both, stun: 'silent', packets: 'checked' }, 'REACH-UDP'],
  ['a firewall there', { own: both, stun: 'answered', packets: 'checked' }, 'REACH-ISOLATED'],
  ['no default route, no STUN', { own: none }, 'REACH-NO-ADDRESS'],
  ['no default route at the other end, names not resolved', { peer: none }, 'REACH-PEER-NO-ADDRESS'],
  ['no default route at both', { own: none, peer: none }, 'REACH-NO-ADDRESS'],
  ['no default route, an address known by STUN, clients kept apart', { own: plain, peer: none, stun: 'answered' }, 'REACH-ISOLATED'],
  ['the local network refused by the browser', { forbidden: true, own: plain, peer: plain, stun: 'answered' }, 'REACH-FORBIDDEN'],
  ['the other end did not take part: its page may be frozen or gone', { answered: false, forbidden: true, own: both, stun: 'answered' }, undefined],
  ['a packet came back, and it was too slow', { own: both, peer: both, stun: 'answered', packets: 'heard' }, undefined],
]

describe('what stood in the way', () => {
  for (const [what, seen, obstacle] of cases) test(`[G6] ${what}`, () => expect(obstacleOf(trial(seen))).toBe(obstacle))
})
