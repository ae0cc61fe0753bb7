import { afterAll, beforeAll, expect, test } from 'vitest'
import { validityCases } from '../stream/validity-cases.ts'
import { openFirefoxPage } from './firefox-page.ts'

let close: () => Promise<void>
let verdicts: ReadonlyMap<string, string>

beforeAll(async () => {
  const opened = await openFirefoxPage(`
    import { webCrypto } from '/src/node/web-crypto.ts'
    import { runValidityCases } from '/test/stream/validity-cases.ts'
    globalThis.verdicts = runValidityCases(webCrypto)`)
  close = opened.close
  verdicts = new Map(await opened.page.evaluate(() => (globalThis as unknown as { verdicts: Promise<[string, string][]> }).verdicts))
}, 60_000)

afterAll(() => close())

test.each(validityCases)('$title: $expected', ({ title, expected }) => {
  expect(verdicts.get(title)).toBe(expected)
})
