/** What the display name of a tablet is made of: a short code for its plate, and words. Told to others as one text, `TM4 Turning and Milling 4`. */
export interface TabletName {
  readonly code: string
  readonly name: string
}

export const CODE_LENGTH_MAX = 6
const CODE = /^[\p{Lu}\p{Nd}]{1,6}$/u

/** A text as a code: capitals and digits, six at most. */
export const toCode = (text: string): string => text.toUpperCase().replace(/[^\p{Lu}\p{Nd}]/gu, '').slice(0, CODE_LENGTH_MAX)

/** The code that suits a name: the first letters of its words and its last number. `Turning and Milling 4` gives `TM4`. */
export const codeFor = (name: string): string => {
  const words = name.match(/\p{L}+|\p{Nd}+/gu) ?? []
  const big = words.filter((word) => /^\p{Nd}|^\p{Lu}/u.test(word))
  const initials = (big.length > 0 ? big : words).map((word) => (/^\p{Nd}/u.test(word) ? word.replace(/^0+(?=.)/, '') : word.slice(0, 1)))
  const only = words.length === 1 ? words[0] : undefined
  return toCode(only === undefined ? initials.join('') : only.slice(0, 3))
}

export const joinName = ({ code, name }: TabletName): string => (name === '' ? code : `${code} ${name}`)

/** The parts of a display name. One that was not made here gets the code that suits it. */
export const splitName = (display: string): TabletName => {
  const [first = '', ...rest] = display.trim().split(/\s+/)
  if (CODE.test(first) && (rest.length > 0 || /\p{Nd}/u.test(first) || first.length <= 3)) return { code: first, name: rest.join(' ') }
  return { code: codeFor(display) || '?', name: display.trim() }
}
