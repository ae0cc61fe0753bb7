import type { SwarmId } from '../core/ids.ts'
import type { Trial } from '../protocol/reach.ts'
import type { HubPipe } from './hub-introduction.ts'
import { HubSignaling } from './hub-signaling.ts'
import type { HubClient, HubEvents, HubRegistration } from './hub-signaling.ts'
import type { TagOf } from './introduction-id.ts'
import type { MemoryNetwork } from './memory-transport.ts'
import type { Signaling } from './signaling.ts'
import type { Chance, Timers } from './timers.ts'
import type { Transport } from './transport.ts'

/** A hub in memory, reached over a memory network: the twin of a PeerServer. */
export interface MemoryHub {
  /** Signaling of the page at the endpoint `name` of the network. */
  readonly signaling: (options: MemorySignalingOptions) => Signaling
  /** As when its program ends: registrations are lost, and everybody is told. */
  readonly off: () => void
  readonly on: () => void
  /** Ids registered at present. */
  readonly ids: () => readonly string[]
  /** Registers another id that answers nothing, as of a page that is gone, or of a stranger. */
  readonly pretend: (id: string) => void
}

export interface MemorySignalingOptions {
  readonly name: string
  readonly swarm: SwarmId
  readonly introductionId: Uint8Array
  readonly tagOf: TagOf
  /** Of this page; that of the hub by default. */
  readonly timers?: Timers & Chance
}

interface Registered {
  readonly name: string
  readonly events: HubEvents | undefined
}

const nobody: Registered = { name: 'nobody', events: undefined }
const answerMs = 3000

/** @param name its endpoint in the network: cut links to it, and it is silent */
export const createMemoryHub = (network: MemoryNetwork, timers: Timers & Chance, name = 'hub'): MemoryHub => {
  const registered = new Map<string, Registered>()
  let running = true
  /** Asks the hub: refused when it is off, no answer when it is cut off. */
  const ask = async (from: string): Promise<void> => {
    if (network.linked(from, name) && running) return
    if (network.linked(from, name)) throw new Error('connection refused')
    await new Promise<void>((resolve) => timers.after(answerMs, resolve))
    throw new Error('no answer')
  }
  const clientAt = (from: string): HubClient => ({
    register: async (id, events) => {
      await ask(from)
      const mine = { name: from, events }
      registered.set(id, mine)
      const pipes = new Set<HubPipe>()
      const registration: HubRegistration = {
        list: async () => {
          await ask(from)
          return [...registered.keys()]
        },
        open: (other) => {
          const there = registered.get(other) ?? nobody
          const [near, far] = network.connectPair(from, there.name, 'pipe')
          const opens = there.events !== undefined && network.linked(from, there.name)
          if (opens) queueMicrotask(() => there.events?.incoming(pipeOver(far, id)))
          const pipe = pipeOver(near, other, opens ? undefined : { ...isolated, answered: there.events !== undefined })
          pipes.add(pipe)
          return pipe
        },
        close: () => {
          if (registered.get(id) === mine) registered.delete(id)
          for (const pipe of pipes) pipe.close()
        },
      }
      return registration
    },
  })
  return {
    signaling: ({ name: from, ...options }) => new HubSignaling({ timers, ...options, client: clientAt(from) }),
    off: () => {
      running = false
      const lost = [...registered.values()]
      registered.clear()
      for (const { events } of lost) events?.lost('the hub has ended')
    },
    on: () => (running = true),
    ids: () => [...registered.keys()],
    pretend: (id) => registered.set(id, nobody),
  }
}

/** Both reach the hub, and not each other. */
const isolated: Trial = { answered: true, forbidden: false, own: { names: 1, plain: 1 }, peer: { names: 1, plain: 1 }, stun: 'answered', packets: 'checked' }

/** @param trial of a pipe that does not open */
const pipeOver = (transport: Transport, id: string, trial?: Trial): HubPipe => ({
  id,
  start: ({ opened, message, closed }) => {
    transport.start({ message, closed, heard: () => undefined, drained: () => undefined })
    if (trial === undefined) queueMicrotask(opened)
  },
  send: (bytes) => transport.send(bytes),
  close: () => transport.close('closed'),
  trial: () => trial,
})
