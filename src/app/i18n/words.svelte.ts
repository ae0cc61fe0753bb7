import { IntlMessageFormat } from 'intl-messageformat'
import { de } from './de.ts'
import { en } from './en.ts'
import type { Language } from './language.ts'

export type Key = keyof typeof en
export type Values = Readonly<Record<string, string | number>>

/** Both catalogues; `de` has a text for every key of `en`. */
export const catalogues: Readonly<Record<Language, Readonly<Record<Key, string>>>> = { en, de }

const LOCALE: Readonly<Record<Language, string>> = { en: 'en-GB', de: 'de-DE' }

/** What the screens say, in the chosen language: texts by key, times, amounts. Reactive in `language`. */
export class Words {
  language = $state<Language>('en')
  readonly #formats = new Map<string, IntlMessageFormat>()

  constructor(language: Language) {
    this.language = language
  }

  /** The text of a key, its places filled. */
  readonly t = (key: Key, values?: Values): string => {
    const text = catalogues[this.language][key]
    if (values === undefined && !text.includes('{')) return text
    const id = `${this.language} ${key}`
    const format = this.#formats.get(id) ?? new IntlMessageFormat(text, LOCALE[this.language])
    this.#formats.set(id, format)
    return String(format.format(values))
  }

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

  readonly number = (n: number, digits = 0): string => n.toLocaleString(LOCALE[this.language], { maximumFractionDigits: digits })

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
    return new Intl.DateTimeFormat(LOCALE[this.language], options).format(at)
  }
}
