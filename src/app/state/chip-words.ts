import type { Key, Values } from '../i18n/words.svelte.ts'
import type { Safety } from './safety.ts'

type Said = readonly [key: Key, values: Values]

/** The two lines of the chip. `left` is the room left, as text. */
export const chipWords = (safety: Safety, left: string): { readonly title: Said; readonly fact: Said } => {
  const { state, copies, onlyHere, inReach, others } = safety
  const reach: Said = others === 0 ? ['chip.alone.fact', {}] : inReach === 0 ? ['chip.reach.none', {}] : ['chip.reach', { n: inReach, all: others }]
  switch (state) {
    case 'fail':
      return { title: ['chip.fail', {}], fact: ['chip.fail.fact', {}] }
    case 'full':
      return { title: ['chip.full', {}], fact: ['chip.full.fact', { left }] }
    case 'none':
      return { title: ['chip.none', {}], fact: reach }
    case 'alone':
      return { title: ['chip.alone', {}], fact: reach }
    case 'here':
      return { title: onlyHere > 0 ? ['chip.here', { n: onlyHere }] : ['chip.here.whole', {}], fact: reach }
    case 'n':
      return { title: ['chip.n', { n: copies }], fact: reach }
    case 'all':
      return { title: ['chip.all', { n: copies }], fact: reach }
  }
}
