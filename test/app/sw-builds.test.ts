import { expect, test } from 'vitest'
import { nextBuilds, type Builds } from '../../src/sw-builds.ts'

const builds = (page: string, rest: Partial<Builds> = {}): Builds => ({ page, before: undefined, started: false, isBack: false, ...rest })

test.each([
  ['the first one has none before it', undefined, 'b', builds('b')],
  ['one that has started is the one to go back to', builds('a', { started: true }), 'b', builds('b', { before: 'a' })],
  ['one that never started is none: the one before it is', builds('b', { before: 'a' }), 'c', builds('c', { before: 'a' })],
  ['one that a person went back from gives way to the next', builds('b', { before: 'a', isBack: true }), 'c', builds('c', { before: 'a' })],
  ['the same one again changes nothing', builds('b', { before: 'a', isBack: true }), 'b', builds('b', { before: 'a', isBack: true })],
] as const)('[G1] builds of the app on a tablet: %s', (_title, old, page, next) => expect(nextBuilds(page, old)).toEqual(next))
