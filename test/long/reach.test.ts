import { readFileSync } from 'node:fs'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { dropGateway, dropUdp, filterMulticast, heal, isolate, takeStunPort } from '../floor/bad-network.ts'
import { createFloor, returnForbidden, type Floor, type Tablet } from '../floor/floor.ts'
import { beginFloor, connected, enterCode, inviteLink, joinFloor, show } from '../floor/tablet-page.ts'
import { type ReachCode, reachCodes, readmeRows } from './reach-said.ts'

// Two tablets in one bad network after the other: the Swarm screen says what is wrong, and what it says to do helps. Each test goes on from where the last has left the floor.

const stunPort = 3478
/** A page that counts as one of the internet needs a permission for the local network, which nobody is there to give. */
const localNetworkForbidden = [
  '--ip-address-space-overrides=10.77.0.254:8443=public',
  '--enable-features=LocalNetworkAccessChecks,LocalNetworkAccessChecksWebRTC:LocalNetworkAccessChecksWebRTCLoopbackOnly/false',
]

let floor: Floor
let freeStunPort: () => void
const browsers: Tablet[] = []
/** What the screens have said, by code. */
const said = new Map<string, string>()

const pageOf = (n: number): Page => {
  const page = browsers[n - 1]?.page
  if (page === undefined) throw new Error(`there is no tablet ${n}`)
  return page
}
/** Without the return, so that they need the hub after each reload. */
const open = async (n: number, ...switches: readonly string[]): Promise<void> => {
  browsers[n - 1] = await floor.tablet(n, [returnForbidden, ...switches])
}
/** As when the app is opened in the network as it is now. */
const reload = (): Promise<unknown> => Promise.all([1, 2].map((n) => pageOf(n).reload()))
const met = (): Promise<unknown> => Promise.all([1, 2].map((n) => connected(pageOf(n), 1)))

/** Waits until this tablet's Swarm screen says so, and keeps the words. */
const expectSaid = async (n: number, code: ReachCode): Promise<void> => {
  await show(pageOf(n), 'tablets')
  const card = pageOf(n).locator(`[data-testid=problem][data-code=${code}]`)
  await card.waitFor({ timeout: 60_000 })
  said.set(code, await card.locator('h3').innerText())
}
const codesOn = (n: number): Promise<readonly string[]> => pageOf(n).getByTestId('problem').evaluateAll((cards) => cards.map((card) => card.getAttribute('data-code') ?? ''))
/** Of what is said about the network no other cause than this. That no other tablet is in reach is none, and said only to who has had one. */
const expectOnly = async (n: number, ...causes: readonly ReachCode[]): Promise<void> => {
  const codes = await codesOn(n)
  expect(reachCodes.filter((code) => code !== 'CUT-OFF' && codes.includes(code))).toEqual(causes)
}

beforeAll(async () => {
  floor = await createFloor(5)
  freeStunPort = await takeStunPort(floor, stunPort)
  await floor.startHub(['--stun-port', String(stunPort)])
  for (const n of [1, 2]) await open(n)
})
afterAll(() => floor.close())

test('[G6] [G9] multicast filtered and no STUN: the names do not resolve, which is said before the two have ever met; with the camera allowed they connect', async () => {
  await filterMulticast(floor)
  await beginFloor(pageOf(1), floor.hubOrigin, 'Turning and Milling 4')
  await joinFloor(pageOf(2), await inviteLink(pageOf(1)), 'Laser Marking')
  await Promise.all([1, 2].map((n) => expectSaid(n, 'REACH-NAMES')))
  for (const n of [1, 2]) {
    await expectOnly(n, 'REACH-NAMES')
    expect(await pageOf(n).locator('[data-testid=tablets] tbody tr').allInnerTexts()).toMatchObject([expect.stringMatching(/a tablet that has not spoken yet\s+at the hub, not reached/)])
  }
  for (const n of [1, 2]) await browsers[n - 1]?.context.grantPermissions(['camera'])
  await reload()
  await met()
  for (const n of [1, 2]) await expectOnly(n)
  for (const n of [1, 2]) await browsers[n - 1]?.context.clearPermissions()
})

test('[G6] [G9] no gateway and no STUN: the tablet without says that it tells no address, the other that this one does; with the hub\'s STUN they connect, multicast filtered or not', async () => {
  await dropGateway(floor, 2)
  await reload()
  await Promise.all([expectSaid(1, 'REACH-PEER-NO-ADDRESS'), expectSaid(2, 'REACH-NO-ADDRESS')])
  await expectOnly(1, 'REACH-PEER-NO-ADDRESS')
  await expectOnly(2, 'REACH-NO-ADDRESS')
  await floor.stopHub()
  freeStunPort()
  await floor.startHub(['--stun-port', String(stunPort)])
  await reload()
  await met()
  await floor.link(2).down()
  await expectSaid(2, 'REACH-OFFLINE')
  await expectSaid(2, 'CUT-OFF')
  await expectOnly(2, 'REACH-OFFLINE')
  await floor.link(2).up()
  await met()
  await heal(floor)
})

test('[G6] clients kept apart: both say so, and a pairing too', async () => {
  await isolate(floor, 'on', 1, 2)
  await reload()
  await Promise.all([1, 2].map((n) => expectSaid(n, 'REACH-ISOLATED')))
  for (const n of [1, 2]) await show(pageOf(n), 'pair')
  await pageOf(1).getByTestId('pair-show').click()
  await pageOf(2).getByTestId('pair-take').click()
  await enterCode(pageOf(2), await pageOf(1).getByTestId('code-shown').inputValue())
  await enterCode(pageOf(1), await pageOf(2).getByTestId('code-shown').inputValue())
  const fault = pageOf(1).locator('[data-code=PAIR-UNREACHABLE] h2')
  await fault.waitFor()
  said.set('PAIR-UNREACHABLE', await fault.innerText())
  await isolate(floor, 'off', 1, 2)
  await met()
})

test('[G6] a firewall that lets no UDP in: its tablet says that nothing gets through, the other that the two are apart', async () => {
  await dropUdp(floor, 'on', 2)
  await reload()
  await Promise.all([expectSaid(1, 'REACH-ISOLATED'), expectSaid(2, 'REACH-UDP')])
  await dropUdp(floor, 'off', 2)
  await met()
})

test('[G6] browsers that keep the page off the local network say so', async () => {
  // New ones, on a floor of their own: a page that is kept counts as what it was when it was loaded.
  for (const n of [4, 5]) await open(n, ...localNetworkForbidden)
  await beginFloor(pageOf(4), floor.hubOrigin, 'Tool Shop')
  await joinFloor(pageOf(5), await inviteLink(pageOf(4)), 'Office')
  await Promise.all([4, 5].map((n) => expectSaid(n, 'REACH-FORBIDDEN')))
  for (const n of [4, 5]) await browsers[n - 1]?.close()
})

test('[G6] the hub off, a tablet not heard, all others gone: each is said as what it is', async () => {
  await open(3)
  await joinFloor(pageOf(3), await inviteLink(pageOf(1)), 'Packing')
  await Promise.all([1, 2, 3].map((n) => connected(pageOf(n), 2)))
  await browsers[2]?.close()
  await expectSaid(1, 'NOT-HEARD')
  await expectOnly(1, 'NOT-HEARD')
  await browsers[1]?.close()
  await expectSaid(1, 'CUT-OFF')
  await expectOnly(1)
  await floor.stopHub()
  await expectSaid(1, 'HUB-OFF')
  await expectOnly(1, 'HUB-OFF')
})

test('[G6] README has a row for each, in the words that were shown', () => {
  expect([...said.keys()].toSorted()).toEqual(reachCodes.toSorted())
  const rows = readmeRows(readFileSync('README.md', 'utf8'))
  const shown = Object.fromEntries(rows.map(({ code, words }) => [code, new RegExp(`^${words.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll('…', '.+')}$`)]))
  for (const [code, words] of said) expect(words).toMatch(shown[code] ?? /^no row$/)
})
