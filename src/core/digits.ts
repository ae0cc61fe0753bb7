/** Bytes as text of digits, the most significant bits first, the last digit filled up with zeros. */
export interface Digits {
  readonly write: (bytes: Uint8Array) => string
  /** The whole bytes, and the bits beyond the last of them. `undefined` for other characters. */
  readonly read: (text: string) => { readonly bytes: Uint8Array; readonly rest: number } | undefined
}

/** @param alphabet of 2^n characters, n at most 8 */
export const createDigits = (alphabet: string): Digits => {
  const width = Math.log2(alphabet.length)
  const values = new Map([...alphabet].map((character, value) => [character, value]))
  const write = (bytes: Uint8Array) => {
    let text = ''
    let bits = 0
    let held = 0
    for (const byte of bytes) {
      bits = ((bits << 8) | byte) & 0xffff
      for (held += 8; held >= width; ) {
        held -= width
        text += alphabet[(bits >> held) & (alphabet.length - 1)]
      }
    }
    return held === 0 ? text : text + alphabet[(bits << (width - held)) & (alphabet.length - 1)]
  }
  const read = (text: string) => {
    const bytes = new Uint8Array(Math.floor((text.length * width) / 8))
    let bits = 0
    let held = 0
    let at = 0
    for (const character of text) {
      const value = values.get(character)
      if (value === undefined) return undefined
      bits = ((bits << width) | value) & 0xffff
      held += width
      if (held < 8) continue
      held -= 8
      bytes[at++] = (bits >> held) & 255
    }
    return { bytes, rest: bits & ((1 << held) - 1) }
  }
  return { write, read }
}
