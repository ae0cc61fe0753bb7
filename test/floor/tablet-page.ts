import type { Page } from 'playwright-core'
import type { TaggedEvent } from '../../src/index.ts'

/** What a test asks of a tablet: by its screens where a person would, by its node where only numbers count. Offsets are by stream, the last one held. */
export type Offsets = Readonly<Record<string, number>>

const name = async (page: Page, tablet: string): Promise<void> => {
  await page.getByTestId('tablet-name').fill(tablet)
  await page.getByTestId('first-go').click()
  await page.getByTestId('chip').waitFor()
}

export const beginFloor = async (page: Page, origin: string, tablet: string): Promise<void> => {
  await page.goto(origin)
  await page.getByTestId('begin').click()
  await name(page, tablet)
}

export const joinFloor = async (page: Page, link: string, tablet: string): Promise<void> => {
  await page.goto(link)
  await page.getByTestId('join-link').click()
  await name(page, tablet)
}

export const inviteLink = async (page: Page): Promise<string> => {
  await show(page, 'invite')
  return page.getByTestId('invite-link').inputValue()
}

/** Enters a code as text, on the screen that asks for one. */
export const enterCode = async (page: Page, text: string): Promise<void> => {
  await page.getByTestId('code-text').fill(text)
  await page.getByTestId('code-go').click()
}

/** Joins by three texts of `from` alone, with no hub: the invitation, then two codes. `page` shows the app and belongs to no floor yet. */
export const joinByText = async (page: Page, from: Page, tablet: string): Promise<void> => {
  await page.getByTestId('join-code').click()
  await enterCode(page, await inviteLink(from))
  await name(page, tablet)
  await pairByText(from, page)
}

/** Connects two tablets of one floor by two codes as text: `from` shows first. */
export const pairByText = async (from: Page, to: Page): Promise<void> => {
  for (const page of [from, to]) await show(page, 'pair')
  await from.getByTestId('pair-show').click()
  await to.getByTestId('pair-take').click()
  await enterCode(to, await from.getByTestId('code-shown').inputValue())
  await enterCode(from, await to.getByTestId('code-shown').inputValue())
  for (const page of [from, to]) await page.locator('[data-testid=pair][data-state=connected]').waitFor()
}

export const show = (page: Page, place: 'orders' | 'tablets' | 'copies' | 'invite' | 'import' | 'pair'): Promise<void> =>
  page.evaluate((hash) => {
    location.hash = hash
  }, place)

/** Resolves when `count` other tablets are connected. */
export const connected = async (page: Page, count: number): Promise<void> => {
  await page.waitForFunction((wanted) => globalThis.millpond?.status().peers.filter(({ state }) => state === 'connected').length === wanted, count, { polling: 200 })
}

/** Publishes in steps of `stepSize`, the next when the last is durable. */
export const publishInSteps = (page: Page, events: readonly TaggedEvent[], stepSize: number): Promise<void> =>
  page.evaluate(
    async ([text, size]) => {
      const all = JSON.parse(text) as readonly TaggedEvent[]
      for (let first = 0; first < all.length; first += size) await globalThis.millpond?.publish(all.slice(first, first + size))
    },
    [JSON.stringify(events), stepSize] as const,
  )

export const nodeIdOf = (page: Page): Promise<string> => page.evaluate(() => String(globalThis.millpond?.nodeId))
/** Held durably, read from disk. */
export const presentOf = (page: Page): Promise<Offsets> => page.evaluate(async () => (await globalThis.millpond?.present()) ?? {})
export const ownOf = (page: Page): Promise<Offsets> => page.evaluate(() => globalThis.millpond?.status().own ?? {})

/** What each other tablet said it holds, as this one knows it. By node id. */
export const heldByPeers = (page: Page): Promise<Readonly<Record<string, Offsets>>> =>
  page.evaluate(() => Object.fromEntries((globalThis.millpond?.status().peers ?? []).map(({ nodeId, holds }) => [nodeId, holds])))

/** Resolves when the tablet holds `offsets`. */
export const holding = async (page: Page, offsets: Offsets): Promise<void> => {
  const holds = async (): Promise<boolean> => {
    const present = await presentOf(page)
    return Object.entries(offsets).every(([stream, last]) => (present[stream] ?? -1) >= last)
  }
  while (!(await holds())) await page.waitForTimeout(200)
}

export interface Chip {
  readonly copies: number
  readonly onlyHere: number
  readonly text: string
}

export const chipOf = (page: Page): Promise<Chip> =>
  page.getByTestId('chip').evaluate((chip) => ({ copies: Number(chip.dataset['copies']), onlyHere: Number(chip.dataset['onlyHere']), text: (chip as HTMLElement).innerText.replace(/\s+/g, ' ') }))

/** Screen Swarm, part Copies: entries held, by holder and owner. */
export const copiesShown = async (page: Page): Promise<Readonly<Record<string, Offsets>>> => {
  await show(page, 'copies')
  return page.getByTestId('copies').evaluate((table) =>
    Object.fromEntries(
      [...table.querySelectorAll<HTMLElement>('tbody tr')].map((row) => [
        row.dataset['node'] ?? '',
        Object.fromEntries([...row.querySelectorAll<HTMLElement>('[data-owner]')].map((cell) => [cell.dataset['owner'] ?? '', Number(cell.dataset['held'])])),
      ]),
    ),
  )
}

/** Hash over the ids and payloads of all events in order, and how many there are. */
export const historyOf = (page: Page): Promise<{ readonly count: number; readonly hash: string }> =>
  page.evaluate(async () => {
    const node = globalThis.millpond
    if (node === undefined) throw new Error('no node is open')
    const lines: string[] = []
    for await (const { meta, payload } of node.query({})) lines.push(`${meta.eventId} ${JSON.stringify(payload)}`)
    const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(lines.join('\n')))
    return { count: lines.length, hash: [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('') }
  })

/** The text of all rows of the screen Orders, once everything has been read. */
export const ordersText = async (page: Page): Promise<readonly string[]> => {
  await show(page, 'orders')
  await page.locator('[data-testid=orders][data-state=ready]').waitFor()
  const list = page.locator('.orders-list')
  const rows = new Map<string, string>()
  for (let top = 0; ; top += 400) {
    const height = await list.evaluate(async (element, to) => {
      element.scrollTop = to
      await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))
      return element.scrollHeight
    }, top)
    const seen = await list.locator('a.row').evaluateAll((links) => links.map((link) => [link.getAttribute('href') ?? '', (link as HTMLElement).innerText] as const))
    for (const [href, text] of seen) rows.set(href, text)
    if (top > height) return [...rows.values()]
  }
}
