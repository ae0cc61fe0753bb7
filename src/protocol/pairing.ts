import { base32ToBytes, bytesToBase32 } from '../core/base32.ts'
import { concatBytes, equalBytes, hexToBytes } from '../core/bytes.ts'
import { crc32 } from '../core/crc32.ts'
import type { SwarmId } from '../core/ids.ts'
import { fail, ok, type Result } from '../core/result.ts'
import { decodeUtf8, encodeUtf8 } from '../core/utf8.ts'
import { u32 } from './proof.ts'

/** Where a node may be reached over UDP: a literal address, or the name (`<uuid>.local`, here its 16 bytes) that a browser shows instead. */
export interface PairingCandidate {
  readonly type: 'ipv4' | 'ipv6' | 'local'
  /** 4 bytes for `ipv4`, else 16. */
  readonly address: Uint8Array
  /** 1 to 65,535. */
  readonly port: number
}

/** What of an end's session description the other end cannot know by itself. */
export interface EndDescription {
  /** 4 to 32 characters of ICE (letters, digits, `+`, `/`). */
  readonly ufrag: string
  /** 22 to 64 of the same. */
  readonly password: string
  /** SHA-256 of the DTLS certificate, 32 bytes. */
  readonly fingerprint: Uint8Array
  /** At most three, the likeliest first. */
  readonly candidates: readonly PairingCandidate[]
}

/** One of the two codes by which two nodes connect without any server. Who shows the offer dials. Not secret: whoever answers still has to prove membership. */
export interface PairingSignal extends EndDescription {
  readonly role: 'offer' | 'answer'
  readonly swarm: SwarmId
  /** 4 random bytes of the offer; the answer repeats them. */
  readonly attempt: Uint8Array
}

/**
 * Why a text does not help.
 * `PAIR-OTHER` something else, an invitation or another product's code · `PAIR-SHORT` its end is missing · `PAIR-CHANGED` a character was changed on the way ·
 * `PAIR-NEWER` made by a newer version · `PAIR-SWARM` of another swarm · `PAIR-STEP` an offer where an answer is expected, or the reverse ·
 * `PAIR-OLD` the answer to another offer.
 */
export type PairingTextError = 'PAIR-OTHER' | 'PAIR-SHORT' | 'PAIR-CHANGED' | 'PAIR-NEWER' | 'PAIR-SWARM' | 'PAIR-STEP' | 'PAIR-OLD'

export const PAIRING_CANDIDATES_MAX = 3
export const PAIRING_ATTEMPT_BYTES = 4
const PREFIX = 'MP:'
const VERSION = 1
const TEXT_MAX = 1024
const ROLES = ['offer', 'answer'] as const
/** The number of a type in the byte of types is its place here; 0: no candidate. */
const TYPES = [undefined, 'ipv4', 'ipv6', 'local'] as const
const ICE = /^[A-Za-z0-9+/]+$/

/** As text, to show as QR code or to copy: `MP:`, then base32. @see PROTOCOL.md [R80] */
export const encodePairing = (signal: PairingSignal): string => {
  const { role, swarm, attempt, fingerprint, ufrag, password, candidates } = signal
  const types = candidates.reduce((bits, { type }, at) => bits | (TYPES.indexOf(type) << (2 * at)), 0)
  const fields = [
    Uint8Array.of(ROLES.indexOf(role)), swarmBytes(swarm), attempt, fingerprint, shortText(ufrag), shortText(password), Uint8Array.of(types),
    ...candidates.flatMap(({ address, port }) => [address, Uint8Array.of(port >> 8, port & 255)]),
  ]
  const length = fields.reduce((sum, field) => sum + field.length, 0) + 6
  const bytes = concatBytes([Uint8Array.of(VERSION, length), ...fields])
  return PREFIX + bytesToBase32(concatBytes([bytes, u32(crc32(bytes))]))
}

/** White space and case are ignored. `attempt`: the one that the answer has to be for. Never throws. @see PROTOCOL.md [R80] [R81] */
export const decodePairing = (text: string, expected: { readonly swarm: SwarmId; readonly role: PairingSignal['role']; readonly attempt?: Uint8Array }): Result<PairingSignal, PairingTextError> => {
  const opened = openText(text)
  if (!opened.ok) return opened
  const read = readFields(opened.value)
  if (read === undefined) return fail('PAIR-CHANGED')
  const { swarm, ...signal } = read
  if (!equalBytes(swarm, swarmBytes(expected.swarm))) return fail('PAIR-SWARM')
  if (signal.role !== expected.role) return fail('PAIR-STEP')
  if (expected.attempt !== undefined && !equalBytes(signal.attempt, expected.attempt)) return fail('PAIR-OLD')
  return ok({ ...signal, swarm: expected.swarm })
}

const bare = (text: string): string => text.replace(/\s/g, '').toUpperCase()

/** The fields of a text that came whole. */
const openText = (text: string): Result<Uint8Array, PairingTextError> => {
  const characters = bare(text)
  if (text.length > TEXT_MAX || !characters.startsWith(PREFIX)) return fail('PAIR-OTHER')
  const coded = characters.slice(PREFIX.length)
  const bytes = base32ToBytes(coded)
  if (bytes === undefined) return fail('PAIR-CHANGED')
  const [version, length] = bytes
  if (length === undefined || length < 6 || bytes.length < length) return fail('PAIR-SHORT')
  if (bytesToBase32(bytes) !== coded || bytes.length > length) return fail('PAIR-CHANGED')
  const covered = bytes.subarray(0, -4)
  if (!equalBytes(u32(crc32(covered)), bytes.subarray(-4))) return fail('PAIR-CHANGED')
  return version === VERSION ? ok(covered.subarray(2)) : fail('PAIR-NEWER')
}

const readFields = (fields: Uint8Array): (Omit<PairingSignal, 'swarm'> & { readonly swarm: Uint8Array }) | undefined => {
  let at = 0
  const take = (count: number): Uint8Array => fields.subarray(at, (at += count))
  const takeText = (): string => decodeUtf8(take(take(1)[0] ?? 0)) ?? ''
  const role = ROLES[take(1)[0] ?? 255]
  const [swarm, attempt, fingerprint] = [take(4), take(PAIRING_ATTEMPT_BYTES), take(32)]
  const [ufrag, password] = [takeText(), takeText()]
  const types = take(1)[0] ?? 255
  const candidates: PairingCandidate[] = []
  for (let bits = types; bits > 0; bits >>= 2) {
    const type = TYPES[bits & 3]
    if (type === undefined) return undefined
    const address = take(type === 'ipv4' ? 4 : 16)
    const [high = 0, low = 0] = take(2)
    candidates.push({ type, address, port: (high << 8) | low })
  }
  const signal = { role, attempt, fingerprint, ufrag, password, candidates }
  return role !== undefined && at === fields.length && isDescription(signal) ? { ...signal, role, swarm } : undefined
}

/** Whether a description may be told, and be made a session description of: nothing in it can break a line of one. */
export const isDescription = ({ ufrag, password, fingerprint, candidates }: EndDescription): boolean =>
  isIce(ufrag, 4, 32) && isIce(password, 22, 64) && fingerprint.length === 32 && candidates.length >= 1 && candidates.length <= PAIRING_CANDIDATES_MAX && candidates.every(({ port }) => port > 0)

const isIce = (text: string, lengthMin: number, lengthMax: number): boolean => text.length >= lengthMin && text.length <= lengthMax && ICE.test(text)

const shortText = (text: string): Uint8Array => concatBytes([Uint8Array.of(text.length), encodeUtf8(text)])

/** Enough of the id to tell floors apart. */
const swarmBytes = (swarm: SwarmId): Uint8Array => (hexToBytes(swarm) ?? new Uint8Array(4)).subarray(0, 4)

