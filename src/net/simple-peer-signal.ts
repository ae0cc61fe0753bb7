/** One step of an agreement between two simple-peer ends, as it travels: JSON, at most 3 KiB. */
export type SimplePeerSignal =
  | { readonly type: 'offer' | 'answer'; readonly sdp: string }
  | { readonly type: 'candidate'; readonly candidate: { readonly candidate: string; readonly sdpMLineIndex: number; readonly sdpMid: string } }

export const signalBytesMax = 3 * 1024

const candidateLengthMax = 512

/** `undefined` for a signal that means nothing here (a renegotiation) or is too large. */
export const encodeSignal = (signal: unknown): Uint8Array | undefined => {
  const known = checkSignal(signal)
  const bytes = known && new TextEncoder().encode(JSON.stringify(known))
  return bytes !== undefined && bytes.length <= signalBytesMax ? bytes : undefined
}

/** `undefined` for anything but a signal of known form: what is given to a peer connection destroys it when it is malformed. */
export const decodeSignal = (bytes: Uint8Array): SimplePeerSignal | undefined => {
  if (bytes.length > signalBytesMax) return undefined
  try {
    return checkSignal(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)))
  } catch {
    return undefined
  }
}

const checkSignal = (signal: unknown): SimplePeerSignal | undefined => {
  if (!isRecord(signal)) return undefined
  const { type, sdp, candidate } = signal
  if ((type === 'offer' || type === 'answer') && hasOnly(signal, 'type', 'sdp')) {
    return typeof sdp === 'string' && isDescription(sdp) ? { type, sdp } : undefined
  }
  if (type !== 'candidate' || !hasOnly(signal, 'type', 'candidate') || !isRecord(candidate)) return undefined
  const { candidate: line, sdpMLineIndex, sdpMid } = candidate
  if (!hasOnly(candidate, 'candidate', 'sdpMLineIndex', 'sdpMid')) return undefined
  if (typeof line !== 'string' || line.length > candidateLengthMax || !isNearby(line) || sdpMLineIndex !== 0 || typeof sdpMid !== 'string' || sdpMid.length > 16) return undefined
  return { type, candidate: { candidate: line, sdpMLineIndex, sdpMid } }
}

/** One certificate, one section, that of data channels: nothing that a member says makes a browser take in sound or pictures. */
const isDescription = (sdp: string): boolean => {
  const [section = '', ...others] = sdp.match(/^m=.*$/gm) ?? []
  return fingerprintOf(sdp) !== undefined && section.startsWith('m=application ') && others.length === 0 && (sdp.match(/^a=candidate:.*$/gm) ?? []).every((line) => isNearby(line.slice(2).trim()))
}

/** A candidate is a literal address, or a `.local` name, which is asked for on this network alone; another name would be, perhaps, on the internet. Empty: there are no more. */
const isNearby = (candidate: string): boolean =>
  candidate === '' || /^candidate:\S+ \d+ (?:udp|tcp) \d+ (?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-f:.]*:[0-9a-f:.]*|[0-9a-f-]{36}\.local) \d{1,5} typ /i.test(candidate)

/**
 * SHA-256 of the certificate that a session description names, 32 bytes.
 * `undefined` unless it names exactly one: with several, a certificate that fits any of them would do.
 */
export const fingerprintOf = (sdp: string): Uint8Array | undefined => {
  const [line, ...others] = sdp.match(/^a=fingerprint:.*$/gm) ?? []
  const digits = /^a=fingerprint:sha-256 ((?:[0-9a-f]{2}:){31}[0-9a-f]{2})\s*$/i.exec(line ?? '')?.[1]
  return digits === undefined || others.length > 0 ? undefined : Uint8Array.from(digits.split(':'), (pair) => parseInt(pair, 16))
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null && !Array.isArray(value)

const hasOnly = (record: object, ...keys: readonly string[]): boolean => Object.keys(record).every((key) => keys.includes(key))
