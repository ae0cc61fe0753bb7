import { expect, test } from 'vitest'
import { webCrypto } from '../../src/node/web-crypto.ts'
import { validityCases } from './validity-cases.ts'

test.each(validityCases)('$title: $expected', async ({ verdict, expected }) => {
  expect(await verdict(webCrypto)).toBe(expected)
})

test('[F4] the table has at least 60 cases, each with a title of its own', () => {
  expect(validityCases.length).toBeGreaterThanOrEqual(60)
  expect(new Set(validityCases.map(({ title }) => title)).size).toBe(validityCases.length)
})
