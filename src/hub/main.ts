import { readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { renderUnicodeCompact } from 'uqr'
import { hostInUrl } from './addresses.ts'
import { HubError } from './errors.ts'
import { type Hub, startHub } from './hub.ts'
import { help, parseOptions } from './options.ts'
import { fingerprintOf } from './trust-page.ts'

const say = (line: string): void => {
  process.stdout.write(`${line}\n`)
}

const announce = (hub: Hub): void => {
  const hosts = hub.lan()
  const [main] = hosts
  say('Millpond hub is running. Tablets open:')
  for (const host of hosts) say(`  https://${hostInUrl(host)}:${hub.httpsPort}`)
  if (main !== undefined) {
    const setUp = `http://${hostInUrl(main)}:${hub.httpPort}`
    say(`A new tablet begins here, to trust this hub: ${setUp}`)
    say(renderUnicodeCompact(setUp))
  }
  say(`On this computer: http://localhost:${hub.httpPort} (HTTPS port ${hub.httpsPort})`)
  say(`Certificate authority, SHA-256: ${fingerprintOf(hub.authority)}`)
  say('Stop with Ctrl+C.')
}

/** One clear line for what a person can mend; anything else is a bug and shows all it knows. */
const fail = (error: unknown): void => {
  process.stderr.write(`${error instanceof HubError ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
  process.exitCode = 1
}

const main = async (): Promise<void> => {
  const options = parseOptions(process.argv.slice(2))
  if (options === undefined) return say(help)
  const here = path.dirname(fileURLToPath(import.meta.url))
  const { version } = JSON.parse(readFileSync(path.join(here, '../../package.json'), 'utf8')) as { readonly version: string }
  const hub = await startHub(options, { appFolder: path.join(here, '../app'), trustStyle: readFileSync(path.join(here, 'trust.css'), 'utf8'), version }, say)
  announce(hub)
  // The PeerServer has timers that nothing ends but the end of the process.
  const stop = (): void => {
    hub.close().catch(fail).finally(() => process.exit())
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stop)
}

await main().catch(fail)
