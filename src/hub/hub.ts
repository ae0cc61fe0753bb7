import { createServer, type Server } from 'node:http'
import https from 'node:https'
import os from 'node:os'
import type { AddressInfo } from 'node:net'
import { ownAddresses } from './addresses.ts'
import { type Authority, openAuthority, openLeaf, vouchedNames } from './authority.ts'
import { type DataFolder, openDataFolder } from './data-folder.ts'
import { HubError } from './errors.ts'
import { mountIntroductions } from './introductions.ts'
import type { HubOptions } from './options.ts'
import { createSite, lanOrigins } from './site.ts'
import { openStun, type Stun } from './stun.ts'

export interface Hub {
  readonly authority: Uint8Array
  readonly httpPort: number
  readonly httpsPort: number
  /** Addresses that tablets can open, the main one first. */
  readonly lan: () => readonly string[]
  readonly close: () => Promise<void>
}

export interface HubFiles {
  readonly appFolder: string
  readonly trustStyle: string
  readonly version: string
}

const addressCheckMs = 10_000
const certificateCheckMs = 86_400_000

/** Starts the listeners. @throws HubError */
export const startHub = async (options: HubOptions, files: HubFiles, say: (line: string) => void): Promise<Hub> => {
  const addresses = () => ownAddresses(os.networkInterfaces(), os.hostname(), options.host)
  if (options.host === undefined && addresses().lan.length === 0) {
    throw new HubError('HUB-NETWORK', 'this computer is in no network, so no tablet could reach it. Connect it, or try it alone with --host localhost.')
  }
  const folder = await openDataFolder(options.dataFolder)
  const authority = await openAuthority(folder, addresses().all, Date.now())
  const certificates = await keepCertificate(folder, authority, () => addresses().all, say)
  const origins = await rememberOrigins(folder, say)

  let httpsPort = options.httpsPort
  let stun: Stun | undefined
  const site = createSite({
    ...files,
    authority: new Uint8Array(authority.certificate.rawData),
    addresses,
    httpsPort: () => httpsPort,
    stunPort: () => stun?.port,
    openedFrom: origins.note,
  })
  const plain = createServer(site)
  const secure = https.createServer({ ...certificates.current(), minVersion: 'TLSv1.2' }, site)
  certificates.changed((leaf) => secure.setSecureContext({ cert: leaf.cert, key: leaf.key, minVersion: 'TLSv1.2' }))
  const closeListeners = async (): Promise<void> => {
    certificates.close()
    await Promise.all([...[plain, secure].map(closeServer), stun?.close()])
  }
  try {
    const httpPort = await listen(plain, options.port, options.host)
    httpsPort = await listen(secure, options.httpsPort, options.host)
    stun = await openStun(options.host, options.stunPort, say)
    origins.warn(addresses().all, httpsPort)
    const mayRead = (origin: string): boolean => lanOrigins({ ...addresses(), lan: addresses().all }, httpsPort).includes(origin)
    const introductions = mountIntroductions(site, [plain, secure], mayRead, (error) => say(`introduction refused: ${error.message}`))
    const close = (): Promise<void> => {
      introductions.close()
      return closeListeners()
    }
    return { authority: new Uint8Array(authority.certificate.rawData), httpPort, httpsPort, lan: () => addresses().lan, close }
  } catch (error) {
    await closeListeners()
    throw error
  }
}

const listen = (server: Server, port: number, host: string | undefined): Promise<number> =>
  new Promise((resolve, reject) => {
    const flag = server instanceof https.Server ? '--https-port' : '--port'
    server.maxConnections = 2000
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const reason = cause.code === 'EADDRINUSE' ? `port ${port} is in use by another program` : cause.code === 'EACCES' ? `this user may not use port ${port}` : `listening on ${host ?? 'all addresses'}, port ${port} failed (${cause.message})`
      reject(new HubError('HUB-PORT', `${reason}. Choose another with ${flag}.`, { cause }))
    })
    server.listen({ port, host, exclusive: true }, () => resolve((server.address() as AddressInfo).port))
  })

const closeServer = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })

interface Certificates {
  readonly current: () => { readonly cert: string; readonly key: string }
  readonly changed: (call: (leaf: { readonly cert: string; readonly key: string }) => void) => void
  readonly close: () => void
}

/** Keeps a certificate for what this computer is called just now: looked at when the addresses change, and daily. */
const keepCertificate = async (folder: DataFolder, authority: Authority, names: () => readonly string[], say: (line: string) => void): Promise<Certificates> => {
  const read = async () => {
    const leaf = await openLeaf(folder, authority, vouchedNames(authority, names()), Date.now())
    return { cert: `${leaf.certificate}\n${authority.certificate.toString('pem')}`, key: leaf.key }
  }
  const sayUnvouched = (): void => {
    const all = names()
    const vouched = vouchedNames(authority, all)
    const unvouched = all.filter((name) => !vouched.includes(name))
    if (unvouched.length > 0) say(`The certificate authority of this hub may not vouch for ${unvouched.join(', ')}: tablets cannot use these.`)
  }
  let current = await read()
  let changed: (leaf: typeof current) => void = () => undefined
  const renew = async (): Promise<void> => {
    const next = await read()
    if (next.cert === current.cert) return
    current = next
    changed(next)
    say('The certificate was renewed.')
    sayUnvouched()
  }
  let seen = names().join()
  const check = (): void => {
    renew().catch((error: unknown) => say(`renewing the certificate failed: ${String(error)}`))
  }
  const watch = setInterval(() => {
    const now = names().join()
    if (now === seen) return
    seen = now
    say(`The addresses of this computer have changed: ${now}`)
    check()
  }, addressCheckMs)
  const daily = setInterval(check, certificateCheckMs)
  sayUnvouched()
  return {
    current: () => current,
    changed: (call) => {
      changed = call
    },
    close: () => {
      clearInterval(watch)
      clearInterval(daily)
    },
  }
}

const originsMax = 16

/** Remembers under which addresses tablets have opened the app: the address is the identity of all that they store. */
const rememberOrigins = async (folder: DataFolder, say: (line: string) => void) => {
  const stored = await folder.read('origins')
  let known = Array.isArray(stored) ? stored.map(String) : []
  return {
    note: (origin: string): void => {
      if (known.includes(origin)) return
      known = [...known, origin].slice(-originsMax)
      folder.write('origins', known).catch((error: unknown) => say(`remembering the address failed: ${String(error)}`))
    },
    warn: (own: readonly string[], httpsPort: number): void => {
      const now = lanOrigins({ lan: own, all: own }, httpsPort)
      for (const origin of known.filter((one) => !now.includes(one))) {
        say(`WARNING: tablets were installed from ${origin}, which is not an address of this hub any more. They go on working, but can neither update nor meet new tablets here. Give this computer its old address and port again: see "Give the hub a fixed address" in the README.`)
      }
    },
  }
}
