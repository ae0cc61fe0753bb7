import type { DurationUnit } from './ast.ts'

const ISO = /^(\d{4})-(\d\d)-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{9}|\d{6}|\d{3}))?)?)?(Z|[+-]\d\d:\d\d)$/
const minuteMicros = 60e6
const hourMicros = 60 * minuteMicros
const dayMicros = 24 * hourMicros

/** A synodic month and a tropical year; the others are what everybody expects. In microseconds. */
const unitMicros: Readonly<Record<DurationUnit, number>> = {
  Y: 31_556_925_250_000, M: 2_551_442_876_900, W: 7 * dayMicros, D: dayMicros, h: hourMicros, m: minuteMicros, s: 1e6,
}

export const durationMicros = (count: number, unit: DurationUnit): number => Math.round(count * unitMicros[unit])

/** Minutes east of UTC of `Z` or `±hh:mm`; `undefined` for anything else. */
export const zoneMinutes = (zone: string): number | undefined => {
  if (zone === 'Z') return 0
  const match = /^([+-])([01]\d|2[0-3]):([0-5]\d)$/.exec(zone)
  return match === null ? undefined : (match[1] === '-' ? -1 : 1) * (Number(match[2]) * 60 + Number(match[3]))
}

/** Microseconds since 1970 of a date as AQL writes it, omitted parts zero, what is finer cut off; `undefined` when it is none. */
export const parseIsoDate = (text: string): number | undefined => {
  const match = ISO.exec(text)
  if (match === null) return undefined
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map((part: string | undefined) => Number(part ?? 0))
  const zone = zoneMinutes(match[8] ?? '')
  if (zone === undefined || year === undefined || month === undefined || day === undefined || hour === undefined || minute === undefined || second === undefined) return undefined
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  // A day that its month does not have would become one of the next.
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day || hour > 23 || minute > 59 || second > 59) return undefined
  const fraction = Number((match[7] ?? '').padEnd(6, '0').slice(0, 6))
  const micros = date.getTime() * 1000 + hour * hourMicros + (minute - zone) * minuteMicros + second * 1e6 + fraction
  return isWritable(micros) ? micros : undefined
}

/** RFC 3339 in UTC with six digits behind the second. */
export const formatMicros = (micros: number): string => {
  const millis = Math.floor(micros / 1000)
  return `${new Date(millis).toISOString().slice(0, -1)}${String(micros - millis * 1000).padStart(3, '0')}Z`
}

/** Whether a date can be written: years 0000 to 9999. */
export const isWritable = (micros: number): boolean => Number.isSafeInteger(micros) && micros >= -62_167_219_200_000_000 && micros < 253_402_300_800_000_000

export type CalendarPart = 'Year' | 'Month' | 'Day' | 'Hour' | 'Minute' | 'Second' | 'Weekday'

/** A part of the date in a zone; months and days from 1, weekdays from Monday (1) to Sunday (7). */
export const calendarPart = (micros: number, part: CalendarPart, zone: number): number => {
  const date = new Date(Math.floor(micros / 1000) + zone * 60_000)
  switch (part) {
    case 'Year': return date.getUTCFullYear()
    case 'Month': return date.getUTCMonth() + 1
    case 'Day': return date.getUTCDate()
    case 'Hour': return date.getUTCHours()
    case 'Minute': return date.getUTCMinutes()
    case 'Second': return date.getUTCSeconds()
    case 'Weekday': return ((date.getUTCDay() + 6) % 7) + 1
  }
}

/** The beginning of the calendar year, month, week (Monday), day, hour, minute or second in which a time lies, in a zone. */
export const beginningOf = (micros: number, unit: DurationUnit, zone: number): number => {
  const shift = zone * minuteMicros
  const local = micros + shift
  if (unit === 'Y' || unit === 'M') {
    const date = new Date(Math.floor(local / 1000))
    date.setUTCMonth(unit === 'Y' ? 0 : date.getUTCMonth(), 1)
    return date.setUTCHours(0, 0, 0, 0) * 1000 - shift
  }
  // 1970 began on a Thursday.
  const phase = unit === 'W' ? 4 * dayMicros : 0
  return Math.floor((local - phase) / unitMicros[unit]) * unitMicros[unit] + phase - shift
}
