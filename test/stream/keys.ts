import { hexToBytes } from '../../src/core/bytes.ts'
import { publicKeyToNodeId } from '../../src/core/ids.ts'
import type { Identity } from '../../src/store/event-store.ts'

/** The first two key pairs of RFC 8032, section 7.1: private seed and public key. Everybody knows them. */
export const publishedKeys = [
  ['9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60', 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a'],
  ['4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb', '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c'],
] as const

/** PKCS #8 of an Ed25519 key, up to the seed (RFC 8410). */
const PKCS8 = '302e020100300506032b657004220420'

export const hex = (text: string): Uint8Array<ArrayBuffer> => {
  const bytes = hexToBytes(text)
  if (bytes === undefined) throw new RangeError(`not hex: ${text}`)
  return Uint8Array.from(bytes)
}

export const publishedIdentity = async (index: 0 | 1): Promise<Identity> => {
  const [seed, publicKey] = publishedKeys[index]
  const privateKey = await crypto.subtle.importKey('pkcs8', hex(PKCS8 + seed), 'Ed25519', false, ['sign'])
  return { nodeId: publicKeyToNodeId(hex(publicKey)), publicKey: hex(publicKey), privateKey }
}
