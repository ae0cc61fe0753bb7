/**
 * SHA-256 of the certificate that a session description names, 32 bytes.
 * `undefined` unless it names exactly one: with several, a certificate that fits any of them would do.
 */
export const fingerprintOf = (sdp: string): Uint8Array | undefined => {
  const [line, ...others] = sdp.match(/^a=fingerprint:.*$/gm) ?? []
  const digits = /^a=fingerprint:sha-256 ((?:[0-9a-f]{2}:){31}[0-9a-f]{2})\s*$/i.exec(line ?? '')?.[1]
  return digits === undefined || others.length > 0 ? undefined : Uint8Array.from(digits.split(':'), (pair) => parseInt(pair, 16))
}

/** One certificate, one section, that of data channels: nothing that another says makes a browser take in sound or pictures. */
export const isDescription = (sdp: string): boolean => {
  const [section = '', ...others] = sdp.match(/^m=.*$/gm) ?? []
  return fingerprintOf(sdp) !== undefined && section.startsWith('m=application ') && others.length === 0 && (sdp.match(/^a=candidate:.*$/gm) ?? []).every((line) => isNearby(line.slice(2).trim()))
}

/** A candidate is a literal address, or a `.local` name, which is asked for on this network alone; another name would be, perhaps, on the internet. Empty: there are no more. */
export const isNearby = (candidate: string): boolean =>
  candidate === '' || /^candidate:\S+ \d+ (?:udp|tcp) \d+ (?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-f:.]*:[0-9a-f:.]*|[0-9a-f-]{36}\.local) \d{1,5} typ /i.test(candidate)
