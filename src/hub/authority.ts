import 'reflect-metadata'
import type { webcrypto } from 'node:crypto'
import { isIP } from 'node:net'
import {
  AuthorityKeyIdentifierExtension, BasicConstraintsExtension, ExtendedKeyUsage, ExtendedKeyUsageExtension, Extension, KeyUsageFlags, KeyUsagesExtension, PemConverter, SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension, X509Certificate, X509CertificateGenerator,
} from '@peculiar/x509'
import { addressBytes, isPrivate, maskBytes, privateDomains, privateRanges } from './addresses.ts'
import type { DataFolder } from './data-folder.ts'
import { HubError } from './errors.ts'

/** The floor's own certificate authority: tablets trust it once. It can vouch for names and addresses of local use alone. */
export interface Authority {
  readonly certificate: X509Certificate
  readonly key: webcrypto.CryptoKey
  /** Names and addresses beyond the private ones that it may vouch for: what this computer had when the authority was made. */
  readonly permitted: readonly string[]
}

/** What the HTTPS server shows: PEM texts. */
export interface Leaf {
  readonly certificate: string
  readonly key: string
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
const dayMs = 86_400_000
/** Clocks of tablets may be behind. */
const backdatedDays = 7
const authorityDays = 3650
const leafDays = 180
const renewDays = 30

const makeKeys = () => crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
const exportKey = async (key: webcrypto.CryptoKey): Promise<string> => PemConverter.encode(await crypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY')
const importKey = (pem: string): Promise<webcrypto.CryptoKey> => crypto.subtle.importKey('pkcs8', PemConverter.decodeFirst(pem), algorithm, false, ['sign'])
const validity = (nowMs: number, days: number) => ({ notBefore: new Date(nowMs - backdatedDays * dayMs), notAfter: new Date(nowMs + days * dayMs) })

/** Reads the authority from the data folder; makes it at first start. @throws HubError `HUB-DATA` */
export const openAuthority = async (folder: DataFolder, names: readonly string[], nowMs: number): Promise<Authority> => {
  const stored = await folder.read('authority')
  if (stored === undefined) {
    const made = await makeAuthority(names, nowMs)
    await folder.write('authority', { certificate: made.certificate.toString('pem'), key: await exportKey(made.key), permitted: made.permitted })
    return made
  }
  const { certificate, key, permitted } = asTexts(stored, 'authority', ['certificate', 'key'])
  return { certificate: new X509Certificate(certificate), key: await importKey(key), permitted }
}

const makeAuthority = async (names: readonly string[], nowMs: number): Promise<Authority> => {
  const keys = await makeKeys()
  const permitted = names.filter((name) => !isPrivate(name))
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: `CN=Millpond hub ${new Date(nowMs).toISOString().slice(0, 10)}, O=Millpond`,
    ...validity(nowMs, authorityDays),
    keys,
    signingAlgorithm: algorithm,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      nameConstraints(permitted),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return { certificate, key: keys.privateKey, permitted }
}

const tlv = (tag: number, ...content: readonly Uint8Array[]): Uint8Array => {
  const body = Buffer.concat(content)
  const length = body.length < 128 ? [body.length] : body.length < 256 ? [0x81, body.length] : [0x82, body.length >> 8, body.length & 255]
  return Buffer.concat([Uint8Array.of(tag, ...length), body])
}

/** RFC 5280 section 4.2.1.10: the subtrees that certificates below may name, and none else. */
const nameConstraints = (permitted: readonly string[]): Extension => {
  const domain = (name: string): Uint8Array => tlv(0x30, tlv(0x82, Buffer.from(name)))
  const range = (address: string, prefix: number): Uint8Array => {
    const bytes = addressBytes(address)
    return tlv(0x30, tlv(0x87, bytes, maskBytes(prefix, bytes.length)))
  }
  const single = (name: string): Uint8Array => (isIP(name) === 0 ? domain(name) : range(name, isIP(name) === 4 ? 32 : 128))
  const subtrees = [...privateDomains.map(domain), ...privateRanges.map(([address, prefix]) => range(address, prefix)), ...permitted.map(single)]
  return new Extension('2.5.29.30', true, Uint8Array.from(tlv(0x30, tlv(0xa0, ...subtrees))))
}

/** Those of `names` that the authority may vouch for; one beyond would make the whole certificate worthless. */
export const vouchedNames = (authority: Authority, names: readonly string[]): readonly string[] =>
  names.filter((name) => isPrivate(name) || authority.permitted.some((one) => name === one || (isIP(one) === 0 && name.endsWith(`.${one}`))))

/** The leaf of the data folder; a new one when a name or address has changed, or less than 30 days remain. */
export const openLeaf = async (folder: DataFolder, authority: Authority, names: readonly string[], nowMs: number): Promise<Leaf> => {
  const stored = await folder.read('leaf')
  if (stored !== undefined) {
    const leaf = asTexts(stored, 'leaf', ['certificate', 'key'])
    if (await isCurrent(new X509Certificate(leaf.certificate), authority, names, nowMs)) return leaf
  }
  const leaf = await makeLeaf(authority, names, nowMs)
  await folder.write('leaf', leaf)
  return leaf
}

const isCurrent = async (leaf: X509Certificate, authority: Authority, names: readonly string[], nowMs: number): Promise<boolean> => {
  const vouched = leaf.getExtension(SubjectAlternativeNameExtension)?.names.items.map((name) => name.value) ?? []
  const sameNames = vouched.length === names.length && names.every((name) => vouched.includes(isIP(name) === 6 ? canonical(name) : name))
  const ours = await leaf.verify({ publicKey: authority.certificate.publicKey, signatureOnly: true })
  return sameNames && ours && leaf.notBefore.getTime() <= nowMs && leaf.notAfter.getTime() - nowMs >= renewDays * dayMs
}

/** An IPv6 address as certificates print it: as URLs do. */
const canonical = (address: string): string => new URL(`http://[${address}]`).hostname.slice(1, -1)

const makeLeaf = async (authority: Authority, names: readonly string[], nowMs: number): Promise<Leaf> => {
  const keys = await makeKeys()
  const certificate = await X509CertificateGenerator.create({
    subject: 'CN=Millpond hub',
    issuer: authority.certificate.subject,
    ...validity(nowMs, leafDays),
    publicKey: keys.publicKey,
    signingKey: authority.key,
    signingAlgorithm: algorithm,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      new SubjectAlternativeNameExtension(names.map((name) => ({ type: isIP(name) === 0 ? 'dns' : 'ip', value: name }))),
      await AuthorityKeyIdentifierExtension.create(authority.certificate),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return { certificate: certificate.toString('pem'), key: await exportKey(keys.privateKey) }
}

const asTexts = (value: unknown, file: string, keys: readonly ['certificate', 'key']): Leaf & { readonly permitted: readonly string[] } => {
  const fields = value as Readonly<Record<string, unknown>> | null
  const [certificate, key] = keys.map((name) => fields?.[name])
  const permitted = fields?.['permitted'] ?? []
  if (typeof certificate !== 'string' || typeof key !== 'string' || !Array.isArray(permitted)) {
    throw new HubError('HUB-DATA', `${file}.json in the data folder is not what the hub wrote. Bring back a copy of the folder, or delete it: then every tablet must be set up again.`)
  }
  return { certificate, key, permitted: permitted.map(String) }
}
