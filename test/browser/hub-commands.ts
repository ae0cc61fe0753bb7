/// <reference types="node" />
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { BrowserCommand } from 'vitest/node'

/** What a test in a browser asks of the process beside it: a PeerServer to start and to stop. */

const program = fileURLToPath(new URL('hub-process.mjs', import.meta.url))
const running = new Map<number, ChildProcess>()

const startHub: BrowserCommand<[port: number]> = async (_context, port) => {
  const hub = spawn(process.execPath, [program, String(port)], { stdio: ['pipe', 'pipe', 'inherit'] })
  const [line] = await once(hub.stdout, 'data')
  const taken = Number(String(line))
  running.set(taken, hub)
  return taken
}

const stopHub: BrowserCommand<[port: number]> = async (_context, port) => {
  const hub = running.get(port)
  if (hub === undefined) return
  running.delete(port)
  const ended = once(hub, 'exit')
  hub.kill()
  await ended
}

export const hubCommands = { startHub, stopHub }
