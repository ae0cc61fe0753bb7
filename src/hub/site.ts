import { existsSync } from 'node:fs'
import { isIPv6 } from 'node:net'
import path from 'node:path'
import express, { type Express, type NextFunction, type Request, type Response } from 'express'
import type { Addresses } from './addresses.ts'
import { hostInUrl, isLoopback } from './addresses.ts'
import { HubError } from './errors.ts'
import { appPolicy, cacheControl, commonHeaders, trustPolicy } from './headers.ts'
import { introduce } from './introductions.ts'
import { stunUrls } from './stun.ts'
import { deviceOf, fingerprintOf, languageOf, mobileconfig, trustPage } from './trust-page.ts'

export interface SiteOptions {
  /** Folder of the built app. */
  readonly appFolder: string
  /** Style sheet of the page on plain HTTP. */
  readonly trustStyle: string
  readonly version: string
  /** The authority's certificate, DER. */
  readonly authority: Uint8Array
  readonly addresses: () => Addresses
  /** Port of HTTPS, once it listens. */
  readonly httpsPort: () => number
  /** UDP port of the STUN responder; `undefined`: there is none. */
  readonly stunPort: () => number | undefined
  /** A page was opened over HTTPS under this origin of the hub's own, not from this computer itself. */
  readonly openedFrom: (origin: string) => void
}

/** The HTTPS origins that tablets can reach this hub under. */
export const lanOrigins = (addresses: Addresses, httpsPort: number): readonly string[] => addresses.lan.map((host) => `https://${hostInUrl(host)}:${httpsPort}`)

/**
 * Everything that is served but the introductions: the app over HTTPS and on `http://localhost`, else the page that leads there.
 * @throws HubError `HUB-BUILD` when the app has not been built
 */
export const createSite = (options: SiteOptions): Express => {
  const { appFolder, addresses, httpsPort } = options
  if (!existsSync(path.join(appFolder, 'index.html'))) throw new HubError('HUB-BUILD', `there is no built app in ${appFolder}. Run npm run build, then start again.`)
  const app = express()
  app.disable('x-powered-by')
  app.use((_request, response, next) => {
    response.set(commonHeaders)
    next()
  })
  app.get('/config.json', (_request, response) => {
    response.set('Cache-Control', 'no-cache').json({ version: options.version, hubs: lanOrigins(addresses(), httpsPort()), introduce, stun: stunUrls(addresses().lan, options.stunPort()) })
  })
  app.use(trust(options))
  app.use((request, response, next) => {
    // A policy cannot name an IPv6 address; who came by one has 'self'.
    const origins = addresses().all.filter((host) => !isIPv6(host)).map((host) => `https://${host}:${httpsPort()}`)
    response.set({ 'Content-Security-Policy': appPolicy(origins), 'Cross-Origin-Opener-Policy': 'same-origin' })
    if (request.secure && isPage(request)) noteOrigin(request, options)
    next()
  })
  app.use(express.static(appFolder, { setHeaders: (response, file) => response.setHeader('Cache-Control', cacheControl(`/${path.relative(appFolder, file).replaceAll('\\', '/')}`)) }))
  app.use((request, response, next) => {
    if (!isPage(request)) return next()
    return response.set('Cache-Control', 'no-cache').sendFile('index.html', { root: appFolder })
  })
  return app
}

/** Whether a person opens a page; all of the app's pages are the same file. */
const isPage = (request: Request): boolean => {
  if (request.method !== 'GET' && request.method !== 'HEAD') return false
  return request.path === '/' || (path.posix.extname(request.path).replace('.html', '') === '' && request.accepts(['json', 'html']) === 'html')
}

const noteOrigin = (request: Request, { addresses, openedFrom, httpsPort }: SiteOptions): void => {
  const fromHere = isLoopback(request.socket.remoteAddress ?? '')
  const known = addresses().all.find((host) => hostInUrl(host) === hostOf(request))
  if (!fromHere && known !== undefined && !isLoopback(known)) openedFrom(`https://${hostInUrl(known)}:${httpsPort()}`)
}

const hostOf = (request: Request): string => (request.headers.host ?? '').replace(/:\d+$/, '').toLowerCase()

/** The certificate's downloads, and the page on plain HTTP. */
const trust = ({ authority, trustStyle, addresses, httpsPort }: SiteOptions) => {
  const router = express.Router()
  const download = (file: string, type: string, content: string | Uint8Array): void => {
    router.get(`/ca.${file}`, (_request, response) => {
      response.set({ 'Content-Type': type, 'Content-Disposition': `attachment; filename="millpond-hub.${file}"`, 'Cache-Control': 'no-cache' }).send(Buffer.from(content))
    })
  }
  download('crt', 'application/x-x509-ca-cert', authority)
  download('cer', 'application/pkix-cert', authority)
  download('mobileconfig', 'application/x-apple-aspen-config', mobileconfig(authority))
  router.get('/trust.css', (_request, response) => {
    response.set({ 'Content-Type': 'text/css; charset=utf-8', 'Cache-Control': 'no-cache' }).send(trustStyle)
  })
  router.use((request: Request, response: Response, next: NextFunction) => {
    const host = hostOf(request)
    if (request.secure || isLoopback(host.replace(/^\[|\]$/g, ''))) return next()
    if (!isPage(request)) return response.sendStatus(404)
    const known = addresses().all.find((one) => hostInUrl(one) === host) ?? addresses().lan[0] ?? 'localhost'
    const page = trustPage({
      language: languageOf(request.headers['accept-language'], request.query['lang']),
      device: deviceOf(request.headers['user-agent']),
      appUrl: `https://${hostInUrl(known)}:${httpsPort()}/`,
      fingerprint: fingerprintOf(authority),
    })
    return response.set({ 'Content-Security-Policy': trustPolicy, 'Content-Type': 'text/html; charset=utf-8', 'Cache-Control': 'no-cache', Vary: 'Accept-Language, User-Agent' }).send(page)
  })
  return router
}
