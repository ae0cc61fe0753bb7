import type { Page } from 'puppeteer-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { standbyContract } from '../contract/standby.contract.ts'
import { openFirefoxPage } from './firefox-page.ts'

let page: Page
let close: () => Promise<void>

declare global {
  /** Runs a case of the contract in the page. @returns what it found wrong */
  var runCase: (title: string) => Promise<string>
  var returnAllowed: () => Promise<boolean>
  var expectWrongly: () => Promise<string>
}

beforeAll(async () => {
  const opened = await openFirefoxPage(`
    import { expect } from 'vitest'
    import { connector } from '/test/browser/simple-peer-pair.ts'
    import { standbyContract } from '/test/contract/standby.contract.ts'
    const { standbys } = connector
    const factory = { caller: standbys, listener: standbys, passTry: () => new Promise(() => undefined) }
    globalThis.expectWrongly = async () => expect(Promise.resolve(1)).resolves.toBe(2).then(() => 'nothing', String)
    globalThis.returnAllowed = () => standbys.returnAllowed()
    globalThis.runCase = (title) => standbyContract.find((one) => one.title === title).run(factory).then(() => 'kept', (error) => String(error))`)
  page = opened.page
  close = opened.close
}, 60_000)

afterAll(() => close())

describe('standbys over simple-peer keep the contract in Firefox', () => {
  for (const { rule, title } of standbyContract) {
    test(`[${rule}] ${title}`, { timeout: 60_000 }, async () => {
      expect(await page.evaluate((name) => globalThis.runCase(name), title)).toBe('kept')
    })
  }
})

test('[T12] Firefox lets a caller return', async () => {
  expect(await page.evaluate(() => globalThis.returnAllowed())).toBe(true)
})

test('what a case expects is checked in the page', async () => {
  expect(await page.evaluate(() => globalThis.expectWrongly())).toContain('expected 1 to be 2')
})
