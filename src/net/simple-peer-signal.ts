import { isDescription, isNearby } from './description.ts'

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

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null && !Array.isArray(value)

const hasOnly = (record: object, ...keys: readonly string[]): boolean => Object.keys(record).every((key) => keys.includes(key))
