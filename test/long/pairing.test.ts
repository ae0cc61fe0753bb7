import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { serveApp } from './app-server.ts'
import { filmCode } from './camera-film.ts'

const ARGUMENTS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync']

describe('tablets without any hub', () => {
  let folder: string
  let browsers: Browser[]
  let origin: string
  let off: () => Promise<void>

  beforeEach(async () => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'millpond-pairing-'))
    browsers = []
    const server = await serveApp()
    origin = server.origin
    off = server.off
  })

  afterEach(async () => {
    await Promise.all(browsers.map((browser) => browser.close()))
    await off()
    rmSync(folder, { recursive: true, force: true })
  })

  /** A tablet with a camera that sees what lies in a file. */
  const openBrowser = async (film?: string): Promise<Browser> => {
    const camera = film === undefined ? [] : ['--use-fake-device-for-media-stream', `--use-file-for-fake-video-capture=${film}`]
    const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: [...ARGUMENTS, ...camera] })
    browsers.push(browser)
    return browser
  }

  /** The app, kept on the tablet, with nothing opened yet. */
  const openApp = async (context: BrowserContext): Promise<Page> => {
    const page = await context.newPage()
    await page.goto(origin)
    await page.waitForFunction(async () => (await navigator.serviceWorker.ready) && navigator.serviceWorker.controller !== null)
    return page
  }

  const nameTablet = async (page: Page, name: string): Promise<void> => {
    await page.getByTestId('tablet-name').fill(name)
    await page.getByTestId('first-go').click()
    await page.locator('[data-orders="ready"]').waitFor()
  }

  const beginFloor = async (page: Page, name: string): Promise<void> => {
    await page.getByTestId('begin').click()
    await nameTablet(page, name)
  }

  const go = (page: Page, place: string): Promise<void> => page.evaluate((hash) => void (location.hash = hash), place)

  const publish = (page: Page, payload: string): Promise<unknown> => page.evaluate((event) => globalThis.millpond?.publish([{ tags: ['test'], event }]), payload)

  const payloads = (page: Page): Promise<readonly unknown[]> =>
    page.evaluate(async () => {
      const found: unknown[] = []
      for await (const event of globalThis.millpond?.query({ where: [{ tags: ['test'] }] }) ?? []) found.push(event.payload)
      return found
    })

  const type = async (page: Page, text: string): Promise<void> => {
    await page.getByTestId('code-text').fill(text)
    await page.getByTestId('code-go').click()
  }

  const shownCode = (page: Page): Promise<string> => page.getByTestId('code-shown').inputValue()

  const invitationOf = async (page: Page): Promise<string> => {
    await go(page, '#invite')
    return page.getByTestId('invite-link').inputValue()
  }

  const connected = (...pages: readonly Page[]): Promise<unknown> => Promise.all(pages.map((page) => page.locator('[data-testid=pair][data-state=connected]').waitFor()))

  test('[N1] [A8] a tablet that belongs to no floor joins by three texts of one tablet and catches up', async () => {
    const browser = await openBrowser()
    const [first, second] = await Promise.all([openApp(await browser.newContext()), openApp(await browser.newContext())])
    await beginFloor(first, 'Turning 1')
    await publish(first, 'before it joined')
    await off()

    await second.getByTestId('join-code').click()
    await type(second, await invitationOf(first))
    await nameTablet(second, 'Packing 2')

    await go(first, '#pair')
    await first.getByTestId('pair-show').click()
    await second.getByTestId('pair-take').click()
    await type(second, await shownCode(first))
    await type(first, await shownCode(second))
    await connected(first, second)
    await expect.poll(() => payloads(second)).toEqual(['before it joined'])
    await publish(second, 'after it joined')
    await expect.poll(() => payloads(first)).toEqual(['before it joined', 'after it joined'])
    expect(await first.evaluate(() => globalThis.millpond?.status().peers.map(({ name, state }) => [name, state]))).toEqual([['P2 Packing 2', 'connected']])
  })

  test('[A8] the same by camera: three codes, turned and in poor light, read by the decoder that lies on the tablet', async () => {
    const films = [path.join(folder, 'first.y4m'), path.join(folder, 'second.y4m')] as const
    films.forEach((film) => filmCode(film, 'nothing yet'))
    const contexts = await Promise.all(films.map(async (film) => (await openBrowser(film)).newContext({ permissions: ['camera'] })))
    const [first, second] = await Promise.all(contexts.map(openApp))
    if (first === undefined || second === undefined) throw new Error('two tablets are needed')
    await beginFloor(first, 'Turning 1')
    await publish(first, 'before it joined')
    await off()

    filmCode(films[1], await invitationOf(first))
    await second.getByTestId('join-code').click()
    await second.getByTestId('scan').click()
    await nameTablet(second, 'Packing 2')

    await go(first, '#pair')
    await first.getByTestId('pair-show').click()
    filmCode(films[1], await shownCode(first), { degrees: -14, size: 400 })
    await second.getByTestId('pair-take').click()
    await second.getByTestId('scan').click()
    filmCode(films[0], await shownCode(second))
    await first.getByTestId('scan').click()
    await connected(first, second)
    await expect.poll(() => payloads(second)).toEqual(['before it joined'])
  })

  test('[G7] [A8] a code of something else before the camera is said, the camera goes on looking, and the right one is taken', async () => {
    const film = path.join(folder, 'film.y4m')
    const [first, second] = await Promise.all([openApp(await (await openBrowser()).newContext()), openApp(await (await openBrowser(film)).newContext({ permissions: ['camera'] }))])
    await beginFloor(first, 'Turning 1')
    const invitation = await invitationOf(first)
    const scanner = second.getByTestId('scanner')
    const scan = async (text: string): Promise<void> => {
      filmCode(film, text)
      await second.getByTestId('scan').click()
    }
    const seesWrong = async (words: string): Promise<void> => {
      await expect.poll(() => second.getByTestId('code-wrong').textContent()).toContain(words)
      await second.locator('[data-testid=scanner][data-state=on]').waitFor()
      await scanner.getByRole('button').click()
    }

    await second.getByTestId('join-code').click()
    await scan('https://example.test/menu')
    await seesWrong('This is not an invitation.')
    await scan(invitation)
    await nameTablet(second, 'Packing 2')

    await go(first, '#pair')
    await first.getByTestId('pair-show').click()
    await second.getByTestId('pair-take').click()
    await scan('WIFI:S:canteen;T:WPA;P:soup;;')
    await seesWrong('PAIR-OTHER')
    await scan(await shownCode(first))
    await type(first, await shownCode(second))
    await connected(first, second)
  })

  test('[G7] [R81] every bad input has a message and a way on', async () => {
    const browser = await openBrowser()
    const [first, second, stranger] = await Promise.all([openApp(await browser.newContext()), openApp(await browser.newContext()), openApp(await browser.newContext())])
    await beginFloor(first, 'Turning 1')
    await beginFloor(stranger, 'Another floor')
    const invitation = await invitationOf(first)
    const wrong = async (page: Page, text: string): Promise<string> => {
      await type(page, text)
      return (await page.getByTestId('code-wrong').textContent()) ?? ''
    }

    await second.getByTestId('join-code').click()
    expect(await wrong(second, 'https://example.test/menu')).toContain('This is not an invitation.')
    expect(await wrong(second, invitation.slice(0, -20))).toContain('cut short or was changed')
    expect(await wrong(second, invitation.replace(/.{9}$/, 'AAAAAAAAA'))).toContain('cut short or was changed')
    await type(second, invitation)
    await nameTablet(second, 'Packing 2')

    // A tablet of another floor is asked before anything changes.
    const asked = await stranger.context().newPage()
    await asked.goto(invitation)
    await asked.getByTestId('stay').click()
    await asked.locator('[data-orders="ready"]').waitFor()
    expect(await asked.evaluate(() => globalThis.millpond?.swarm)).toBe(await stranger.evaluate(() => globalThis.millpond?.swarm))
    await asked.close()

    for (const page of [first, stranger]) {
      await go(page, '#pair')
      await page.getByTestId('pair-show').click()
    }
    const offer = await shownCode(first)
    await second.getByTestId('pair-take').click()
    expect(await wrong(second, invitation)).toContain('PAIR-OTHER')
    expect(await wrong(second, offer.slice(0, -20))).toContain('The end of the code is missing.')
    expect(await wrong(second, offer.replace(/.(?=.{30}$)/, (one) => (one === 'A' ? 'B' : 'A')))).toContain('The code was changed on the way.')
    expect(await wrong(second, await shownCode(stranger))).toContain('a tablet of another floor')
    await type(second, offer)
    const old = await shownCode(second)
    expect(await wrong(first, offer)).toContain('This is the other one of the two codes.')

    await first.getByTestId('pair-again').click()
    await first.getByTestId('pair-show').click()
    const offerAgain = await shownCode(first)
    expect(await wrong(first, old)).toContain('The answer belongs to an earlier code.')
    await second.getByTestId('pair-again').click()
    await second.getByTestId('pair-take').click()
    await type(second, offerAgain)
    await type(first, await shownCode(second))
    await connected(first, second)
  })

  test('[A8] a camera that is refused or missing is said, and the text still goes', async () => {
    const film = path.join(folder, 'film.y4m')
    filmCode(film, 'MP:')
    const [refusing, without] = [await (await openBrowser(film)).newContext({ permissions: [] }), await (await openBrowser()).newContext()]
    for (const [context, code] of [[refusing, 'CAMERA-REFUSED'], [without, 'CAMERA-NONE']] as const) {
      const page = await openApp(context)
      await page.getByTestId('join-code').click()
      await page.getByTestId('scan').click()
      await page.locator(`[data-code=${code}]`).waitFor()
      expect(await page.getByTestId('code-text').isEditable()).toBe(true)
    }
  })

  test('[R83] in a second window the person is sent to the one that has the connections', async () => {
    const context = await (await openBrowser()).newContext()
    const page = await openApp(context)
    await beginFloor(page, 'Turning 1')
    const other = await context.newPage()
    await other.goto(`${origin}/#pair`)
    await other.getByTestId('pair-show').click()
    expect(await other.locator('[data-code=PAIR-TAB]').textContent()).toContain('Another window of this tablet has the connections.')
  })
})
