import { afterEach, describe, expect, test } from 'vitest'
import { createFloor, type Floor } from '../floor/floor.ts'
import { anyPage, beginFloor, expectEqual, fill, go, press, publish, settled, type AnyPage } from './any-page.ts'

// Two tablets meet through the hub, then it is stopped: each loses the other in every way, and comes back by what is held ready.
// `TRIES=5` does everything five times, to see rates.

const tries = Number(process.env['TRIES'] ?? 1)
/** Promised after a reload: within so long of the page. */
const backMs = 5000
/** After this it is not waited for any more. */
const limitMs = 120_000

type Kind = 'Chromium' | 'Firefox'
const PAIRS = [['Chromium', 'Chromium'], ['Chromium', 'Firefox'], ['Firefox', 'Chromium'], ['Firefox', 'Firefox']] as const

interface Tablet {
  readonly page: AnyPage
  readonly kill: () => Promise<void>
}

/** What a tablet knows of the only other one. */
interface Seen {
  readonly state: string | undefined
  readonly standbys: number | undefined
  /** How often it came back by a standby. */
  readonly used: number
  readonly failed: readonly string[]
}

let floor: Floor

afterEach(() => floor.close())

/** Runs in the page before all else: its connections can be closed, as by a browser that loses its network device. */
const keepConnections = (): void => {
  const all: RTCPeerConnection[] = []
  globalThis.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(config?: RTCConfiguration) {
      super(config)
      all.push(this)
    }
  }
  globalThis.closeConnected = () => all.filter(({ connectionState }) => connectionState === 'connected').map((each) => each.close()).length
}
declare global {
  var closeConnected: () => number
}

const openTablet = async (n: number, kind: Kind): Promise<Tablet> => {
  const { page, kill } = kind === 'Chromium' ? await floor.tablet(n) : await floor.firefoxTablet(n)
  await ('addInitScript' in page ? page.addInitScript(keepConnections) : page.evaluateOnNewDocument(keepConnections))
  return { page: anyPage(page), kill }
}

const seenBy = (page: AnyPage): Promise<Seen> =>
  page.evaluate(() => {
    const { peers = [], notices = [] } = globalThis.millpond?.status() ?? {}
    const failed = notices.filter(({ code }) => code === 'STANDBY-FAILED').map(({ text }) => text)
    return { state: peers[0]?.state, standbys: peers[0]?.standbys, used: notices.filter(({ code }) => code === 'STANDBY-USED').length, failed }
  }, undefined)

/** Milliseconds until it holds of both; `undefined`: not in time. */
const until = async (pages: readonly AnyPage[], holds: (seen: Seen) => boolean): Promise<number | undefined> => {
  const began = performance.now()
  while (performance.now() - began < limitMs) {
    if ((await Promise.all(pages.map(seenBy))).every(holds)) return Math.round(performance.now() - began)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return undefined
}

/** Of the four that either end holds back, as caller of two and listener of two, three are enough: at least one either way. */
const untilPrepared = async (pages: readonly AnyPage[], count = 3): Promise<void> => {
  const ms = await until(pages, ({ state, standbys = 0 }) => state === 'connected' && standbys >= count)
  if (ms === undefined) throw new Error(`not all is held ready: ${JSON.stringify(await Promise.all(pages.map(seenBy)))}`)
}

/** Two tablets that met through the hub, which is then stopped. */
const meet = async (kinds: readonly [Kind, Kind]): Promise<[Tablet, Tablet]> => {
  floor = await createFloor(2)
  await floor.startHub()
  const [first, second] = [await openTablet(1, kinds[0]), await openTablet(2, kinds[1])]
  await first.page.open(floor.hubOrigin)
  await second.page.open(await beginFloor(first.page, 'Turning 1'))
  await press(second.page, 'join-link')
  await fill(second.page, 'tablet-name', 'Packing 2')
  await press(second.page, 'first-go')
  for (const { page } of [first, second]) await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined), undefined)
  await untilPrepared([first.page, second.page], 4)
  return [first, second]
}

describe.each(PAIRS)('%s and %s', (...kinds) => {
  test('[G3] [R67] [R68] [R69] meet through the hub, and without it come back from everything, holding the same', { timeout: 200_000 * (1 + tries) }, async () => {
    const tablets = await meet(kinds)
    const pages = () => tablets.map(({ page }) => page)
    let count = 0
    const publishBoth = async () => {
      for (const page of pages()) await publish(page, `event ${++count}`)
      await expectEqual(pages(), count)
    }
    await publishBoth()
    await floor.stopHub()

    const slow: string[] = []
    const losing = async (what: string, times: number, lose: () => Promise<void>, withinMs = backMs) => {
      const took: number[] = []
      for (let time = 0; time < times; time++) {
        await untilPrepared(pages())
        await lose()
        const ms = await until(pages(), ({ state }) => state === 'connected')
        expect(ms, `${what}: ${JSON.stringify(await Promise.all(pages().map(seenBy)))}`).toBeDefined()
        took.push(ms ?? limitMs)
        await publishBoth()
      }
      console.log(`${kinds.join('-')}, ${what}: back after ${took.join(', ')} ms`)
      if (took.some((ms) => ms > withinMs)) slow.push(what)
    }

    for (const at of [0, 1] as const) {
      const who = `${at === 0 ? 'first' : 'second'} (${kinds[at]})`
      await losing(`${who} reloaded`, 3 * tries, () => tablets[at].page.reload())
      await losing(`${who} killed`, tries, async () => {
        await tablets[at].kill()
        tablets[at] = await openTablet(at + 1, kinds[at])
        await tablets[at].page.open(floor.hubOrigin)
      })
      await losing(`${who} closed its connection`, tries, async () => {
        expect(await tablets[at].page.evaluate(() => globalThis.closeConnected(), undefined)).toBeGreaterThan(0)
        await until([tablets[at].page], ({ state }) => state !== 'connected')
      })
    }
    // Firefox does not tell that the network is back: what is tried without a sign has to do.
    await losing('links down 20 s', tries, async () => {
      for (const n of [1, 2]) await floor.link(n).down()
      await new Promise((resolve) => setTimeout(resolve, 20_000))
      await until(pages(), ({ state }) => state !== 'connected')
      for (const n of [1, 2]) await floor.link(n).up()
    }, kinds.includes('Firefox') ? limitMs : backMs)
    const failed = (await Promise.all(pages().map(seenBy))).flatMap((seen) => seen.failed)
    console.log(failed.join('\n'))
    expect(slow).toEqual([])
    for (const page of pages()) {
      await go(page, '#tablets')
      await settled(page, '[data-testid=return][data-allowed=true]')
      await settled(page, '[data-code=STANDBY-USED]')
    }
  })
})
