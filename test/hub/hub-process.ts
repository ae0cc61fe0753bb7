import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'

/** The built hub as a program of its own, in a data folder of its own. */
export interface HubProcess {
  readonly httpPort: number
  readonly httpsPort: number
  readonly dataFolder: string
  readonly output: () => string
  readonly stop: () => Promise<number>
}

const builtHub = 'dist/hub/main.js'

export const makeDataFolder = (): string => mkdtempSync(path.join(os.tmpdir(), 'millpond-hub-'))
export const removeDataFolder = (folder: string): void => rmSync(folder, { recursive: true, force: true })

/** Runs the built hub until it ends by itself. */
export const runHub = async (args: readonly string[], command: readonly string[] = []): Promise<{ readonly code: number; readonly output: string }> => {
  const { child, output } = spawnHub(args, command)
  const [code] = (await once(child, 'close')) as [number | null]
  return { code: code ?? 1, output: output() }
}

/** Starts the built hub, or a copy of it, on free ports and waits until it serves. */
export const startHub = async (dataFolder: string, args: readonly string[] = [], command: readonly string[] = [], file = builtHub): Promise<HubProcess> => {
  const { child, output } = spawnHub(['--data', dataFolder, '--port', '0', '--https-port', '0', '--stun-port', '0', ...args], command, file)
  await new Promise<void>((resolve, reject) => {
    child.stdout?.on('data', () => {
      if (output().includes('Stop with Ctrl+C.')) resolve()
    })
    child.once('close', (code) => reject(new Error(`the hub ended with code ${code}:\n${output()}`)))
  })
  const port = (pattern: RegExp): number => Number(pattern.exec(output())?.[1])
  return {
    httpPort: port(/http:\/\/localhost:(\d+)/),
    httpsPort: port(/HTTPS port (\d+)/),
    dataFolder,
    output,
    stop: async () => {
      if (child.exitCode !== null) return child.exitCode
      const closed = once(child, 'close')
      child.kill('SIGTERM')
      const [code] = (await closed) as [number | null]
      return code ?? 1
    },
  }
}

/** `command`: what the hub is started through, for example `ip netns exec …`. */
const spawnHub = (args: readonly string[], command: readonly string[], file = builtHub): { readonly child: ChildProcess; readonly output: () => string } => {
  const [program = process.execPath, ...rest] = [...command, process.execPath, path.resolve(file), ...args]
  const child = spawn(program, rest, { stdio: ['ignore', 'pipe', 'pipe'] })
  const chunks: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk))
  return { child, output: () => Buffer.concat(chunks).toString() }
}
