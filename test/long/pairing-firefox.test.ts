import { chromium, type Browser } from 'playwright-core'
import puppeteer, { type Browser as Firefox } from 'puppeteer-core'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { serveApp } from './app-server.ts'

/** What both drivers can do with a page. */
interface Tablet {
  readonly evaluate: <T, A>(run: (argument: A) => T, argument: A) => Promise<Awaited<T>>
}

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

const openTablets = async (): Promise<readonly [Tablet, Tablet]> => {
  const [page, other] = [await chrome.newPage(), await firefox.newPage()]
  await Promise.all([page.goto(origin), other.goto(origin)])
  return [{ evaluate: (run, argument) => page.evaluate(run as never, argument as never) }, { evaluate: (run, argument) => other.evaluate(run as never, argument as never) }]
}

const settled = (tablet: Tablet, holds: string): Promise<unknown> => expect.poll(() => tablet.evaluate((selector) => document.querySelector(selector) !== null, holds), { timeout: 20_000 }).toBe(true)

const press = async (tablet: Tablet, testId: string): Promise<void> => {
  await settled(tablet, `[data-testid=${testId}]:not(:disabled)`)
  await tablet.evaluate((id) => document.querySelector<HTMLElement>(`[data-testid=${id}]`)?.click(), testId)
}

const fill = async (tablet: Tablet, testId: string, text: string): Promise<void> => {
  await settled(tablet, `[data-testid=${testId}]`)
  await tablet.evaluate(([id = '', value = '']) => {
    const input = document.querySelector<HTMLInputElement>(`[data-testid=${id}]`)
    if (input === null) return
    input.value = value
    input.dispatchEvent(new Event('input', { bubbles: true }))
  }, [testId, text])
}

const shown = async (tablet: Tablet, testId: string): Promise<string> => {
  await settled(tablet, `[data-testid=${testId}]`)
  return tablet.evaluate((id) => document.querySelector<HTMLInputElement>(`[data-testid=${id}]`)?.value ?? '', testId)
}

const go = (tablet: Tablet, place: string): Promise<unknown> => tablet.evaluate((hash) => void (location.hash = hash), place)

const type = async (tablet: Tablet, text: string): Promise<void> => {
  await fill(tablet, 'code-text', text)
  await press(tablet, 'code-go')
}

const publish = (tablet: Tablet, text: string): Promise<unknown> => tablet.evaluate((event) => globalThis.millpond?.publish([{ tags: ['test'], event }]).then(() => true), text)

const payloads = (tablet: Tablet): Promise<readonly unknown[]> =>
  tablet.evaluate(async () => {
    const found: unknown[] = []
    for await (const event of globalThis.millpond?.query({ where: [{ tags: ['test'] }] }) ?? []) found.push(event.payload)
    return found
  }, undefined)

/** `from` shows, `to` answers. */
const pair = async (from: Tablet, to: Tablet): Promise<void> => {
  await Promise.all([go(from, '#pair'), go(to, '#pair')])
  await press(from, 'pair-show')
  await press(to, 'pair-take')
  await type(to, await shown(from, 'code-shown'))
  await type(from, await shown(to, 'code-shown'))
  await Promise.all([from, to].map((tablet) => settled(tablet, '[data-testid=pair][data-state=connected]')))
}

test.each([['Chromium', 'Firefox'], ['Firefox', 'Chromium']])('[N1] [R82] %s shows a code, %s answers, both without a hub: they hold the same', async (shows) => {
  const [chromiumTablet, firefoxTablet] = await openTablets()
  const [first, second] = shows === 'Chromium' ? [chromiumTablet, firefoxTablet] : [firefoxTablet, chromiumTablet]
  await press(first, 'begin')
  await fill(first, 'tablet-name', 'Turning 1')
  await press(first, 'first-go')
  await go(first, '#invite')
  const invitation = await shown(first, 'invite-link')
  await press(second, 'join-code')
  await type(second, invitation)
  await fill(second, 'tablet-name', 'Packing 2')
  await press(second, 'first-go')
  await settled(second, '[data-testid=pair]')
  await off()
  await publish(first, 'of the first')
  await publish(second, 'of the second')
  await pair(first, second)
  await expect.poll(async () => [...(await payloads(first))].sort(), { timeout: 20_000 }).toEqual(['of the first', 'of the second'])
  await expect.poll(async () => [...(await payloads(second))].sort(), { timeout: 20_000 }).toEqual(['of the first', 'of the second'])
})
