import { execFile } from 'node:child_process'
import { createHash, X509Certificate } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { type BrowserContext, chromium, type Page } from 'playwright-core'
import type { Page as FirefoxPage } from 'puppeteer-core'
import { type HubProcess, startHub } from '../hub/hub-process.ts'
import { launchPlain, type PlainBrowser } from '../long/plain-browser.ts'
import { carryInto, openFirefox } from './firefox.ts'

/** Chromium then refuses what the return after a reload rests on. */
export const returnForbidden = '--force-fieldtrials=WebRTC-NoSdpMangleUfrag/Enabled/'

/** A namespace of a floor; tablets count from 1. */
export type Place = 'switch' | 'hub' | `tablet${number}`

/** A shop floor on one machine: the hub and each tablet in a network namespace of its own, all on one switch. Needs root, iproute2 and Chromium. */
export interface Floor {
  readonly hubOrigin: string
  /** With further flags. */
  readonly startHub: (flags?: readonly string[]) => Promise<HubProcess>
  readonly stopHub: () => Promise<void>
  /** Tablets count from 1. Opens its browser, with further switches; a second call after `close` or `kill` finds the same profile. */
  readonly tablet: (n: number, switches?: readonly string[]) => Promise<Tablet>
  /** The same without the driver's own settings: its pages can be hidden and frozen, and its browser stopped. */
  readonly plainTablet: (n: number) => Promise<PlainBrowser>
  /** The same with Firefox as its browser. */
  readonly firefoxTablet: (n: number) => Promise<FirefoxTablet>
  /** The Wi-Fi of one tablet. */
  readonly link: (n: number) => { readonly down: () => Promise<void>; readonly up: () => Promise<void> }
  /** Runs a command inside. On the switch the tablets' ports are called `v1`, `v2` …, the hub's `v254`; at their ends `eth1`. */
  readonly run: (place: Place, ...command: readonly string[]) => Promise<string>
  /** What a program is started through to run inside. */
  readonly through: (place: Place) => readonly string[]
  readonly close: () => Promise<void>
}

export interface Tablet {
  readonly context: BrowserContext
  readonly page: Page
  readonly close: () => Promise<void>
  /** Its browser ends by SIGKILL: nothing is said or written any more. */
  readonly kill: () => Promise<void>
}

export interface FirefoxTablet extends Pick<Tablet, 'close' | 'kill'> {
  readonly page: FirefoxPage
}

const run = promisify(execFile)
const ip = async (...args: readonly string[]): Promise<string> => (await run('ip', [...args])).stdout
/** Of tablet `n`. */
export const address = (n: number): string => `10.77.0.${n}`
export const hubAddress = '10.77.0.254'
const httpsPort = 8443
const prefix = 'millpond-floor-'

/** Removes the namespaces of such floors, with what still runs inside. A name says which process made it, and as its how manieth floor. */
const removeNamespaces = async (isMine: (pid: number, floor: number) => boolean): Promise<void> => {
  const names = (await ip('netns', 'list')).split('\n').flatMap((line) => line.split(' ')[0] ?? '')
  for (const name of names) {
    const [, pid, floor] = new RegExp(`^${prefix}(\\d+)-(\\d+)-`).exec(name) ?? []
    if (!isMine(Number(pid), Number(floor))) continue
    for (const inside of (await ip('netns', 'pids', name)).split('\n').filter((text) => text !== '')) process.kill(Number(inside), 'SIGKILL')
    await ip('netns', 'delete', name)
  }
}
const isGone = (pid: number): boolean => Number.isInteger(pid) && !existsSync(`/proc/${pid}`)
let floorCount = 0

/** Sets up the switch, the hub's place and those of `tabletCount` tablets. `close` removes everything. */
export const createFloor = async (tabletCount: number): Promise<Floor> => {
  const base = mkdtempSync(path.join(os.tmpdir(), 'millpond-floor-'))
  const id = ++floorCount
  const space = (name: string): string => `${prefix}${process.pid}-${id}-${name}`
  const inSpace = (name: Place, ...command: readonly string[]): Promise<string> => ip('netns', 'exec', space(name), ...command)
  const through = (name: Place): readonly string[] => ['ip', 'netns', 'exec', space(name)]
  const hubFolder = path.join(base, 'hub')
  const tablets = new Map<number, Pick<Tablet, 'close'>>()
  let hub: HubProcess | undefined

  const join = async (name: Place, host: string, index: number): Promise<void> => {
    await ip('netns', 'add', space(name))
    // An IPv6 address that is ready a second after its link is a change of network, which breaks off what is being loaded.
    await inSpace(name, 'sh', '-c', 'echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6')
    await inSpace('switch', 'ip', 'link', 'add', `v${index}`, 'type', 'veth', 'peer', 'name', 'eth1')
    await inSpace('switch', 'ip', 'link', 'set', 'eth1', 'netns', space(name))
    await inSpace('switch', 'ip', 'link', 'set', `v${index}`, 'master', 'floor0', 'up')
    await inSpace(name, 'ip', 'address', 'add', `${host}/24`, 'dev', 'eth1')
    await inSpace(name, 'ip', 'link', 'set', 'lo', 'up')
    await inSpace(name, 'ip', 'link', 'set', 'eth1', 'up')
  }
  // Without a default route Chromium gathers no candidates.
  const route = (name: Place): Promise<string> => inSpace(name, 'ip', 'route', 'add', 'default', 'via', hubAddress)

  // What a process that was killed has left.
  await removeNamespaces(isGone)
  await ip('netns', 'add', space('switch'))
  await inSpace('switch', 'ip', 'link', 'add', 'floor0', 'type', 'bridge')
  await inSpace('switch', 'ip', 'link', 'set', 'floor0', 'up')
  await join('hub', hubAddress, 254)
  for (let n = 1; n <= tabletCount; n++) {
    await join(`tablet${n}`, address(n), n)
    await route(`tablet${n}`)
  }

  /** Starts a browser in the place of a tablet. */
  const scriptOf = (n: number, browser: string): string => {
    const script = path.join(base, `${browser}-${n}.sh`)
    writeFileSync(script, `#!/bin/sh\nexec ${through(`tablet${n}`).join(' ')} /usr/bin/${browser} "$@"\n`, { mode: 0o700 })
    return script
  }
  const killInside = async (n: number): Promise<void> => {
    for (const inside of (await ip('netns', 'pids', space(`tablet${n}`))).split('\n').filter((text) => text !== '')) process.kill(Number(inside), 'SIGKILL')
  }
  const openTablet = async (n: number, switches: readonly string[] = []): Promise<Tablet> => {
    const context = await chromium.launchPersistentContext(path.join(base, `profile-${n}`), {
      executablePath: scriptOf(n, 'chromium'),
      headless: true,
      viewport: { width: 1280, height: 800 },
      locale: 'en',
      serviceWorkers: 'allow',
      args: [...browserFlags, ...switches, trustSwitch(hubFolder)],
    })
    context.setDefaultTimeout(30_000)
    const page = context.pages()[0] ?? (await context.newPage())
    const tablet: Tablet = {
      context,
      page,
      close: async () => {
        tablets.delete(n)
        await context.close()
      },
      kill: async () => {
        tablets.delete(n)
        const closed = context.waitForEvent('close')
        await killInside(n)
        await closed
      },
    }
    tablets.set(n, tablet)
    return tablet
  }
  const openPlainTablet = async (n: number): Promise<PlainBrowser> => {
    const { port, server } = await carryInto(space(`tablet${n}`))
    const plain = await launchPlain(path.join(base, `profile-${n}`), [trustSwitch(hubFolder)], { program: scriptOf(n, 'chromium'), port })
    const ended = (end: () => Promise<void>) => async () => {
      tablets.delete(n)
      await end()
      server.close()
    }
    const tablet = { ...plain, end: ended(plain.end), kill: ended(plain.kill) }
    tablets.set(n, { close: tablet.end })
    return tablet
  }
  const openFirefoxTablet = async (n: number): Promise<FirefoxTablet> => {
    const firefox = await openFirefox(space(`tablet${n}`), scriptOf(n, 'firefox-esr'), path.join(base, `firefox-${n}`))
    const ended = (end: () => Promise<void>) => async () => {
      tablets.delete(n)
      await end()
      await firefox.ended()
    }
    const tablet = { page: firefox.page, close: ended(() => firefox.browser.close()), kill: ended(() => killInside(n)) }
    tablets.set(n, tablet)
    return tablet
  }
  const stopHub = async (): Promise<void> => {
    const running = hub
    hub = undefined
    await running?.stop()
  }
  return {
    hubOrigin: `https://${hubAddress}:${httpsPort}`,
    startHub: async (flags = []) => {
      hub = await startHub(hubFolder, ['--host', hubAddress, '--port', '8080', '--https-port', String(httpsPort), ...flags], through('hub'))
      return hub
    },
    stopHub,
    tablet: openTablet,
    plainTablet: openPlainTablet,
    firefoxTablet: openFirefoxTablet,
    link: (n) => ({
      down: async () => {
        await inSpace(`tablet${n}`, 'ip', 'link', 'set', 'eth1', 'down')
      },
      up: async () => {
        await inSpace(`tablet${n}`, 'ip', 'link', 'set', 'eth1', 'up')
        await route(`tablet${n}`)
      },
    }),
    run: inSpace,
    through,
    close: async () => {
      for (const tablet of [...tablets.values()]) await tablet.close()
      await stopHub()
      await removeNamespaces((pid, floor) => pid === process.pid && floor === id)
      rmSync(base, { recursive: true, force: true })
    },
  }
}

const browserFlags = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync',
]

/** What makes page, service worker and web socket trust the hub: the hashes of its two public keys. */
const trustSwitch = (hubFolder: string): string =>
  `--ignore-certificate-errors-spki-list=${['authority', 'leaf'].map((name) => {
    const { certificate } = JSON.parse(readFileSync(path.join(hubFolder, `${name}.json`), 'utf8')) as { readonly certificate: string }
    return createHash('sha256').update(new X509Certificate(certificate).publicKey.export({ type: 'spki', format: 'der' })).digest('base64')
  }).join()}`
