import { parseArgs } from 'node:util'
import { HubError } from './errors.ts'

export interface HubOptions {
  /** The one address or name to listen on; `undefined`: all. */
  readonly host: string | undefined
  /** Plain HTTP; 0: any free one. */
  readonly port: number
  readonly httpsPort: number
  /** UDP; 0: any free one. */
  readonly stunPort: number
  readonly dataFolder: string
}

export const help = `Millpond hub: serves the app to the tablets of one floor and introduces them to each other.

  npm start -- [flags]

  --host <address>     listen on this address only (default: all addresses of this computer)
  --port <number>      plain HTTP: first page for a new tablet (default 8080)
  --https-port <n>     HTTPS: the app (default 8443)
  --stun-port <n>      UDP: tells tablets their own address, so that they find each other (default 3478)
  --data <folder>      certificates and what the hub remembers (default ./data)
  --help               this text
`

const parsePort = (name: string, text: string): number => {
  const port = Number(text)
  if (!/^\d{1,5}$/.test(text) || port > 65_535) throw new HubError('HUB-OPTION', `--${name} is a number from 0 to 65535, not "${text}".`)
  return port
}

/** @returns `undefined` when help was asked for. @throws HubError `HUB-OPTION` */
export const parseOptions = (args: readonly string[]): HubOptions | undefined => {
  const values = readFlags(args)
  if (values.help === true) return undefined
  return {
    host: values.host,
    port: parsePort('port', values.port ?? '8080'),
    httpsPort: parsePort('https-port', values['https-port'] ?? '8443'),
    stunPort: parsePort('stun-port', values['stun-port'] ?? '3478'),
    dataFolder: values.data ?? 'data',
  }
}

const readFlags = (args: readonly string[]) => {
  try {
    const flags = { host: { type: 'string' }, port: { type: 'string' }, 'https-port': { type: 'string' }, 'stun-port': { type: 'string' }, data: { type: 'string' }, help: { type: 'boolean' } } as const
    return parseArgs({ args: [...args], options: flags }).values
  } catch (cause) {
    throw new HubError('HUB-OPTION', `${cause instanceof Error ? cause.message : String(cause)} See npm start -- --help`, { cause })
  }
}
