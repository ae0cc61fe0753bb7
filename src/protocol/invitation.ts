import { base64UrlToBytes, bytesToBase64Url, concatBytes, equalBytes } from '../core/bytes.ts'
import { crc32 } from '../core/crc32.ts'
import type { Lamport } from '../core/ids.ts'
import { fail, ok, type Result } from '../core/result.ts'
import { encodeUtf8 } from '../core/utf8.ts'
import { decodeCbor, encodeCbor, readArray, readExactBytes, readInteger, readText, readTuple } from './cbor.ts'
import { HUBS_MAX, HUB_BYTES_MAX } from './limits.ts'
import { u32 } from './proof.ts'

/** What lets a new node into a swarm. Secret: whoever has it is a member. */
export interface Invitation {
  readonly founder: Uint8Array
  readonly random: Uint8Array
  readonly swarmKey: Uint8Array
  /** Of the inviter: the new node's clock starts there. */
  readonly lamport: Lamport
  /** URLs of hubs where others may be met. */
  readonly hubs: readonly string[]
}

/**
 * Why a text is no invitation.
 * `text` other characters than an invitation has · `damaged` cut off or changed on the way · `newer` made by a newer version of the program ·
 * `malformed` whole, and yet not an invitation.
 */
export type InvitationError = 'text' | 'damaged' | 'newer' | 'malformed'

const VERSION = 1
const TEXT_MAX = 16 * 1024
/** A clock that starts higher has too little before it: no swarm gets so far, and who says so would leave the new node nothing to publish with. */
const INVITED_LAMPORT_MAX = 2 ** 51

/** What the swarm id is the first 16 bytes of the SHA-256 of. */
export const swarmIdSource = (founder: Uint8Array, random: Uint8Array): Uint8Array => concatBytes([encodeUtf8('millpond/swarm/1'), founder, random])

/** Base64url of version byte, CBOR and CRC-32 of both. @see PROTOCOL.md [R60] */
export const encodeInvitation = ({ founder, random, swarmKey, lamport, hubs }: Invitation): string => {
  const bytes = concatBytes([Uint8Array.of(VERSION), encodeCbor([founder, random, swarmKey, Math.min(lamport, INVITED_LAMPORT_MAX), hubs])])
  return bytesToBase64Url(concatBytes([bytes, u32(crc32(bytes))]))
}

/** White space around and within the text (a line broken by a mail program) is ignored. Never throws. @see PROTOCOL.md [R60] */
export const decodeInvitation = (text: string): Result<Invitation, InvitationError> => {
  const bare = text.replace(/\s/g, '')
  if (!/^[A-Za-z0-9_-]+$/.test(bare) || bare.length > TEXT_MAX) return fail('text')
  const bytes = base64UrlToBytes(bare)
  if (bytes === undefined || bytes.length < 5) return fail('damaged')
  const covered = bytes.subarray(0, -4)
  if (!equalBytes(u32(crc32(covered)), bytes.subarray(-4))) return fail('damaged')
  if (covered[0] !== VERSION) return fail('newer')
  const decoded = decodeCbor(covered.subarray(1), readInvitation)
  return decoded.ok ? ok(decoded.value) : fail('malformed')
}

const readInvitation = (value: unknown): Invitation => {
  const [founder, random, swarmKey, lamport, hubs] = readTuple(value, 5)
  return {
    founder: readExactBytes(founder, 32), random: readExactBytes(random, 16), swarmKey: readExactBytes(swarmKey, 32),
    lamport: readInteger(lamport, INVITED_LAMPORT_MAX), hubs: readArray(hubs, HUBS_MAX, (hub) => readText(hub, HUB_BYTES_MAX)),
  }
}
