import { bytesToHex, hexToBytes } from '../core/bytes.ts'
import { isDescription, PAIRING_CANDIDATES_MAX, type EndDescription, type PairingCandidate, type PairingSignal } from './pairing.ts'

/**
 * What of a browser's session description, with the candidates gathered for it, the other end needs; `undefined` when it is none for data
 * channels, or has no candidate over UDP. Literal addresses first, as they need no name resolved: IPv4, then names, then IPv6.
 * @param candidates candidate lines that do not stand in `sdp`. @see PROTOCOL.md [R82]
 */
export const extractSignal = (sdp: string, candidates: readonly string[] = []): EndDescription | undefined => {
  const lines = [...sdp.split(/\r?\n/), ...candidates.map((line) => (line.startsWith('a=') ? line : `a=${line}`))]
  const only = (name: string): string => {
    const found = lines.filter((line) => line.startsWith(`a=${name}:`))
    return found.length === 1 ? (found[0] ?? '').slice(name.length + 3).trim() : ''
  }
  const digits = /^sha-256 ((?:[0-9a-f]{2}:){31}[0-9a-f]{2})$/i.exec(only('fingerprint'))?.[1] ?? ''
  const fingerprint = hexToBytes(digits.replaceAll(':', '').toLowerCase()) ?? new Uint8Array(0)
  const found = lines.flatMap((line) => readCandidate(line) ?? []).toSorted((a, b) => ORDER.indexOf(a.type) - ORDER.indexOf(b.type))
  const different = found.filter((each, at) => found.findIndex((other) => isSame(each, other)) === at)
  const description = { ufrag: only('ice-ufrag'), password: only('ice-pwd'), fingerprint, candidates: different.slice(0, PAIRING_CANDIDATES_MAX) }
  return isDescription(description) && only('mid') === '0' ? description : undefined
}

/** The session description of the end that a signal comes from, for this end's browser. @see PROTOCOL.md [R82] */
export const buildSdp = ({ role, ufrag, password, fingerprint, candidates }: Pick<PairingSignal, 'role' | keyof EndDescription>): string =>
  [
    'v=0', 'o=- 1 2 IN IP4 127.0.0.1', 's=-', 't=0 0', 'a=group:BUNDLE 0', 'a=msid-semantic: WMS',
    'm=application 9 UDP/DTLS/SCTP webrtc-datachannel', 'c=IN IP4 0.0.0.0',
    ...candidates.map((candidate, at) => `a=candidate:${at + 1} 1 udp ${PRIORITY - at} ${addressText(candidate)} ${candidate.port} typ host`),
    'a=end-of-candidates',
    `a=ice-ufrag:${ufrag}`, `a=ice-pwd:${password}`,
    `a=fingerprint:sha-256 ${[...fingerprint].map((byte) => byte.toString(16).padStart(2, '0').toUpperCase()).join(':')}`,
    `a=setup:${role === 'offer' ? 'actpass' : 'active'}`,
    // Without these two a browser sends nothing above 64 KiB.
    'a=mid:0', 'a=sctp-port:5000', 'a=max-message-size:262144', '',
  ].join('\r\n')

const ORDER = ['ipv4', 'local', 'ipv6']
/** Of a first host candidate; those after it lie below. */
const PRIORITY = 2_122_260_223

const isSame = (a: PairingCandidate, b: PairingCandidate): boolean => addressText(a) === addressText(b) && a.port === b.port

const readCandidate = (line: string): PairingCandidate | undefined => {
  const [, address = '', digits = ''] = /^a=candidate:\S+ 1 udp \d+ (\S+) (\d{1,5}) typ (?:host|srflx)\b/i.exec(line) ?? []
  const port = Number(digits)
  const read = readAddress(address)
  return read === undefined || port < 1 || port > 65_535 ? undefined : { ...read, port }
}

const readAddress = (text: string): Pick<PairingCandidate, 'type' | 'address'> | undefined => {
  const uuid = /^([0-9a-f]{8})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{12})\.local$/.exec(text)
  const local = uuid === null ? undefined : hexToBytes(uuid.slice(1).join(''))
  if (local !== undefined) return { type: 'local', address: local }
  const ipv4 = readIpv4(text)
  if (ipv4 !== undefined) return { type: 'ipv4', address: ipv4 }
  const ipv6 = readIpv6(text)
  return ipv6 && { type: 'ipv6', address: ipv6 }
}

const readIpv4 = (text: string): Uint8Array | undefined => {
  const parts = /^\d{1,3}(\.\d{1,3}){3}$/.test(text) ? text.split('.').map(Number) : []
  return parts.length === 4 && parts.every((part) => part <= 255) ? Uint8Array.from(parts) : undefined
}

const readIpv6 = (text: string): Uint8Array | undefined => {
  const halves = text.split('::')
  if (!text.includes(':') || halves.length > 2) return undefined
  const [head = [], tail = []] = halves.map((half) => (half === '' ? [] : half.split(':')))
  const missing = 8 - head.length - tail.length
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined
  const groups = [...head, ...Array.from({ length: missing }, () => '0'), ...tail]
  return groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group)) ? hexToBytes(groups.map((group) => group.padStart(4, '0')).join('').toLowerCase()) : undefined
}

const addressText = ({ type, address }: PairingCandidate): string => {
  if (type === 'ipv4') return address.join('.')
  const hex = bytesToHex(address)
  if (type === 'local') return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}.local`
  return (hex.match(/..../g) ?? []).join(':')
}
