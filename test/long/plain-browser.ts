import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, readdirSync } from 'node:fs'
import { chromium, type Browser, type BrowserContext, type CDPSession, type Page } from 'playwright-core'
import { expect } from 'vitest'

/** A browser that is driven without the driver's own settings: these keep pages visible, which cannot be frozen then, and switch off the back/forward cache. */
export interface PlainBrowser {
  readonly browser: Browser
  readonly context: BrowserContext
  /** All its processes stand still, or go on. */
  readonly signal: (signal: 'SIGSTOP' | 'SIGCONT') => void
  /** Ends it without a word. */
  readonly kill: () => Promise<void>
  readonly end: () => Promise<void>
}

const args = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--renderer-process-limit=50']

/** The timers of a hidden page are held back to one a minute after so many seconds, not after five minutes. */
export const holdsBackTimers = '--enable-features=IntensiveWakeUpThrottling:grace_period_seconds/5'

/** @param port where it takes commands; default: any free one */
export const launchPlain = async (profile: string, switches: readonly string[] = [], { program = '/usr/bin/chromium', port = 0 } = {}): Promise<PlainBrowser> => {
  const child = spawn(program, [...args, ...switches, '--headless=new', `--remote-debugging-port=${port}`, `--user-data-dir=${profile}`, 'about:blank'], { stdio: ['ignore', 'ignore', 'pipe'] })
  const address = await new Promise<string>((resolve, reject) => {
    let output = ''
    child.stderr.on('data', (chunk: Buffer) => {
      output += chunk.toString()
      const found = /DevTools listening on (ws:\S+)/.exec(output)?.[1]
      if (found !== undefined) resolve(found)
    })
    child.once('exit', (code) => reject(new Error(`the browser ended with code ${code}:\n${output}`)))
  })
  const ended = once(child, 'exit')
  const browser = await chromium.connectOverCDP(address, { noDefaults: true })
  const [context] = browser.contexts()
  const { pid } = child
  if (context === undefined || pid === undefined) throw new Error('the browser has no profile')
  const signal = (name: NodeJS.Signals) => {
    for (const process of [pid, ...descendantsOf(pid)]) globalThis.process.kill(process, name)
  }
  return {
    browser, context, signal,
    kill: async () => {
      signal('SIGKILL')
      await ended
    },
    end: async () => {
      child.kill('SIGTERM')
      await ended
    },
  }
}

const descendantsOf = (pid: number): readonly number[] => {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((task) => readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter((text) => text !== '').map(Number))
  return [...children, ...children.flatMap(descendantsOf)]
}

/** Puts `front` before a page of the same window. */
export const hide = async (page: Page, front: Page): Promise<void> => {
  await front.bringToFront()
  await page.waitForFunction(() => document.visibilityState === 'hidden', undefined, { polling: 50 })
}

/** Hides a tab behind another one and freezes it, as a browser does with one not looked at for long. */
export const freeze = async (page: Page, front: Page): Promise<CDPSession> => {
  await hide(page, front)
  await page.evaluate(() => document.addEventListener('freeze', () => (globalThis.wasFrozen = true)))
  const session = await page.context().newCDPSession(page)
  await session.send('Page.setWebLifecycleState', { state: 'frozen' })
  return session
}

/** Wakes it, and shows that it was frozen. */
export const resume = async (page: Page, session: CDPSession): Promise<void> => {
  await session.send('Page.setWebLifecycleState', { state: 'active' })
  await page.bringToFront()
  expect(await page.evaluate(() => globalThis.wasFrozen)).toBe(true)
}

declare global {
  var wasFrozen: boolean | undefined
}
