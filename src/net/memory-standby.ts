import { NetError } from './transport.ts'
import type { Timers } from './timers.ts'
import type { StandbyCall, StandbyConnector, StandbyHandlers, StandbyListener, Transport } from './transport.ts'

/** Ends that wait, by their number. */
export type WaitingEnds = Map<number, WaitingEnd>

interface WaitingEnd {
  /** Endpoint. */
  readonly name: string
  /** A listener: the call that it waits for, and what takes its end. */
  readonly listens?: { readonly call: number; readonly handlers: StandbyHandlers }
  /** A caller whose answer is applied: a way may lead there now. */
  readonly wake?: () => void
}

interface StandbyNetwork {
  readonly waiting: WaitingEnds
  readonly timers: Timers
  readonly linked: (from: string, to: string) => boolean
  readonly next: () => number
  readonly connect: (from: string, to: string, call: number, listener: number) => readonly [Transport, Transport]
}

const tryMs = 15_000
const keysMs = 30 * 24 * 60 * 60 * 1000

/** Signals: `standby offer <call>`, `standby answer <call> <listener>`. Keys: `{ call }`. */
export const createMemoryStandbys = (network: StandbyNetwork, name: string, refusesReturn: boolean): StandbyConnector => ({
  call: async (keys) => {
    const kept = keys === undefined ? undefined : readKeys(keys)
    if (refusesReturn && kept !== undefined) throw new NetError('NET-FAILED', 'this browser refuses')
    return new MemoryCall(network, name, kept ?? network.next())
  },
  listen: async (offer, handlers) => listenTo(network, name, offer, handlers),
  returnAllowed: async () => !refusesReturn,
})

class MemoryCall implements StandbyCall {
  readonly offer: Uint8Array
  readonly keys: unknown
  readonly expiresMicros: number
  readonly #network: StandbyNetwork
  readonly #name: string
  readonly #call: number
  readonly #number: number
  #cancel: () => void = () => undefined
  #closed = false

  constructor(network: StandbyNetwork, name: string, call: number) {
    this.offer = new TextEncoder().encode(`standby offer ${call}`)
    this.keys = { call }
    this.expiresMicros = network.timers.nowMicros() + keysMs * 1000
    this.#network = network
    this.#name = name
    this.#call = call
    this.#number = network.next()
  }

  apply(answer: Uint8Array, handlers: StandbyHandlers): void {
    const { waiting, timers } = this.#network
    const numbers = /^standby answer ([0-9]+) ([0-9]+)$/.exec(new TextDecoder().decode(answer))
    if (this.#closed || numbers === null || Number(numbers[1]) !== this.#call) return handlers.failed('malformed signal')
    this.#cancel = timers.after(tryMs, () => {
      this.close()
      handlers.failed('timeout')
    })
    const attempt = () => this.#connect(Number(numbers[2]), handlers)
    waiting.set(this.#number, { name: this.#name, wake: attempt })
    queueMicrotask(attempt)
  }

  close(): void {
    this.#closed = true
    this.#cancel()
    this.#network.waiting.delete(this.#number)
  }

  /** Where no way leads there, or nobody is there, nothing happens until the time is over, as in ICE. */
  #connect(listener: number, handlers: StandbyHandlers): void {
    const { waiting, linked, connect } = this.#network
    const end = waiting.get(listener)
    if (this.#closed || end?.listens?.call !== this.#call || !linked(this.#name, end.name)) return
    this.close()
    waiting.delete(listener)
    const [near, far] = connect(this.#name, end.name, this.#call, listener)
    end.listens.handlers.opened(far)
    handlers.opened(near)
  }
}

const listenTo = (network: StandbyNetwork, name: string, offer: Uint8Array, handlers: StandbyHandlers): StandbyListener => {
  const call = /^standby offer ([0-9]+)$/.exec(new TextDecoder().decode(offer))?.[1]
  if (call === undefined) throw new NetError('NET-FAILED', 'malformed signal')
  const number = network.next()
  network.waiting.set(number, { name, listens: { call: Number(call), handlers } })
  return { answer: new TextEncoder().encode(`standby answer ${call} ${number}`), addresses: [name], close: () => network.waiting.delete(number) }
}

const readKeys = (keys: unknown): number => {
  const call = typeof keys === 'object' && keys !== null && 'call' in keys ? keys.call : undefined
  if (typeof call !== 'number') throw new NetError('NET-FAILED', 'these are no keys of a standby')
  return call
}
