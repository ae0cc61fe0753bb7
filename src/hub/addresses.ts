import { isIP, isIPv6 } from 'node:net'
import type { NetworkInterfaceInfo } from 'node:os'

/** What this computer answers to on the LAN. */
export interface Addresses {
  /** Addresses that another device can open, the most likely one first. */
  readonly lan: readonly string[]
  /** All names and addresses, `localhost` included: what the certificate vouches for. */
  readonly all: readonly string[]
}

type Interfaces = Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>>

/** Interfaces that lead to containers and virtual machines of this computer, not to tablets. */
const inward = /^(docker|veth|br-|virbr|vmnet|vboxnet|cni|flannel)/

/** Which of the addresses a tablet would take: IPv4 before IPv6, outward before inward. */
const rank = (name: string, address: NetworkInterfaceInfo): number => (inward.test(name) ? 2 : 0) + (address.family === 'IPv4' ? 0 : 1)

/**
 * @param host the one address or name that the hub listens on; `undefined`: all of the interfaces'
 * @param hostname what the computer calls itself
 */
export const ownAddresses = (interfaces: Interfaces, hostname: string, host: string | undefined): Addresses => {
  const found = Object.entries(interfaces)
    .flatMap(([name, addresses]) => (addresses ?? []).map((address) => ({ name, address })))
    .filter(({ address }) => !address.internal && !isLinkLocal(address.address))
    .toSorted((a, b) => rank(a.name, a.address) - rank(b.name, b.address))
    .map(({ address }) => address.address)
  const lan = host === undefined ? [...new Set(found)] : isLoopback(host) ? [] : [host]
  const label = hostname.toLowerCase().split('.')[0] ?? ''
  const names = /^[a-z0-9-]{1,63}$/.test(label) && label !== 'localhost' ? [hostname.toLowerCase(), `${label}.local`] : []
  return { lan, all: [...new Set(['localhost', '127.0.0.1', '::1', ...names, ...lan])] }
}

/** An address with a zone: no other device can put it into a URL. */
const isLinkLocal = (address: string): boolean => /^fe[89ab]/i.test(address)

export const isLoopback = (host: string): boolean => host === 'localhost' || host === '::1' || host.startsWith('127.') || host.startsWith('::ffff:127.')

/** `host:port` as in a URL. */
export const hostInUrl = (host: string): string => (isIPv6(host) ? `[${host}]` : host)

/** Address ranges that no certificate on the internet is needed for: private, shared, link-local, loopback. Address and prefix length. */
export const privateRanges: readonly (readonly [address: string, prefix: number])[] = [
  ['10.0.0.0', 8], ['172.16.0.0', 12], ['192.168.0.0', 16], ['100.64.0.0', 10], ['169.254.0.0', 16], ['127.0.0.0', 8],
  ['fc00::', 7], ['fe80::', 10], ['::1', 128],
]

/** Domains for local use; each stands for all names below it too. */
export const privateDomains: readonly string[] = ['localhost', 'local', 'lan', 'home', 'home.arpa', 'internal', 'intranet', 'fritz.box']

/** The 4 or 16 bytes of an address. */
export const addressBytes = (address: string): Uint8Array => {
  if (isIP(address) === 4) return Uint8Array.from(address.split('.'), Number)
  const [head = '', tail] = address.split('::')
  const groups = (text: string | undefined): readonly number[] => (text === undefined || text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16)))
  const first = groups(head)
  const last = groups(tail)
  const all = [...first, ...Array.from({ length: 8 - first.length - last.length }, () => 0), ...last]
  return Uint8Array.from(all.flatMap((group) => [group >> 8, group & 255]))
}

/** The mask of a prefix length over `byteCount` bytes. */
export const maskBytes = (prefix: number, byteCount: number): Uint8Array =>
  Uint8Array.from({ length: byteCount }, (_, index) => (0xff00 >> Math.min(8, Math.max(0, prefix - index * 8))) & 255)

/** Whether a name or address is for local use alone. */
export const isPrivate = (name: string): boolean => {
  if (isIP(name) === 0) return privateDomains.some((domain) => name === domain || name.endsWith(`.${domain}`))
  const bytes = addressBytes(name)
  return privateRanges.some(([range, prefix]) => {
    const base = addressBytes(range)
    const mask = maskBytes(prefix, base.length)
    return base.length === bytes.length && bytes.every((byte, index) => (byte & (mask[index] ?? 0)) === base[index])
  })
}
