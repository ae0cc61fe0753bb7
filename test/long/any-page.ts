import type { Page as ChromiumPage } from 'playwright-core'
import type { Page as FirefoxPage } from 'puppeteer-core'
import { expect } from 'vitest'

/** What the drivers of all browsers can do with a page. */
export interface AnyPage {
  evaluate<T, A>(run: (argument: A) => T, argument: A): Promise<Awaited<T>>
  readonly open: (url: string) => Promise<void>
  readonly reload: () => Promise<void>
}

export const anyPage = (page: ChromiumPage | FirefoxPage): AnyPage => ({
  evaluate: (run, argument) => (page as Pick<AnyPage, 'evaluate'>).evaluate(run, argument),
  open: async (url) => void (await page.goto(url)),
  reload: async () => void (await page.reload()),
})

/** Until the page shows what this selects. */
export const settled = (page: AnyPage, holds: string): Promise<unknown> => expect.poll(() => page.evaluate((selector) => document.querySelector(selector) !== null, holds), { timeout: 20_000 }).toBe(true)

export const press = async (page: AnyPage, testId: string): Promise<void> => {
  await settled(page, `[data-testid=${testId}]:not(:disabled)`)
  await page.evaluate((id) => document.querySelector<HTMLElement>(`[data-testid=${id}]`)?.click(), testId)
}

export const fill = async (page: AnyPage, testId: string, text: string): Promise<void> => {
  await settled(page, `[data-testid=${testId}]`)
  await page.evaluate(([id = '', value = '']) => {
    const input = document.querySelector<HTMLInputElement>(`[data-testid=${id}]`)
    if (input === null) return
    input.value = value
    input.dispatchEvent(new Event('input', { bubbles: true }))
  }, [testId, text])
}

export const shown = async (page: AnyPage, testId: string): Promise<string> => {
  await settled(page, `[data-testid=${testId}]`)
  return page.evaluate((id) => document.querySelector<HTMLInputElement>(`[data-testid=${id}]`)?.value ?? '', testId)
}

export const go = (page: AnyPage, place: string): Promise<unknown> => page.evaluate((hash) => void (location.hash = hash), place)

export const type = async (page: AnyPage, text: string): Promise<void> => {
  await fill(page, 'code-text', text)
  await press(page, 'code-go')
}

export const publish = (page: AnyPage, text: string): Promise<unknown> => page.evaluate((event) => globalThis.millpond?.publish([{ tags: ['test'], event }]).then(() => true), text)

/** All events in order: id and payload of each. */
export const historyOf = (page: AnyPage): Promise<readonly string[]> =>
  page.evaluate(async () => {
    const lines: string[] = []
    for await (const { meta, payload } of globalThis.millpond?.query({}) ?? []) lines.push(`${meta.eventId} ${JSON.stringify(payload)}`)
    return lines
  }, undefined)

/** Waits until both hold what either has published, `count` events, in the same order. */
export const expectEqual = async (pages: readonly AnyPage[], count: number): Promise<void> => {
  for (const page of pages) await expect.poll(async () => (await historyOf(page)).length, { timeout: 20_000 }).toBe(count)
  const histories = await Promise.all(pages.map(historyOf))
  expect(histories).toEqual(pages.map(() => histories[0]))
}

/** Begins a floor, and the link that invites to it. */
export const beginFloor = async (page: AnyPage, name: string): Promise<string> => {
  await press(page, 'begin')
  await fill(page, 'tablet-name', name)
  await press(page, 'first-go')
  await go(page, '#invite')
  return shown(page, 'invite-link')
}

/** `from` shows, `to` answers. @returns both codes */
export const pair = async (from: AnyPage, to: AnyPage): Promise<readonly [string, string]> => {
  await Promise.all([go(from, '#pair'), go(to, '#pair')])
  await press(from, 'pair-show')
  await press(to, 'pair-take')
  const offer = await shown(from, 'code-shown')
  await type(to, offer)
  const answer = await shown(to, 'code-shown')
  await type(from, answer)
  await Promise.all([from, to].map((page) => settled(page, '[data-testid=pair][data-state=connected]')))
  return [offer, answer]
}
