import SimplePeer from 'simple-peer/simplepeer.min.js'
import { fingerprintOf } from './description.ts'
import { FramedTransport } from './framed-transport.ts'
import { createSimplePeerStandbys, type StandbyConfig } from './simple-peer-standby.ts'
import { decodeSignal, encodeSignal } from './simple-peer-signal.ts'
import { lowWaterBytes } from './transport.ts'
import type { Timers } from './timers.ts'
import type { Attempt, AttemptHandlers, Connector } from './transport.ts'

export interface SimplePeerOptions {
  /** STUN servers of the hubs known, as `stun:<literal address>:<port>`. Never anything beyond the LAN: with none the browser asks nobody. */
  readonly stunUrls: () => readonly string[]
  readonly timers: Timers
}

/** Connections over WebRTC data channels. */
export const createSimplePeerConnector = (options: SimplePeerOptions): Connector => ({
  begin: (dialled, handlers) => {
    const attempt = new SimplePeerAttempt(dialled, handlers, options)
    attempt.limit()
    return attempt
  },
  standbys: createSimplePeerStandbys((dialled, handlers, config) => new SimplePeerAttempt(dialled, handlers, { ...options, ...config }), options.timers),
})

/** Browsers may report nothing at all for 50 s. */
const attemptMs = 15_000
const candidateCountMax = 64
const earlyBytesMax = 1024 * 1024

/** Waits without end unless `limit` is called. */
export class SimplePeerAttempt implements Attempt {
  readonly #dialled: boolean
  readonly #handlers: AttemptHandlers
  readonly #timers: Timers
  readonly #peer: SimplePeer
  #cancelTimeout: () => void = () => undefined
  #settled = false
  /** Whether a packet of the other end has come through. */
  #answered = false
  #described = false
  #candidateCount = 0
  #transport: FramedTransport | undefined
  /** Frames that came before the transport was there. */
  #early: Uint8Array[] = []
  #earlyBytes = 0

  constructor(dialled: boolean, handlers: AttemptHandlers, { stunUrls, timers, certificates, sdpTransform, gathered }: SimplePeerOptions & StandbyConfig) {
    this.#dialled = dialled
    this.#handlers = handlers
    this.#timers = timers
    const urls = [...stunUrls()]
    this.#peer = new SimplePeer({
      initiator: dialled,
      objectMode: true,
      trickle: true,
      // Always given: simple-peer's own default asks servers on the internet.
      config: { iceServers: urls.length === 0 ? [] : [{ urls }], ...(certificates && { certificates }) },
      ...(sdpTransform && { sdpTransform }),
      channelConfig: { ordered: true },
      channelName: 'millpond',
    })
    this.#peer.on('signal', (signal) => this.#say(signal))
    this.#peer.on('data', (data) => this.#receive(data))
    this.#peer.on('connect', () => {
      this.#connected().catch((error: unknown) => this.#fail(String(error)))
    })
    this.#peer.on('error', (error) => this.#lost(error))
    this.#peer.on('close', () => this.#ended('closed by peer'))
    this.#peer.on('iceStateChange', (state) => (this.#answered ||= state === 'connected' || state === 'completed'))
    if (gathered !== undefined) this.#peer.on('_iceComplete', gathered)
  }

  /** From now on it has so long to open. */
  limit(): void {
    if (!this.#settled) this.#cancelTimeout = this.#timers.after(attemptMs, () => this.#fail('timeout'))
  }

  signal(data: Uint8Array): void {
    if (this.#settled) return
    const signal = decodeSignal(data)
    if (signal === undefined) return this.#fail('malformed signal')
    if (signal.type === 'candidate') {
      if (++this.#candidateCount > candidateCountMax) return this.#fail('too many candidates')
    } else {
      if (this.#described || signal.type !== (this.#dialled ? 'answer' : 'offer')) return this.#fail('signal out of order')
      this.#described = true
    }
    try {
      this.#peer.signal(signal)
    } catch (error) {
      this.#fail(`malformed signal: ${String(error)}`)
    }
  }

  /** Gives the browser a candidate of the other end that no signal has brought. */
  suppose(candidate: string): void {
    if (!this.#settled) this.#peer.signal({ type: 'candidate', candidate: { candidate, sdpMLineIndex: 0, sdpMid: '0' } })
  }

  cancel(): void {
    if (this.#settled) return
    this.#settle()
    this.#peer.destroy()
  }

  #say(signal: unknown): void {
    if (this.#settled) return
    const bytes = encodeSignal(signal)
    if (bytes === undefined) this.#fail('no usable signal from the browser')
    else this.#handlers.signal(bytes)
  }

  async #connected(): Promise<void> {
    const connection = this.#peer._pc
    const channel = this.#peer._channel
    if (this.#settled || !connection || !channel) return
    const own = fingerprintOf(connection.localDescription?.sdp ?? '')
    const peer = await peerFingerprint(connection)
    if (this.#settled) return
    if (own === undefined || peer === undefined) return this.#fail('a certificate cannot be read')
    this.#settle()
    this.#transport = this.#transportOver(channel, { own, peer })
    for (const frame of this.#early.splice(0)) this.#transport.received(frame)
    this.#handlers.opened(this.#transport)
  }

  #transportOver(channel: RTCDataChannel, fingerprints: { readonly own: Uint8Array; readonly peer: Uint8Array }): FramedTransport {
    const transport = new FramedTransport({
      dialled: this.#dialled,
      fingerprints,
      timers: this.#timers,
      carrier: {
        send: (frame) => this.#peer.send(frame),
        bufferedBytes: () => channel.bufferedAmount,
        // A data channel that is closed first sends all that it holds; `destroy` would lose it.
        finish: () => channel.close(),
        abort: () => this.#peer.destroy(),
      },
    })
    channel.bufferedAmountLowThreshold = lowWaterBytes
    channel.addEventListener('bufferedamountlow', () => transport.left())
    return transport
  }

  #receive(data: unknown): void {
    // Text is no frame, nor is an empty one.
    const frame = data instanceof Uint8Array ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : new Uint8Array(0)
    if (this.#transport !== undefined) return this.#transport.received(frame)
    this.#early.push(frame)
    this.#earlyBytes += frame.length + 1
    if (this.#earlyBytes > earlyBytesMax) this.#fail('violation')
  }

  #lost(error: Error & { readonly code?: string }): void {
    // An error of the channel is how the other end's closing at once is seen; others are of the network.
    if (this.#transport !== undefined) this.#ended(error.code === 'ERR_DATA_CHANNEL' ? 'closed by peer' : 'lost')
    // Firefox does not try for as long as there is time.
    else if (!this.#answered && /^ERR_(ICE_)?CONNECTION_FAILURE$/.test(error.code ?? '')) this.#fail('timeout')
    else this.#fail(`${error.code ?? 'error'}: ${error.message}`)
  }

  #ended(reason: string): void {
    if (this.#transport !== undefined) this.#transport.ended(reason)
    else this.#fail(reason)
  }

  #fail(reason: string): void {
    if (this.#settled) return
    this.#settle()
    this.#peer.destroy()
    this.#handlers.failed(reason)
  }

  #settle(): void {
    this.#settled = true
    this.#cancelTimeout()
  }
}

/** SHA-256 of the certificate that the other end has proved to own. */
const peerFingerprint = async (connection: RTCPeerConnection): Promise<Uint8Array | undefined> => {
  const transport: Partial<RTCDtlsTransport> | undefined = connection.sctp?.transport
  const certificate = transport?.getRemoteCertificates?.()[0]
  if (certificate !== undefined) return new Uint8Array(await crypto.subtle.digest('SHA-256', certificate))
  // Older Firefox: DTLS has compared the certificate with the only fingerprint there is.
  return fingerprintOf(connection.remoteDescription?.sdp ?? '')
}
