import { decodeUtf8 } from '../core/utf8.ts'

/** Whether a file begins like an archive: what else it is shows when it is read. */
export const isArchive = (start: Uint8Array): boolean => /^\s*\{\s*"millpond"/.test(decodeUtf8(start) ?? '')
