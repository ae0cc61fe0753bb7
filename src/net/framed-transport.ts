import { addFrame, cutFrames, noPartial } from '../protocol/frame.ts'
import { FORK_BYTES_MAX } from '../protocol/limits.ts'
import { lowWaterBytes, NetError } from './transport.ts'
import type { Transport, TransportHandlers } from './transport.ts'
import type { Timers } from './timers.ts'

/** What carries frames in order: a data channel, or its twin. */
export interface FrameCarrier {
  /** Queues one frame. Called only while open. */
  readonly send: (frame: Uint8Array) => void
  /** Bytes sent that have not left. `left` of the transport is called when they become fewer. */
  readonly bufferedBytes: () => number
  /** Lets everything leave, then ends at both ends: `ended` of the transports follows. */
  readonly finish: () => void
  /** Ends at once. */
  readonly abort: () => void
}

export interface FramedTransportOptions {
  readonly dialled: boolean
  readonly fingerprints: Transport['fingerprints']
  readonly carrier: FrameCarrier
  readonly timers: Timers
}

/** So much lies in the carrier, the rest waits here: Chromium throws when 16 MiB lie in a data channel. */
const carrierBytesMax = 1024 * 1024
/** Beyond this `send` throws `NET-FULL`: nobody asked for so much. */
const queuedBytesMax = 16 * 1024 * 1024
/** Kept before `start`; more is a violation. */
const keptBytesMax = 1024 * 1024
const finishMs = 1000

/** Everything of a `Transport` but the carrying itself, so that each implementation keeps the same rules. */
export class FramedTransport implements Transport {
  readonly dialled: boolean
  readonly fingerprints: Transport['fingerprints']
  readonly #carrier: FrameCarrier
  readonly #timers: Timers
  #handlers: TransportHandlers | undefined
  #kept: Uint8Array[] = []
  #keptBytes = 0
  #partial = noPartial
  #queue: Uint8Array[] = []
  #queuedBytes = 0
  #above = false
  #closing: string | undefined
  #ended: string | undefined
  #told = false
  #cancelAbort: (() => void) | undefined

  constructor(options: FramedTransportOptions) {
    this.dialled = options.dialled
    this.fingerprints = options.fingerprints
    this.#carrier = options.carrier
    this.#timers = options.timers
  }

  start(handlers: TransportHandlers): void {
    if (this.#handlers !== undefined) throw new NetError('NET-FAILED', 'a transport is started once')
    this.#handlers = handlers
    const kept = this.#kept
    this.#kept = []
    for (const frame of kept) this.#take(frame, handlers)
    this.#tell()
  }

  send(message: Uint8Array): void {
    if (this.#closing !== undefined || this.#ended !== undefined) throw new NetError('NET-CLOSED', 'the connection is closed')
    if (message.length > FORK_BYTES_MAX) throw new NetError('NET-TOO-LARGE', `a message has at most ${FORK_BYTES_MAX} bytes, not ${message.length}`)
    if (this.bufferedBytes + message.length > queuedBytesMax) throw new NetError('NET-FULL', `${this.bufferedBytes} bytes wait to leave`)
    for (const frame of cutFrames(message)) {
      this.#queue.push(frame)
      this.#queuedBytes += frame.length
    }
    this.#pump()
    if (this.bufferedBytes > lowWaterBytes) this.#above = true
  }

  get bufferedBytes(): number {
    return this.#ended === undefined ? this.#queuedBytes + this.#carrier.bufferedBytes() : 0
  }

  close(reason: string): void {
    if (this.#closing !== undefined || this.#ended !== undefined) return
    this.#closing = reason
    this.#cancelAbort = this.#timers.after(finishMs, () => this.#abort(reason))
    if (this.#queue.length === 0) this.#carrier.finish()
  }

  /** From the carrier: bytes have left it. */
  left(): void {
    if (this.#ended !== undefined) return
    this.#pump()
    if (this.#closing !== undefined) {
      if (this.#queue.length === 0) this.#carrier.finish()
    } else if (this.#above && this.bufferedBytes <= lowWaterBytes) {
      this.#above = false
      this.#handlers?.drained()
    }
  }

  /** From the carrier: a frame came in. */
  received(frame: Uint8Array): void {
    if (this.#ended !== undefined) return
    if (this.#handlers !== undefined) return this.#take(frame, this.#handlers)
    this.#kept.push(frame)
    this.#keptBytes += frame.length + 1
    if (this.#keptBytes > keptBytesMax) this.#abort('violation')
  }

  /** From the carrier: it has ended. */
  ended(reason: string): void {
    if (this.#ended !== undefined) return
    this.#ended = this.#closing ?? reason
    this.#queue = []
    this.#queuedBytes = 0
    this.#partial = noPartial
    this.#cancelAbort?.()
    this.#tell()
  }

  #abort(reason: string): void {
    if (this.#ended !== undefined) return
    this.#carrier.abort()
    this.ended(reason)
  }

  #tell(): void {
    if (this.#handlers === undefined || this.#ended === undefined || this.#told) return
    this.#told = true
    this.#handlers.closed(this.#ended)
  }

  #pump(): void {
    while (this.#carrier.bufferedBytes() < carrierBytesMax) {
      const frame = this.#queue.shift()
      if (frame === undefined) return
      this.#queuedBytes -= frame.length
      this.#carrier.send(frame)
    }
  }

  #take(frame: Uint8Array, handlers: TransportHandlers): void {
    if (this.#told) return
    handlers.heard()
    const added = addFrame(this.#partial, frame)
    if (!added.ok) return this.#abort('violation')
    this.#partial = added.value.partial
    if (added.value.message !== undefined) handlers.message(added.value.message)
  }
}
