import { FramedTransport } from './framed-transport.ts'
import type { FrameCarrier } from './framed-transport.ts'
import type { Timers } from './timers.ts'
import { createMemoryStandbys, type WaitingEnds } from './memory-standby.ts'
import type { Attempt, AttemptHandlers, Connector, Transport } from './transport.ts'

/** A network in memory: the twin of WebRTC between named endpoints, its links in the hands of a test. */
export interface MemoryNetwork {
  /** Two ends of a new connection; the first one dialled. A `pipe` is not counted among the connections. */
  readonly connectPair: (from?: string, to?: string, use?: 'pipe') => readonly [Transport, Transport]
  /** The same with no transport at the other end: an intruder that may send any frame. */
  readonly connectRaw: (from?: string, to?: string) => { readonly transport: Transport; readonly send: (frame: Uint8Array) => void }
  /** Makes connections from the endpoint `name` to others of this network. */
  readonly connector: (name: string, options?: { readonly refusesReturn: boolean }) => Connector
  /** The page at that endpoint is gone without a word: nothing leaves or reaches it any more, and its listeners are not there. The endpoint may be used again. */
  readonly kill: (name: string) => void
  /** Silence: nothing arrives any more between the two (without `to`: between `from` and all others), and nobody is told. */
  readonly cut: (from: string, to?: string) => void
  /** Undoes a `cut` with the same names. What waited arrives, unless `dead`: then connections that were cut stay silent for ever, as after 20 s. */
  readonly heal: (from: string, to?: string, dead?: 'dead') => void
  /** Cuts the links between endpoints of different groups and heals those within one. */
  readonly partition: (groups: readonly (readonly string[])[]) => void
  /** Ends all connections between the two: both ends hear `lost`. */
  readonly drop: (from: string, to: string) => void
  /** Whether what one of them sends now reaches the other. */
  readonly linked: (from: string, to: string) => boolean
  /** Connections of which no end has heard of the closing: who dialled, who answered; oldest first. */
  readonly connections: () => readonly (readonly [string, string])[]
}

export interface MemoryNetworkOptions {
  readonly timers: Timers
  /** Each frame takes so long, one after the other. 0 (the default): each arrives in a microtask of its own, whatever the clock. */
  readonly latencyMs?: number
  /** An attempt that has not opened by then fails. */
  readonly attemptMs?: number
}

export const createMemoryNetwork = (options: MemoryNetworkOptions): MemoryNetwork => {
  const cuts = new Set<string>()
  const links = new Set<Link>()
  const attempts = new Map<number, MemoryAttempt>()
  let count = 0
  const linked = (from: string, to: string) => ![linkName(from, to), linkName(from), linkName(to)].some((name) => cuts.has(name))
  const waiting: WaitingEnds = new Map()
  const add = (from: string, to: string, isPipe = false, prints?: readonly [Uint8Array, Uint8Array]): Link => {
    const number = ++count
    const link = new Link(from, to, { options, isPipe, prints: prints ?? [fingerprint(number, 1), fingerprint(number, 2)], linked: () => linked(from, to), gone: () => links.delete(link) })
    links.add(link)
    return link
  }
  const connect = (from: string, to: string) => add(from, to).ends
  const standbys = {
    waiting, linked, timers: options.timers,
    next: () => ++count,
    connect: (from: string, to: string, call: number, listener: number) => add(from, to, false, [fingerprint(call, 3), fingerprint(listener, 4)]).ends,
  }
  const wake = () => {
    for (const link of links) link.wake()
    for (const end of [...waiting.values()]) end.wake?.()
  }
  return {
    connectPair: (from = 'a', to = 'b', use) => add(from, to, use === 'pipe').ends,
    connectRaw: (from = 'a', to = 'b') => {
      const link = add(from, to)
      return { transport: link.ends[0], send: (frame) => link.inject(frame) }
    },
    connector: (name, { refusesReturn } = { refusesReturn: false }) => ({
      standbys: createMemoryStandbys(standbys, name, refusesReturn),
      begin: (dialled, handlers) => new MemoryAttempt({ name, dialled, handlers, number: ++count, attempts, linked, connect, options }),
    }),
    cut: (from, to) => void cuts.add(linkName(from, to)),
    heal: (from, to, dead) => {
      if (dead !== undefined) links.forEach((link) => linked(link.from, link.to) || link.deaden())
      cuts.delete(linkName(from, to))
      wake()
    },
    partition: (groups) => {
      const groupOf = new Map(groups.flatMap((group) => group.map((name) => [name, group] as const)))
      for (const [from, group] of groupOf) {
        for (const [to, other] of groupOf) if (group === other) cuts.delete(linkName(from, to))
        else cuts.add(linkName(from, to))
      }
      wake()
    },
    drop: (from, to) => links.forEach((link) => linkName(link.from, link.to) === linkName(from, to) && link.drop()),
    kill: (name) => {
      for (const link of links) if (link.from === name || link.to === name) link.deaden()
      for (const [number, end] of waiting) if (end.name === name) waiting.delete(number)
      for (const [number, attempt] of attempts) if (attempt.name === name) attempts.delete(number)
    },
    linked,
    connections: () => [...links].filter((link) => !link.isPipe).map((link) => [link.from, link.to] as const),
  }
}

const linkName = (from: string, to?: string): string => (to === undefined ? `${from} and all` : [from, to].sort().join(' and '))

interface LinkContext {
  readonly isPipe: boolean
  readonly options: MemoryNetworkOptions
  readonly prints: readonly [Uint8Array, Uint8Array]
  readonly linked: () => boolean
  readonly gone: () => void
}

/** A connection: two transports, and a lane from each to the other. */
class Link {
  readonly from: string
  readonly to: string
  readonly isPipe: boolean
  readonly ends: readonly [FramedTransport, FramedTransport]
  readonly #lanes: readonly [Lane, Lane]
  readonly #gone: () => void
  #dead = false

  constructor(from: string, to: string, { options, isPipe, prints, linked, gone }: LinkContext) {
    this.from = from
    this.to = to
    this.isPipe = isPipe
    this.#gone = gone
    const flows = () => !this.#dead && linked()
    const out = new Lane(options, flows, gone)
    const back = new Lane(options, flows, gone)
    const near = new FramedTransport({ dialled: true, fingerprints: { own: prints[0], peer: prints[1] }, carrier: out, timers: options.timers })
    const far = new FramedTransport({ dialled: false, fingerprints: { own: prints[1], peer: prints[0] }, carrier: back, timers: options.timers })
    out.join(near, far)
    back.join(far, near)
    this.#lanes = [out, back]
    this.ends = [near, far]
  }

  wake(): void {
    for (const lane of this.#lanes) lane.wake()
  }

  deaden(): void {
    this.#dead = true
  }

  /** A frame of whatever form from the answering end. */
  inject(frame: Uint8Array): void {
    this.#lanes[1].send(frame.slice())
  }

  drop(): void {
    this.#gone()
    for (const end of this.ends) end.ended('lost')
  }
}

/** Frames on their way to one end. */
class Lane implements FrameCarrier {
  readonly #options: MemoryNetworkOptions
  readonly #flows: () => boolean
  readonly #gone: () => void
  #source: FramedTransport | undefined
  #target: FramedTransport | undefined
  #items: (Uint8Array | 'end')[] = []
  #bytes = 0
  #moving = false

  constructor(options: MemoryNetworkOptions, flows: () => boolean, gone: () => void) {
    this.#options = options
    this.#flows = flows
    this.#gone = gone
  }

  join(source: FramedTransport, target: FramedTransport): void {
    this.#source = source
    this.#target = target
  }

  send(frame: Uint8Array): void {
    this.#items.push(frame)
    this.#bytes += frame.length
    this.wake()
  }

  bufferedBytes(): number {
    return this.#bytes
  }

  finish(): void {
    if (this.#items.at(-1) !== 'end') this.#items.push('end')
    this.wake()
  }

  abort(): void {
    this.#items = ['end']
    this.#bytes = 0
    this.wake()
  }

  wake(): void {
    if (this.#moving || this.#items.length === 0 || !this.#flows()) return
    this.#moving = true
    const delay = this.#options.latencyMs ?? 0
    if (delay === 0) queueMicrotask(() => this.#move())
    else this.#options.timers.after(delay, () => this.#move())
  }

  #move(): void {
    this.#moving = false
    const item = this.#flows() ? this.#items.shift() : undefined
    if (item === 'end') {
      this.#gone()
      this.#target?.ended('closed by peer')
      this.#source?.ended('closed by peer')
    } else if (item !== undefined) {
      this.#bytes -= item.length
      this.#target?.received(item)
      this.#source?.left()
    }
    this.wake()
  }
}

interface AttemptContext {
  readonly name: string
  readonly dialled: boolean
  readonly handlers: AttemptHandlers
  readonly number: number
  readonly attempts: Map<number, MemoryAttempt>
  readonly linked: (from: string, to: string) => boolean
  readonly connect: (from: string, to: string) => readonly [Transport, Transport]
  readonly options: MemoryNetworkOptions
}

const ATTEMPT_MS = 15_000

/** Signals: `offer <attempt>` there, `answer <attempt> <attempt of the answerer>` back. */
class MemoryAttempt implements Attempt {
  readonly #context: AttemptContext
  readonly #cancelTimeout: () => void
  #live = true

  constructor(context: AttemptContext) {
    this.#context = context
    context.attempts.set(context.number, this)
    this.#cancelTimeout = context.options.timers.after(context.options.attemptMs ?? ATTEMPT_MS, () => this.#fail('timeout'))
    if (context.dialled) this.#say(`offer ${context.number}`)
  }

  get name(): string {
    return this.#context.name
  }

  signal(data: Uint8Array): void {
    if (!this.#live) return
    const { number, dialled } = this.#context
    const [, kind, offered, answered] = /^(offer|answer) ([0-9]+)(?: ([0-9]+))?$/.exec(new TextDecoder().decode(data)) ?? []
    if (kind === 'offer' && !dialled) this.#say(`answer ${offered} ${number}`)
    else if (kind === 'answer' && dialled && Number(offered) === number) this.#connect(Number(answered))
    else this.#fail('malformed signal')
  }

  cancel(): void {
    this.#settle()
  }

  /** Where no way leads there, nothing happens until the timeout, as in ICE. */
  #connect(answerer: number): void {
    const { attempts, linked, connect, name } = this.#context
    const answered = attempts.get(answerer)
    if (answered === undefined || !linked(name, answered.#context.name)) return
    const [near, far] = connect(name, answered.#context.name)
    answered.#open(far)
    this.#open(near)
  }

  #open(transport: Transport): void {
    this.#settle()
    this.#context.handlers.opened(transport)
  }

  #fail(reason: string): void {
    this.#settle()
    this.#context.handlers.failed(reason)
  }

  #settle(): void {
    this.#live = false
    this.#cancelTimeout()
    this.#context.attempts.delete(this.#context.number)
  }

  #say(signal: string): void {
    queueMicrotask(() => this.#live && this.#context.handlers.signal(new TextEncoder().encode(signal)))
  }
}

/** 32 bytes, others for each end of each connection. */
const fingerprint = (number: number, side: number): Uint8Array => {
  const bytes = new Uint8Array(32).fill(side)
  new DataView(bytes.buffer).setUint32(0, number)
  return bytes
}
