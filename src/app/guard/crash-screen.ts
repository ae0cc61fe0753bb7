import { crashDe } from '../i18n/crash-de.ts'
import { crashEn, type CrashKey } from '../i18n/crash-en.ts'
import type { Language } from '../i18n/language.ts'

/** How a file of what this tablet holds turned out. */
export type Saved = Extract<CrashKey, 'crash.saved' | 'crash.part' | 'crash.nothing'>

/** What a person can do when the app does not start. */
export interface CrashWays {
  /** Takes a newer version if there is one, and loads the page anew. */
  readonly again: () => Promise<void>
  /** Takes the version before; absent when none is kept. */
  readonly back: (() => Promise<void>) | undefined
  readonly save: () => Promise<Saved>
}

export interface Crash {
  readonly language: Language
  /** What the browser said. */
  readonly said: string
  readonly ways: CrashWays
}

const TEXTS: Readonly<Record<Language, Readonly<Record<CrashKey, string>>>> = { en: crashEn, de: crashDe }
const SVG = 'http://www.w3.org/2000/svg'

/** Shows on a page without the app that it does not start, and what can be done. Made of nothing but the page itself. @returns takes it away */
export const showCrash = (target: HTMLElement, { language, said, ways }: Crash): (() => void) => {
  const page = target.ownerDocument
  const screen = target.appendChild(page.createElement('main'))
  screen.className = 'crash'
  screen.dataset['testid'] = 'crash'
  const status = page.createElement('p')
  status.setAttribute('role', 'status')
  status.dataset['testid'] = 'crash-word'
  let shown = language
  let word: CrashKey | undefined

  const add = <K extends keyof HTMLElementTagNameMap>(parent: Element, name: K, text = '', className = ''): HTMLElementTagNameMap[K] => {
    const element = parent.appendChild(page.createElement(name))
    element.className = className
    element.textContent = text
    return element
  }
  const say = (key: CrashKey | undefined): void => {
    word = key
    status.textContent = key === undefined ? '' : TEXTS[shown][key]
  }
  const run = (begun: Promise<CrashKey | void>): void => {
    say('crash.wait')
    begun.then((end) => say(end ?? undefined), (error: unknown) => {
      console.error(error)
      say('crash.unsaved')
    })
  }
  const addKey = (parent: Element, key: CrashKey, isMain: boolean, press: () => void): void => {
    const button = add(parent, 'button', TEXTS[shown][key], isMain ? 'key act' : 'key')
    button.type = 'button'
    button.dataset['testid'] = key.replace('.', '-')
    button.addEventListener('click', press)
  }
  const draw = (): void => {
    const text = TEXTS[shown]
    screen.lang = shown
    screen.replaceChildren()
    const head = add(screen, 'header')
    const wordmark = add(head, 'p', '', 'wordmark')
    const logo = add(wordmark, 'img')
    logo.alt = ''
    logo.src = '/icon.svg'
    wordmark.append('Millpond')
    addKey(head, 'crash.other', false, () => {
      shown = shown === 'en' ? 'de' : 'en'
      draw()
    })
    const panel = add(screen, 'section', '', 'panel')
    panel.append(failMark(page))
    add(panel, 'h1', text['crash.title'])
    add(panel, 'p', text['crash.reason'])
    add(panel, 'p', text[ways.back === undefined ? 'crash.alone' : 'crash.before'])
    add(add(panel, 'p'), 'code', said === '' ? 'APP-CRASHED' : `APP-CRASHED ${said}`)
    const keys = add(panel, 'div', '', 'keys')
    const { back } = ways
    if (back !== undefined) addKey(keys, 'crash.back', true, () => run(back()))
    addKey(keys, 'crash.again', back === undefined, () => run(ways.again()))
    addKey(keys, 'crash.save', false, () => run(ways.save()))
    panel.append(status)
    say(word)
  }
  draw()
  return () => screen.remove()
}

/** The mark of data or trust in danger, as `Mark.svelte` draws it. */
const failMark = (page: Document): Element => {
  const mark = page.createElementNS(SVG, 'svg')
  mark.setAttribute('class', 'mark')
  mark.setAttribute('viewBox', '0 0 32 32')
  mark.setAttribute('aria-hidden', 'true')
  for (const path of ['M10.2 2h11.6L30 10.2v11.6L21.8 30H10.2L2 21.8V10.2z', 'm10.5 10.5 11 11M21.5 10.5l-11 11']) {
    const line = mark.appendChild(page.createElementNS(SVG, 'path'))
    line.setAttribute('d', path)
  }
  return mark
}
