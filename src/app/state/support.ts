/** Why the app cannot run here; `undefined` when it can. */
export type Unfit = { readonly type: 'insecure' } | { readonly type: 'old'; readonly missing: readonly string[] }

const NEEDED = ['indexedDB', 'RTCPeerConnection', 'BroadcastChannel', 'CompressionStream', 'DecompressionStream'] as const

/** Whether the page is on a secure address and the browser has what a node needs. Ed25519 is found out when a node opens. */
export const unfitFor = (page: object): Unfit | undefined => {
  if (Reflect.get(page, 'isSecureContext') !== true) return { type: 'insecure' }
  const navigator: unknown = Reflect.get(page, 'navigator')
  const crypto: unknown = Reflect.get(page, 'crypto')
  const missing = [
    ...NEEDED.filter((name) => Reflect.get(page, name) === undefined),
    ...(hasMember(navigator, 'locks') ? [] : ['Web Locks']),
    ...(hasMember(crypto, 'subtle') ? [] : ['Web Cryptography']),
  ]
  return missing.length === 0 ? undefined : { type: 'old', missing }
}

const hasMember = (value: unknown, name: string): boolean => typeof value === 'object' && value !== null && Reflect.get(value, name) !== undefined
