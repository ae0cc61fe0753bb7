import axe from 'axe-core'
import { page, userEvent } from 'vitest/browser'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Meta, Node } from '../../src/index.ts'
import { readOrders } from '../look/read-orders.ts'
import { showScene, type Scene } from '../look/scene.ts'
import type { Stage } from '../look/staged-node.ts'

let scene: Scene | undefined
let target: HTMLElement

beforeEach(() => {
  target = document.body.appendChild(document.createElement('div'))
  history.replaceState(null, '', location.pathname + location.search)
})

afterEach(async () => {
  await scene?.close()
  target.remove()
})

const show = (place: string, asked: Record<string, string> = {}, stage: Stage = {}): void => {
  location.hash = place
  scene = showScene(target, new URLSearchParams(asked), stage)
}

/** Shows a screen of an open node. */
const open = async (place: string, asked: Record<string, string> = {}, stage: Stage = {}): Promise<Node> => {
  show(place, asked, stage)
  await expect.poll(() => document.querySelector('[data-orders]')?.getAttribute('data-orders')).toBe('ready')
  if (scene === undefined) throw new Error('no scene')
  return scene.node
}

const find = (selector: string): HTMLElement => {
  const found = document.querySelector<HTMLElement>(selector)
  if (found === null) throw new Error(`nothing is ${selector}`)
  return found
}

const textOf = (testId: string): string => find(`[data-testid="${testId}"]`).textContent.replace(/\s+/g, ' ').trim()

const press = async (selector: string): Promise<void> => {
  await expect.poll(() => document.querySelector(selector)).not.toBeNull()
  await userEvent.click(find(selector))
}

type Screen = readonly [name: string, place: string, asked: Record<string, string>, press: string | undefined]

const SCREENS: readonly Screen[] = [
  ['first run', '', { scene: 'first' }, undefined],
  ['an insecure address', '', { scene: 'insecure' }, undefined],
  ['an old browser', '', { scene: 'old' }, undefined],
  ['a floor that cannot be opened', '', { scene: 'blocked' }, undefined],
  ['a disk that does not answer', '', { scene: 'stuck' }, '[data-testid=stopped-archive]'],
  ['a newer version in another window', '', { scene: 'newer' }, undefined],
  ['an app that does not start', '', { scene: 'crash' }, '[data-testid=crash-save]'],
  ['a tablet that the browser has cleared', '', { scene: 'cleared' }, undefined],
  ['no orders', '#orders', { data: 'none', status: 'alone' }, undefined],
  ['orders', '#orders', {}, undefined],
  ['orders while cut off', '#orders', { status: 'cut' }, undefined],
  ['start', '#orders', {}, '.tools .act'],
  ['order', '#order=W20498', {}, undefined],
  ['finish', '#order=W20498', {}, '.run .key'],
  ['tablets', '#tablets', { status: 'notices' }, undefined],
  ['a tablet with several histories', '#tablets', { status: 'histories' }, undefined],
  ['a tablet alone', '#tablets', { data: 'none', status: 'alone' }, undefined],
  ['a full disk', '#tablets', { status: 'full' }, undefined],
  ['a wrong clock', '#tablets', { status: 'clock' }, undefined],
  ['copies', '#copies', {}, undefined],
  ['invite', '#invite', {}, undefined],
  ['pairing', '#pair', {}, undefined],
  ['pairing shows a code', '#pair', {}, '[data-testid=pair-show]'],
  ['pairing takes a code', '#pair', {}, '[data-testid=pair-take]'],
  ['joining by codes', '', { scene: 'first' }, '[data-testid=join-code]'],
  ['import', '#import', {}, undefined],
  ['where the entries are', '#orders', { status: 'cut' }, '[data-testid=chip]'],
  ['settings', '#orders', {}, '.settings'],
]

const SIZES = [['landscape', 1280, 800], ['portrait', 800, 1280], ['phone', 390, 844]] as const

/** Scenes without an open node have no frame. */
const isBare = ({ scene: name }: Record<string, string>): boolean => name !== undefined

/** Everything that can be pressed and is seen, with its size in CSS pixels. */
const targets = (): readonly { readonly what: string; readonly width: number; readonly height: number }[] =>
  [...document.querySelectorAll<HTMLElement>('button, a[href], input:not([type=file])')]
    .filter((element) => element.checkVisibility() && !element.matches('.skip, .sr, [tabindex="-1"]'))
    .map((element) => (element.matches('.field input') ? (element.closest<HTMLElement>('.field') ?? element) : element))
    .map((element) => ({ what: element.outerHTML.slice(0, 80), width: element.offsetWidth, height: element.offsetHeight }))

/** Texts on screen with the size of their letters. */
const letters = (): readonly { readonly text: string; readonly size: number }[] => {
  const walker = document.createTreeWalker(target, NodeFilter.SHOW_TEXT)
  const found: { text: string; size: number }[] = []
  while (walker.nextNode()) {
    const { parentElement, nodeValue } = walker.currentNode
    if (parentElement !== null && (nodeValue ?? '').trim() !== '' && parentElement.checkVisibility() && parentElement.closest('.sr') === null) found.push({ text: nodeValue ?? '', size: Number.parseFloat(getComputedStyle(parentElement).fontSize) })
  }
  return found
}

describe.each(SIZES)('at the size of a %s', (size, width, height) => {
  beforeEach(() => page.viewport(width, height))

  test.each(SCREENS)('[A8] %s: no barrier is found, targets fit gloves, nothing is cut off at the side', async (_, place, asked, pressed) => {
    show(place, { ...asked, theme: size === 'portrait' ? 'dark' : 'light', lang: size === 'landscape' ? 'en' : 'de' })
    await expect.poll(() => document.querySelector(isBare(asked) ? '.bare h1, .bare .mark, .crash h1' : '[data-orders="ready"]')).not.toBeNull()
    if (pressed !== undefined) await press(pressed)
    await document.fonts.ready
    // A pressed key lets go slowly; a colour on its way is none to judge.
    await Promise.allSettled(document.getAnimations().map((animation) => animation.finished))
    const { violations } = await axe.run(document.body, { rules: { 'color-contrast-enhanced': { enabled: true } } })
    expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(' | ')}`)).toEqual([])
    const least = size === 'phone' ? 48 : 56
    expect(targets().filter((each) => each.height < least || each.width < least)).toEqual([])
    expect(letters().filter((each) => each.size < (size === 'phone' ? 14 : 18))).toEqual([])
    expect(document.documentElement.scrollWidth).toBeLessThanOrEqual(width)
  })
})

describe('an archive', () => {
  test('[G6] a file that a tablet has saved is taken in under Import, one of another floor is named as such', async () => {
    const node = await open('#import')
    const parts: string[] = []
    for await (const line of node.archive('all')) parts.push(line)
    const choose = (text: string): void => {
      const input = find('[data-testid=import-file]') as HTMLInputElement
      const files = new DataTransfer()
      files.items.add(new File([text], 'millpond-TM4.ndjson'))
      input.files = files.files
      input.dispatchEvent(new Event('change', { bubbles: true }))
    }
    choose(parts.join(''))
    await expect.poll(() => document.querySelector('[data-testid=archive-result]')?.getAttribute('data-fault')).toBe('')
    expect(textOf('archive-result')).toContain('Everything in it was here already.')
    choose(parts.join('').replaceAll(node.swarm, '0'.repeat(32)))
    await expect.poll(() => document.querySelector('[data-testid=archive-result]')?.getAttribute('data-fault')).toBe('swarm')
    expect(textOf('archive-result')).toContain('is of another floor')
  })
})

describe.each(SIZES)('leaving a floor at the size of a %s', (_, width, height) => {
  beforeEach(() => page.viewport(width, height))

  test('[G6] what is only here is counted, and it takes two touches, the second of which can be seen', async () => {
    await open('#orders', { status: 'cut' })
    await press('.settings')
    await press('[data-testid=leave]')
    await expect.poll(() => textOf('leave-loss')).toContain('3 entries are only here.')
    expect(find('[data-testid=leave-go]').matches(':disabled')).toBe(true)
    await press('[data-testid=leave-know]')
    expect(textOf('leave-know')).toContain('I know that 3 entries are lost')
    expect(find('[data-testid=leave-go]').matches(':enabled')).toBe(true)
    expect(find('[data-testid=leave-go]').checkVisibility()).toBe(true)
  })

  test('[G6] where not everything could be deleted that is said, with its code', async () => {
    await open('#orders')
    await press('.settings')
    await press('[data-testid=wipe]')
    await press('[data-testid=leave-know]')
    await press('[data-testid=leave-go]')
    await expect.poll(() => document.querySelector('.sheet')?.textContent).toContain('STORE-FAILED')
  })
})

describe('orders', () => {
  beforeEach(() => page.viewport(1280, 800))

  test('[G3] the same events give the same text on every tablet, whatever else is different', async () => {
    await open('#orders')
    const rows = await readOrders()
    await scene?.close()
    await page.viewport(390, 844)
    await open('#orders', { status: 'cut', theme: 'dark' })
    expect(rows).toHaveLength(29)
    expect(await readOrders()).toEqual(rows)
  })

  test('[G2] a finish is typed on the pad, recorded with its numbers, and shown when it is saved', async () => {
    const node = await open('#order=W20498')
    await press('.run .key')
    for (const digit of ['2', '3']) await userEvent.keyboard(digit)
    await press('.stepper:nth-child(2) .key:last-child')
    await press('.sheet-foot .act')
    await expect.poll(() => find('[data-testid="entry"]').getAttribute('data-state')).toBe('saved')
    expect(textOf('entry')).toContain('Finished OP20, W20498: 23 good, 1 scrap')
    const payloads: unknown[] = []
    for await (const { payload } of node.query({ where: [{ tags: ['order:W20498', 'station:TM4'] }] }, 'descending')) payloads.push(payload)
    expect(payloads[0]).toMatchObject({ type: 'operationFinished', order: 'W20498', operation: 'OP20', station: 'TM4', good: 23, scrap: 1 })
    await expect.poll(() => textOf('order')).toContain('23 good')
  })

  test('[G6] an entry that could not be stored stands in red, nothing has moved, and trying again stores it', async () => {
    let isFull = true
    let real: Node | undefined
    const publish: Node['publish'] = (events, options): Promise<readonly Meta[]> =>
      isFull || real === undefined ? Promise.reject(new DOMException('full', 'QuotaExceededError')) : real.publish(events, options)
    const staged = await open('#order=W20498', {}, { publish, keep: (node) => (real = node) })
    await press('.run .key')
    await userEvent.keyboard('7')
    await press('.sheet-foot .act')
    await expect.poll(() => find('[data-testid="entry"]').getAttribute('data-state')).toBe('failed')
    expect(find('[data-testid="chip"]').getAttribute('data-state')).toBe('fail')
    expect(find('[data-testid="banner"]').getAttribute('role')).toBe('alert')
    expect(textOf('order')).not.toContain('7 good')
    isFull = false
    await press('[data-testid="entry"] .key')
    await expect.poll(() => find('[data-testid="entry"]').getAttribute('data-state')).toBe('saved')
    await expect.poll(() => textOf('order')).toContain('7 good')
    expect(staged.swarm).toBe(real?.swarm)
  })

  test('[A8] search and filter show what fits, and say so when nothing does', async () => {
    await open('#orders')
    await userEvent.fill(find('input[type=search]'), 'nz-202')
    await expect.poll(() => [...document.querySelectorAll('[data-testid=orders] a')].every((row) => row.textContent.includes('NZ-202'))).toBe(true)
    await userEvent.fill(find('input[type=search]'), 'nothing at all')
    await expect.poll(() => document.body.textContent).toContain('No order fits.')
  })
})

describe('chip and swarm', () => {
  test('[G6] the chip, the sheet behind it and the copies say the same', async () => {
    await open('#copies', { status: 'cut' })
    const chip = find('[data-testid="chip"]')
    expect([chip.dataset['copies'], chip.dataset['onlyHere']]).toEqual(['1', '3'])
    expect(textOf('chip')).toBe('3 only here nobody in reach')
    expect([...document.querySelectorAll('[data-testid=copies] .cell.still[data-lacks="3"]')].length).toBeGreaterThan(0)
    await press('[data-testid=chip]')
    await expect.poll(() => document.querySelector('[data-testid=safety]')?.textContent).toContain('3 entries are only here')
  })

  test('[G6] while cut off the banner says since when, and the swarm what to do', async () => {
    await open('#tablets', { status: 'cut' })
    expect(textOf('banner')).toMatch(/^Cut off since \d\d:\d\d\./)
    expect([...document.querySelectorAll('[data-testid=problem]')].map((card) => card.getAttribute('data-code'))).toEqual(['CUT-OFF', 'HUB-OFF'])
  })
})

describe('first run', () => {
  test('[A8] a new floor is begun with the name given, its code made from it', async () => {
    show('', { scene: 'first', data: 'none', status: 'alone' })
    await press('[data-testid=begin]')
    await userEvent.fill(find('[data-testid=tablet-name]'), 'Packing North 2')
    await press('[data-testid=first-go]')
    await expect.poll(() => scene?.node.then((node) => node.status().name)).toBe('PN2 Packing North 2')
  })

  test('[G7] what is pasted is used only when it can be an invitation, and a refused one is said', async () => {
    show('', { scene: 'first' })
    await press('[data-testid=join-paste]')
    await userEvent.fill(find('[data-testid=paste]'), 'hello')
    expect(find('[data-testid=paste-go]').matches(':disabled')).toBe(true)
    await userEvent.fill(find('[data-testid=paste]'), `https://10.0.0.1:8443/#join=${'A'.repeat(90)}`)
    await press('[data-testid=paste-go]')
    await userEvent.fill(find('[data-testid=tablet-name]'), 'Packing')
    await press('[data-testid=first-go]')
    await expect.poll(() => document.querySelector('[role=alert]')?.textContent).toContain('INVITATION-INVALID')
  })

  test('[A8] the language is switched before anything else', async () => {
    show('', { scene: 'first' })
    await press('[data-testid=language]')
    await expect.poll(() => document.querySelector('h1')?.textContent).toBe('In welcher Halle arbeitet dieses Tablet?')
    expect(document.documentElement.lang).toBe('de')
  })
})
