import { isWellFormed, utf8Length } from './utf8.ts'

export const TAG_BYTES_MAX = 1024
/** Of one event. */
export const TAG_COUNT_MAX = 256
export const APP_ID_BYTES_MAX = 256

/**
 * Unicode normal form C. For what is published and what is asked for; what is received stays as it is.
 * Text with a lone surrogate, which is no tag, is left alone: Firefox would put U+FFFD in its place.
 */
export const normaliseTag = (tag: string): string => (isWellFormed(tag) ? tag.normalize('NFC') : tag)

const isWithin = (text: string, bytesMax: number): boolean =>
  text.length <= bytesMax && (text.length * 3 <= bytesMax || utf8Length(text) <= bytesMax) && isWellFormed(text)

/** 1 to 1,024 bytes of UTF-8. */
export const isTag = (value: unknown): value is string => typeof value === 'string' && value !== '' && isWithin(value, TAG_BYTES_MAX)

/** Up to 256 bytes of UTF-8, none included. */
export const isAppId = (value: unknown): value is string => typeof value === 'string' && isWithin(value, APP_ID_BYTES_MAX)
