import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { encodeInvitation } from '../../src/protocol/invitation.ts'
import { holding, inviteLink, nodeIdOf, publishInSteps, show } from '../floor/tablet-page.ts'
import { openTwoTablets, type TwoTablets } from './two-tablets.ts'

const image = '<img src=x onerror="globalThis.harmed=1">'
const names = [image, '<script>globalThis.harmed=1</script>', '"><svg onload=globalThis.harmed=1>', '{{constructor.constructor("globalThis.harmed=1")()}}', '=HYPERLINK("//x","y")', 'javascript:globalThis.harmed=1', '\u202egnp.exe']
/** What the page has loaded or asked for, also at the hub. */
const asked: string[] = []
let tablets: TwoTablets
const dialogs: string[] = []

beforeAll(async () => {
  tablets = await openTwoTablets()
  for (const page of [tablets.first, tablets.second]) {
    page.on('request', (request) => asked.push(`${request.url()} ${request.postData() ?? ''} ${JSON.stringify(request.headers())}`))
    page.on('dialog', (dialog) => {
      dialogs.push(dialog.message())
      dialog.dismiss().catch(reportError)
    })
  }
})
afterAll(() => tablets.close())

const reportError = (error: unknown): void => void dialogs.push(String(error))

/** Elements that nobody has written into a component. */
const strange = (page: Page): Promise<readonly string[]> =>
  page.evaluate(() => [
    ...[...document.querySelectorAll('img, script:not([src]), iframe, object, embed, [onload], [onerror], a[href^="javascript:"]')].map((element) => element.outerHTML.slice(0, 100)),
    ...('harmed' in globalThis ? ['harmed'] : []),
  ])

test('[G7] names and tags of a member are text on every screen of the others, whatever is in them', async () => {
  const { first, second } = tablets
  const before = await strange(first)
  const events = names.map((name, at) => ({
    tags: ['operation', `order:${name}`, name],
    event: { type: 'operationStarted', order: name, operation: name, station: name, time: '2026-03-09T06:00:00.000+01:00', part: name, quantity: at + 1, __proto__: { harmed: 1 } },
  }))
  await second.evaluate((name) => globalThis.millpond?.rename(name), image)
  await publishInSteps(second, events, 1)
  await holding(first, { [`${await nodeIdOf(second)}-0`]: names.length - 1 })
  const shown: string[] = []
  for (const place of ['orders', 'tablets', 'copies', 'invite', 'import'] as const) {
    await show(first, place)
    await first.waitForFunction((wanted) => wanted !== 'tablets' || document.body.innerText.includes('<img'), place, { polling: 100 })
    shown.push(await first.locator('body').innerText())
    expect([place, await strange(first)]).toEqual([place, before])
  }
  for (const name of names) {
    await first.evaluate((hash) => { location.hash = hash }, `order=${encodeURIComponent(name)}`)
    await first.getByText(name, { exact: false }).first().waitFor()
    expect([name, await strange(first)]).toEqual([name, before])
  }
  expect(shown.join('\n')).toContain(image)
  expect([dialogs, asked.filter((request) => /\/x(?:$|[? ])/.test(request))]).toEqual([[], []])
})

test('[G7] [G9] an invitation stands behind # alone: no request has said it, and it is gone from the address once it was used', async () => {
  const { first, second } = tablets
  const link = await inviteLink(first)
  const invitation = link.slice(link.indexOf('#join=') + 6)
  expect(invitation.length).toBeGreaterThan(100)
  await second.reload()
  await second.waitForFunction(() => globalThis.millpond !== undefined, undefined, { polling: 50 })
  expect(second.url()).not.toContain('join')
  expect(asked.filter((request) => request.includes('join=') || request.includes(invitation.slice(0, 60)))).toEqual([])
  expect(asked.length).toBeGreaterThan(0)
})

test('[G7] the link of another floor changes nothing until a person takes it: who stays is where they were', async () => {
  const { second, origin } = tablets
  const swarm = await second.evaluate(() => globalThis.millpond?.swarm)
  const other = encodeInvitation({ founder: new Uint8Array(32).fill(9), random: new Uint8Array(16), swarmKey: new Uint8Array(32), lamport: 1, hubs: [origin] })
  await second.goto(`${origin}/config.json`)
  await second.goto(`${origin}/#join=${other}`)
  await second.getByTestId('join-link').waitFor()
  const held = await second.evaluate(async () => (await indexedDB.databases()).map(({ name }) => name).toSorted())
  expect(held.length).toBe(1)
  await second.getByTestId('stay').click()
  await second.waitForFunction(() => globalThis.millpond !== undefined, undefined, { polling: 50 })
  expect([await second.evaluate(() => globalThis.millpond?.swarm), second.url().includes('join')]).toEqual([swarm, false])
})
