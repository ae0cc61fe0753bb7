// Takes pictures of every screen in every state, at all sizes, in both themes and languages, into test-results/look.
//   node test/look/shots.mjs            all
//   node test/look/shots.mjs orders     only pictures whose name contains one of the words
import { mkdir } from 'node:fs/promises'
import { chromium } from 'playwright-core'
import { createServer } from 'vite'

const SIZES = { landscape: { width: 1280, height: 800 }, portrait: { width: 800, height: 1280 }, phone: { width: 390, height: 844 } }
const LOOKS = [['light', 'en'], ['dark', 'de']]
const click = (name) => (page) => page.locator(name).first().click()

/** What a scene asks for, where it is, and what a person does first. */
const scene = (query, place = '', act) => ({ query, place, act })

const SCENES = {
  first: scene('scene=first', ''),
  'first-link': scene('scene=first', '#join=' + 'A'.repeat(60)),
  'first-tablet': scene('scene=first', '', async (page) => { await page.getByTestId('begin').click(); await page.getByTestId('tablet-name').fill('Turning & Milling 4') }),
  insecure: scene('scene=insecure', ''),
  old: scene('scene=old', ''),
  blocked: scene('scene=blocked', ''),
  opening: scene('scene=opening', ''),
  'first-stuck': scene('scene=stuck', '', async (page) => { await page.getByTestId('stopped-archive').click(); await page.locator('[data-testid=archive][data-state=done]').waitFor() }),
  'first-newer': scene('scene=newer', ''),
  'first-crash': scene('scene=crash', '', async (page) => { await page.getByTestId('crash-save').click(); await page.waitForFunction(() => document.querySelector('[data-testid=crash-word]').textContent.length > 20) }),
  'first-crash-alone': scene('scene=crashFirst', ''),
  'first-cleared': scene('scene=cleared', ''),
  leave: scene('status=cut', '#orders', async (page) => { await page.locator('.settings').click(); await page.getByTestId('leave').click(); await page.getByTestId('leave-know').click() }),
  wipe: scene('', '#orders', async (page) => { await page.locator('.settings').click(); await page.getByTestId('wipe').click() }),
  'orders-empty': scene('data=none&status=alone', '#orders'),
  orders: scene('', '#orders'),
  'orders-cut': scene('status=cut', '#orders'),
  'orders-back': scene('status=back', '#orders', async (page) => {
    const publish = (order) => page.evaluate(async (id) => (await scene.node).publish([{ tags: ['operation'], event: { type: 'operationStarted', order: id, operation: 'OP60', station: 'LM7', time: '2026-03-09T12:50:00.000+01:00' } }]), order)
    await publish('W20417')
    await page.evaluate(() => scene.comeBack(0))
    await publish('W20450')
    await page.locator('[data-kind=back]').waitFor()
    await page.evaluate(() => scene.comeBack(41))
    await publish('W20468')
    await page.locator('.row.late').first().waitFor()
  }),
  'orders-nothing': scene('', '#orders', (page) => page.locator('input[type=search]').fill('zzz')),
  start: scene('', '#orders', click('.tools .act')),
  order: scene('', '#order=W20498'),
  finish: scene('', '#order=W20498', click('.run .key')),
  fail: scene('scene=fail', '#order=W20498', async (page) => { await page.locator('.run .key').first().click(); await page.locator('.sheet-foot .act').click() }),
  tablets: scene('', '#tablets'),
  'tablets-alone': scene('data=none&status=alone', '#tablets'),
  'tablets-cut': scene('status=cut', '#tablets'),
  'tablets-apart': scene('status=apart', '#tablets'),
  'tablets-notices': scene('status=notices', '#tablets', (page) => page.getByTestId('notices').scrollIntoViewIfNeeded()),
  'tablets-histories': scene('status=histories', '#tablets', (page) => page.getByTestId('histories').scrollIntoViewIfNeeded()),
  full: scene('status=full', '#tablets'),
  clock: scene('status=clock', '#tablets'),
  update: scene('scene=update', '#orders'),
  'update-warned': scene('scene=updateWarned', '#orders'),
  unfetched: scene('scene=unfetched', '#tablets'),
  roomless: scene('scene=roomless', '#tablets'),
  crashed: scene('scene=crashed', '#tablets'),
  copies: scene('', '#copies'),
  invite: scene('', '#invite'),
  pair: scene('', '#pair'),
  'pair-new': scene('data=none&status=alone', '#pair'),
  'pair-show': scene('', '#pair', async (page) => { await page.getByTestId('pair-show').click(); await page.getByTestId('code-shown').waitFor() }),
  'pair-wrong': scene('', '#pair', async (page) => { await page.getByTestId('pair-show').click(); await page.getByTestId('code-text').fill(await page.getByTestId('code-shown').inputValue()); await page.getByTestId('code-go').click(); await page.getByTestId('code-wrong').waitFor() }),
  'pair-take': scene('', '#pair', click('[data-testid=pair-take]')),
  'pair-camera': scene('', '#pair', async (page) => { await page.getByTestId('pair-take').click(); await page.getByTestId('scan').click(); await page.locator('[data-state=failed]').waitFor() }),
  'pair-answer': scene('', '#pair', async (page) => {
    const offer = await page.evaluate(async () => (await scene.other()).pair().offer())
    await page.getByTestId('pair-take').click()
    await page.getByTestId('code-text').fill(offer)
    await page.getByTestId('code-go').click()
    await page.getByTestId('code-shown').waitFor()
  }),
  'pair-connected': scene('', '#pair', async (page) => {
    await page.getByTestId('pair-show').click()
    const answer = await page.evaluate(async (offer) => (await scene.other()).pair().answer(offer), await page.getByTestId('code-shown').inputValue())
    await page.getByTestId('code-text').fill(answer)
    await page.getByTestId('code-go').click()
    await page.locator('[data-state=connected]').waitFor()
  }),
  'pair-unreachable': scene('', '#pair', async (page) => {
    await page.getByTestId('pair-show').click()
    const answer = await page.evaluate(async (offer) => { const pairing = (await scene.other()).pair(); const text = await pairing.answer(offer); pairing.close(); return text }, await page.getByTestId('code-shown').inputValue())
    await page.getByTestId('code-text').fill(answer)
    await page.getByTestId('code-go').click()
    await page.locator('[data-code=PAIR-UNREACHABLE]').waitFor()
  }),
  'first-code': scene('scene=first', '', click('[data-testid=join-code]')),
  import: scene('', '#import'),
  'import-sample': scene('', '#import', async (page) => { await page.getByTestId('import-sample').click(); await page.getByTestId('import-result').waitFor() }),
  safety: scene('status=cut', '#orders', click('[data-testid=chip]')),
  settings: scene('', '#orders', click('.settings')),
}

const words = process.argv.slice(2)
const folder = new URL('../../test-results/look/', import.meta.url)
await mkdir(folder, { recursive: true })
const server = await createServer({ root: new URL('../..', import.meta.url).pathname, logLevel: 'error', server: { port: 0, hmr: false, watch: null } })
await server.listen()
const address = server.resolvedUrls.local[0]
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu'] })
try {
  for (const [theme, lang] of LOOKS) {
    const context = await browser.newContext({ locale: lang === 'de' ? 'de-DE' : 'en-GB', timezoneId: 'Europe/Berlin' })
    for (const [title, { query, place, act }] of Object.entries(SCENES)) {
      for (const [size, viewport] of Object.entries(SIZES)) {
        const name = `${title}-${size}-${theme}-${lang}`
        if (words.length > 0 && !words.some((word) => name.includes(word))) continue
        const page = await context.newPage()
        await page.setViewportSize(viewport)
        page.on('pageerror', (error) => console.error(`${title}: ${error.message}`))
        page.on('console', (message) => { if (message.type() === 'error' || message.type() === 'warning') console.error(`${title}: ${message.text()}`) })
        await page.goto(`${address}test/look/index.html?${query}&lang=${lang}&theme=${theme}${place}`)
        await page.waitForSelector('.app, .bare, .crash')
        if (!/first|insecure|old|blocked|opening/.test(title)) await page.waitForSelector('[data-orders="ready"]')
        await act?.(page)
        await page.evaluate(() => document.fonts.ready)
        await page.screenshot({ path: new URL(`${name}.png`, folder).pathname, animations: 'disabled' })
        await page.close()
        console.log(name)
      }
    }
  }
} finally {
  await browser.close()
  await server.close()
}
