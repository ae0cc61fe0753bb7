import type { Page } from 'puppeteer-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { storeCases } from '../contract/event-store.contract.ts'
import { openFirefoxPage } from './firefox-page.ts'

let page: Page
let close: () => Promise<void>

declare global {
  /** Runs a case of the store's contract in the page. @returns what it found wrong */
  var runStoreCase: (title: string) => Promise<string>
}

beforeAll(async () => {
  const opened = await openFirefoxPage(`
    import { storeCases } from '/test/contract/event-store.contract.ts'
    import { idbFactory } from '/test/store/idb-factory.ts'
    globalThis.runStoreCase = (title) => storeCases.find((one) => one.title === title).run(idbFactory()).then(() => 'kept', (error) => String(error))`)
  page = opened.page
  close = opened.close
}, 60_000)

afterAll(() => close())

describe('the store over IndexedDB keeps the contract in Firefox', () => {
  // No page can cut the power, or say how much room there is.
  for (const { rule, title } of storeCases.filter(({ needs }) => needs === undefined)) {
    test(`[${rule}] ${title}`, { timeout: 60_000 }, async () => {
      expect(await page.evaluate((name) => globalThis.runStoreCase(name), title)).toBe('kept')
    })
  }
})
