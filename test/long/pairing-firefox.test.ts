import { chromium, type Browser } from 'playwright-core'
import puppeteer, { type Browser as Firefox } from 'puppeteer-core'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { base32ToBytes } from '../../src/core/base32.ts'
import { anyPage, type AnyPage, beginFloor, expectEqual, fill, pair, press, publish, settled, type } from './any-page.ts'
import { serveApp } from './app-server.ts'

let chrome: Browser
let firefox: Firefox
let origin: string
let off: () => Promise<void>

beforeEach(async () => {
  const server = await serveApp()
  origin = server.origin
  off = server.off
  chrome = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'] })
  firefox = await puppeteer.launch({ browser: 'firefox', executablePath: '/usr/bin/firefox-esr', headless: true })
})

afterEach(async () => {
  await Promise.all([chrome.close(), firefox.close(), off()])
})

const open = async (kind: string): Promise<AnyPage> => {
  const page = anyPage(kind === 'Chromium' ? await chrome.newPage() : await (await firefox.createBrowserContext()).newPage())
  await page.open(origin)
  return page
}

test.each([['Chromium', 'Firefox'], ['Firefox', 'Chromium'], ['Firefox', 'Firefox']])('[N1] [R80] [R82] %s shows a code, %s answers, both without a hub: they hold the same', async (shows, answers) => {
  const [first, second] = [await open(shows), await open(answers)]
  const invitation = await beginFloor(first, 'Turning 1')
  await press(second, 'join-code')
  await type(second, invitation)
  await fill(second, 'tablet-name', 'Packing 2')
  await press(second, 'first-go')
  await settled(second, '[data-testid=pair]')
  for (const page of [first, second]) await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined), undefined)
  await off()
  await publish(first, 'of the first')
  await publish(second, 'of the second')
  const codes = await pair(first, second)
  await expectEqual([first, second], 2)
  // As few bytes as fit a small QR code, whichever browser has said them.
  for (const code of codes) expect(base32ToBytes(code.slice(3))?.length).toBeLessThanOrEqual(150)
  console.log(`${shows}-${answers}: codes of ${codes.map((code) => base32ToBytes(code.slice(3))?.length).join(' and ')} bytes`)
})
