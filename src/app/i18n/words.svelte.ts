import format, { type CompiledMessage } from 'icu-minify/format'
import type { en } from './en.ts'
import type { Language } from './language.ts'

export type Key = keyof typeof en
export type Values = Readonly<Record<string, string | number>>

/** All texts of a language, compiled: what is read of the ICU message syntax is read when the app is built. */
export type Texts = Readonly<Record<Key, CompiledMessage>>

/** The texts of a language come when it is chosen. */
export const loadTexts = async (language: Language): Promise<Texts> => (language === 'de' ? await import('./de.ts?compiled') : await import('./en.ts?compiled')).texts

const LOCALE: Readonly<Record<Language, string>> = { en: 'en-GB', de: 'de-DE' }

/** Making one takes longer than using it. */
const kept = <T>(make: (locale: string, type: string) => T): ((locale: string, type?: string) => T) => {
  const made = new Map<string, T>()
  return (locale, type = '') => {
    const id = `${locale} ${type}`
    const one = made.get(id) ?? make(locale, type)
    made.set(id, one)
    return one
  }
}

const numberFormats = kept((locale) => new Intl.NumberFormat(locale))
const pluralRules = kept((locale) => new Intl.PluralRules(locale))
const formatters = { getNumberFormat: (locale = '') => numberFormats(String(locale)), getPluralRules: (locale = '') => pluralRules(String(locale)), getDateTimeFormat: (locale = '') => new Intl.DateTimeFormat(locale) }

/** What the screens say, in the chosen language: texts by key, times, amounts. Reactive in `language`. */
export class Words {
  #language = $state<Language>('en')
  #texts: Texts

  constructor(language: Language, texts: Texts) {
    this.#language = language
    this.#texts = texts
  }

  get language(): Language {
    return this.#language
  }

  /** Speaks another language from now on. */
  readonly speak = (language: Language, texts: Texts): void => {
    this.#texts = texts
    this.#language = language
  }

  /** The text of a key, its places filled. */
  readonly t = (key: Key, values?: Values): string => String(format(this.#texts[key], LOCALE[this.#language], values, { formatters }))

  /** Time of day, as `10:31`; with the day before it when it is not the day of `nowMicros`. */
  readonly moment = (micros: number, nowMicros: number): string => {
    const at = new Date(micros / 1000)
    const time = this.#date(at, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })
    return at.toDateString() === new Date(nowMicros / 1000).toDateString() ? time : `${this.#date(at, { day: 'numeric', month: 'short' })} ${time}`
  }

  /** How long: `40 s`, `12 min`, `1 h 24 min`, `3 d 2 h`. Never a form that could be a time of day. */
  readonly duration = (ms: number): string => {
    const seconds = Math.max(0, Math.round(ms / 1000))
    if (seconds < 60) return this.t('unit.s', { n: seconds })
    const minutes = Math.round(seconds / 60)
    if (minutes < 60) return this.t('unit.min', { n: minutes })
    const hours = Math.floor(minutes / 60)
    if (hours < 48) return `${this.t('unit.h', { n: hours })} ${this.t('unit.min', { n: minutes % 60 })}`
    return `${this.t('unit.d', { n: Math.floor(hours / 24) })} ${this.t('unit.h', { n: hours % 24 })}`
  }

  /** An amount of bytes with its unit, three digits at most: `184 MB`, `5.2 GB`. */
  readonly bytes = (bytes: number): string => {
    const units = ['B', 'kB', 'MB', 'GB', 'TB']
    const step = Math.min(units.length - 1, bytes < 1000 ? 0 : Math.floor(Math.log10(bytes) / 3))
    const amount = bytes / 1000 ** step
    return `${this.number(amount, amount < 10 && step > 0 ? 1 : 0)} ${units[step] ?? ''}`
  }

  readonly number = (n: number, digits = 0): string => n.toLocaleString(LOCALE[this.#language], { maximumFractionDigits: digits })

  /**
   * When an event says it happened: its day and time of day as its author wrote them, not turned into the time zone of this tablet,
   * so that every tablet shows the same text. What is no ISO time is shown as it is.
   */
  readonly recorded = (iso: string): string => {
    const match = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}:\d{2})/.exec(iso)
    return match === null ? iso : `${this.day(iso)} ${match[4] ?? ''}`
  }

  /** The day of an ISO date or time, as written. */
  readonly day = (iso: string): string => {
    const at = new Date(`${iso.slice(0, 10)}T00:00:00Z`)
    return Number.isNaN(at.getTime()) ? iso : this.#date(at, { day: 'numeric', month: 'short', timeZone: 'UTC' })
  }

  #date(at: Date, options: Intl.DateTimeFormatOptions): string {
    return new Intl.DateTimeFormat(LOCALE[this.#language], options).format(at)
  }
}
