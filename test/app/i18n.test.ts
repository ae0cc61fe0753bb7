import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { parse, type AST } from 'svelte/compiler'
import { IntlMessageFormat } from 'intl-messageformat'
import { describe, expect, test } from 'vitest'
import { crashDe } from '../../src/app/i18n/crash-de.ts'
import { crashEn } from '../../src/app/i18n/crash-en.ts'
import { languageOf } from '../../src/app/i18n/language.ts'
import { de } from '../../src/app/i18n/de.ts'
import { texts as german } from '../../src/app/i18n/de.ts?compiled'
import { en } from '../../src/app/i18n/en.ts'
import { texts as english } from '../../src/app/i18n/en.ts?compiled'
import { Words } from '../../src/app/i18n/words.svelte.ts'

/** The places of a message and their kinds, plural forms included: `n:plural[=0,one,other]`. */
const placesOf = (message: string): readonly string[] => {
  const found = new Set<string>()
  const walk = (elements: ReturnType<IntlMessageFormat['getAst']>): void => {
    for (const element of elements) {
      if (element.type === 6 || element.type === 5) {
        found.add(`${element.value}:${element.type === 6 ? 'plural' : 'select'}[${Object.keys(element.options).sort().join()}]`)
        for (const option of Object.values(element.options)) walk(option.value)
      } else if (element.type >= 1 && element.type <= 4 && 'value' in element) found.add(`${element.value}:${element.type}`)
    }
  }
  walk(new IntlMessageFormat(message, 'en').getAst())
  return [...found].sort()
}

const filesIn = (folder: string): readonly string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((file) => path.join(folder, file)).filter((file) => file.endsWith('.svelte'))

/** Attributes that people read or hear. */
const SPOKEN = new Set(['aria-label', 'aria-description', 'title', 'placeholder', 'alt', 'label', 'note'])

/** Words that stand in the markup itself instead of a catalogue. */
const textsIn = (source: string): readonly string[] => {
  const found: string[] = []
  const keep = (text: string): void => {
    if (/\p{L}{2,}/u.test(text)) found.push(text.trim())
  }
  const walk = (node: unknown): void => {
    if (Array.isArray(node)) return node.forEach(walk)
    if (typeof node !== 'object' || node === null) return
    const { type } = node as { type?: string }
    if (type === 'Text') return keep((node as AST.Text).data)
    if (type === 'Attribute') {
      const { name, value } = node as AST.Attribute
      const parts = Array.isArray(value) ? value : []
      if (SPOKEN.has(name)) for (const part of parts) if (part.type === 'Text') keep(part.data)
      if (Array.isArray(value)) return
      return walk(value)
    }
    for (const [key, value] of Object.entries(node)) if (key !== 'css' && key !== 'instance' && key !== 'module' && key !== 'metadata') walk(value)
  }
  walk(parse(source, { modern: true }).fragment)
  return found
}

describe('texts', () => {
  test('[A6] what stands outside of the app has the same keys in both languages', () => expect(Object.keys(crashDe)).toEqual(Object.keys(crashEn)))

  test('[A6] both languages have the same keys, and in each text the same places and plural forms', () => {
    expect(Object.keys(de)).toEqual(Object.keys(en))
    for (const [key, text] of Object.entries(en)) expect([key, placesOf(de[key as keyof typeof de])]).toEqual([key, placesOf(text)])
  })

  test('[A6] no text stands in a component outside of the catalogues', () => {
    const found = filesIn('src/app').flatMap((file) => textsIn(readFileSync(file, 'utf8')).map((text) => `${file}: ${text}`))
    expect(found).toEqual([])
    expect(textsIn('<p>Hello {name}</p><input placeholder="Search" />')).toEqual(['Hello', 'Search'])
  })

  test('[A6] every text of the catalogues is used', () => {
    const sources = readdirSync('src/app', { recursive: true, encoding: 'utf8' }).filter((file) => /\.(svelte|ts)$/.test(file) && !/i18n\/(en|de)\.ts$/.test(file)).map((file) => readFileSync(path.join('src/app', file), 'utf8')).join('\n')
    const isUsed = (key: string): boolean => sources.includes(`'${key}'`) || stems(key).some((stem) => sources.includes(`\`${stem}`))
    expect(Object.keys(en).filter((key) => !isUsed(key))).toEqual([])
  })

  test('[A6] the first language of a person that is known is taken, else English', () => {
    expect(languageOf(['fr-FR', 'de-AT', 'en'])).toBe('de')
    expect(languageOf(['fr'])).toBe('en')
  })

  test('[A6] amounts, durations and times of day are said in the language', () => {
    const words = new Words('de', german)
    expect(words.bytes(5_200_000_000)).toBe('5,2 GB')
    expect(words.bytes(184_000_000)).toBe('184 MB')
    expect(words.duration(84 * 60_000)).toBe('1 h 24 min')
    expect(words.duration(40_000)).toBe('40 s')
    expect(words.t('safety.here', { n: 1 })).toBe('1 Eintrag liegt nur hier')
    words.speak('en', english)
    expect(words.t('safety.here', { n: 1204 })).toBe('1,204 entries are only here')
  })

  test('[A6] a recorded time is shown as its author wrote it, whatever the zone of this tablet', () => {
    expect(new Words('en', english).recorded('2012-01-02T07:00:00.000+02:00')).toBe('2 Jan 07:00')
    expect(new Words('en', english).recorded('soon')).toBe('soon')
  })
})

/** Beginnings of template texts that could make a key: `problem.hub.what` may come from `problem.${kind}.what`. */
const stems = (key: string): readonly string[] => {
  const parts = key.split('.')
  return parts.slice(1).map((_, at) => `${parts.slice(0, at + 1).join('.')}.\${`)
}
