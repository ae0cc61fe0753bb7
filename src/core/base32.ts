import { createDigits } from './digits.ts'

const base32 = createDigits('ABCDEFGHIJKLMNOPQRSTUVWXYZ234567')

/** Base32 (RFC 4648) without padding: capitals and digits alone, which a QR code packs most tightly and a person can read out. */
export const bytesToBase32 = base32.write

/** The whole bytes that a text of base32 capitals begins with; bits beyond the last whole byte are dropped. `undefined` for other characters. */
export const base32ToBytes = (text: string): Uint8Array | undefined => base32.read(text)?.bytes
