// The library of the pure folders has no DOM: these two are all they need of it, and every platform has them.
declare const TextEncoder: new () => { encode(text: string): Uint8Array<ArrayBuffer> }
declare const TextDecoder: new (label: string, options: { fatal: boolean; ignoreBOM: boolean }) => { decode(bytes: Uint8Array): string }

const encoder = new TextEncoder()
// `ignoreBOM: true` keeps a byte-order mark in the text, where whoever reads it can refuse it.
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** A lone surrogate becomes U+FFFD: check with `isWellFormed` where that matters. */
export const encodeUtf8 = (text: string): Uint8Array<ArrayBuffer> => encoder.encode(text)

/** `undefined` when `bytes` is not UTF-8. A byte-order mark stays in the text. */
export const decodeUtf8 = (bytes: Uint8Array): string | undefined => {
  try {
    return decoder.decode(bytes)
  } catch {
    return undefined
  }
}

/** Bytes of `text` in UTF-8; a lone surrogate counts as 3. */
export const utf8Length = (text: string): number => {
  let length = text.length
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at)
    if (unit < 0x80) continue
    length += unit < 0x800 ? 1 : 2
    if (unit >= 0xd800 && unit < 0xdc00 && (text.charCodeAt(at + 1) & 0xfc00) === 0xdc00) at++
  }
  return length
}

/** Whether `text` has no lone surrogate, so that UTF-8 can say it. */
export const isWellFormed = (text: string): boolean => text.isWellFormed()
