import type { DataConnection, Peer } from 'peerjs'
import type { SwarmId } from '../core/ids.ts'
import type { HubPipe } from './hub-introduction.ts'
import { HubSignaling } from './hub-signaling.ts'
import type { HubClient, HubEvents, HubRegistration } from './hub-signaling.ts'
import { hasRightTag, hubTokenOf, introductionOf, type TagOf } from './introduction-id.ts'
import { guardPeer } from './peerjs-guard.ts'
import type { Signaling } from './signaling.ts'
import type { Chance, Timers } from './timers.ts'
import { readTrial, watchLocalNetwork } from './trial.ts'
import type { Trial } from '../protocol/reach.ts'
import { NetError } from './transport.ts'

export interface PeerjsSignalingOptions {
  /** Origin of the hub: scheme, host and port. */
  readonly url: string
  readonly swarm: SwarmId
  /** 16 random bytes of this page load. */
  readonly introductionId: Uint8Array
  readonly tagOf: TagOf
  /** As for the connector. */
  readonly stunUrls: () => readonly string[]
  readonly timers: Timers & Chance
}

/** Meets pages at a hub's PeerServer. The library is loaded when it is first needed. */
export const createPeerjsSignaling = (options: PeerjsSignalingOptions): Signaling =>
  new HubSignaling({ ...options, client: new PeerjsClient(options) })

/** Where a hub has its PeerServer, and the key of it. */
const introduce = { path: '/introduce', key: 'millpond' }

const registerMs = 10_000
/** A server that still holds this page's last socket confirms nothing; then the list tells. */
const unconfirmedMs = 1500
const answerMs = 3000
const listBytesMax = 256 * 1024
const lingerMs = 1000

class PeerjsClient implements HubClient {
  readonly #options: PeerjsSignalingOptions
  readonly #isForbidden = watchLocalNetwork()

  constructor(options: PeerjsSignalingOptions) {
    this.#options = options
  }

  async register(id: string, events: HubEvents): Promise<HubRegistration> {
    const peer = await this.#newPeer(id)
    try {
      await this.#confirmed(peer, id)
    } catch (error) {
      peer.destroy()
      throw error
    }
    return new PeerjsRegistration(peer, events, (connection) => new PeerjsPipe(connection, this.#options.timers, this.#isForbidden), () => this.#list())
  }

  async #newPeer(id: string): Promise<Peer> {
    const { url, stunUrls, introductionId, tagOf } = this.#options
    const { Peer } = await import('peerjs')
    const { hostname, port, protocol } = new URL(url)
    const secure = protocol === 'https:'
    // Each of these has a default that asks servers on the internet.
    const peer = new Peer(id, {
      host: hostname,
      port: port === '' ? (secure ? 443 : 80) : Number(port),
      path: introduce.path,
      key: introduce.key,
      secure,
      token: await hubTokenOf(introductionId, tagOf),
      config: {
        // Looked up with every pipe: a hub tells them while this page registers.
        get iceServers() {
          const urls = [...stunUrls()]
          return urls.length === 0 ? [] : [{ urls }]
        },
      },
      debug: 0,
    })
    guardPeer(peer, { isWelcome: (from) => this.#isWelcome(from), timers: this.#options.timers })
    return peer
  }

  async #isWelcome(from: string): Promise<boolean> {
    const { swarm, tagOf } = this.#options
    return introductionOf(from, swarm) !== undefined && hasRightTag(from, tagOf)
  }

  #confirmed(peer: Peer, id: string): Promise<void> {
    const { after } = this.#options.timers
    return new Promise<void>((resolve, reject) => {
      let cancelAsk: () => void = () => undefined
      const settle = (end: () => void) => () => {
        cancelLimit()
        cancelAsk()
        end()
      }
      const cancelLimit = after(registerMs, settle(() => reject(new NetError('NET-FAILED', `the hub does not answer within ${registerMs} ms`))))
      const ask = () => {
        cancelAsk = after(unconfirmedMs, () => {
          this.#list().then((ids) => (ids.includes(id) ? settle(resolve)() : ask()), ask)
        })
      }
      ask()
      peer.on('open', settle(resolve))
      peer.on('error', (error) => settle(() => reject(new NetError('NET-FAILED', `${error.type}: ${error.message}`)))())
    })
  }

  /** With a limit of its own: PeerJS would wait as long as the browser does, and end the registration when it fails. */
  async #list(): Promise<readonly string[]> {
    const { url, timers } = this.#options
    const abort = new AbortController()
    const cancelLimit = timers.after(answerMs, () => abort.abort(new NetError('NET-FAILED', `no list from the hub within ${answerMs} ms`)))
    try {
      const response = await fetch(new URL(`${introduce.path}/${introduce.key}/peers`, url), { cache: 'no-store', credentials: 'omit', signal: abort.signal })
      if (!response.ok) throw new NetError('NET-FAILED', `the hub lists nobody: status ${response.status}`)
      return readIds(await readText(response))
    } finally {
      cancelLimit()
    }
  }
}

const readText = async (response: Response): Promise<string> => {
  const decoder = new TextDecoder()
  let [text, bytes] = ['', 0]
  const reader = response.body?.getReader()
  for (let read = await reader?.read(); read?.value !== undefined; read = await reader?.read()) {
    bytes += read.value.length
    if (bytes > listBytesMax) throw new NetError('NET-TOO-LARGE', `the hub's list has more than ${listBytesMax} bytes`)
    text += decoder.decode(read.value, { stream: true })
  }
  return text
}

const readIds = (text: string): readonly string[] => {
  const list: unknown = JSON.parse(text)
  return Array.isArray(list) ? list.filter((id): id is string => typeof id === 'string') : []
}

class PeerjsRegistration implements HubRegistration {
  readonly list: () => Promise<readonly string[]>
  readonly #peer: Peer
  readonly #pipeOver: (connection: DataConnection) => PeerjsPipe
  readonly #opening = new Map<string, PeerjsPipe>()
  #closed = false

  constructor(peer: Peer, events: HubEvents, pipeOver: (connection: DataConnection) => PeerjsPipe, list: () => Promise<readonly string[]>) {
    this.#peer = peer
    this.#pipeOver = pipeOver
    this.list = list
    const lose = (reason: string) => this.#closed || events.lost(reason)
    peer.on('disconnected', () => lose('the connection to the hub is lost'))
    peer.on('close', () => lose('the hub has ended the registration'))
    peer.on('connection', (connection) => events.incoming(pipeOver(connection)))
    peer.on('error', (error) => {
      // The one error that concerns a pipe names it in its text only; a pipe that another one concerns runs out of time.
      const id = /^Could not connect to peer (\S+)$/.exec(error.message)?.[1]
      if (error.type === 'peer-unavailable' && id !== undefined) this.#opening.get(id)?.fail('nobody there')
    })
  }

  open(id: string): HubPipe {
    const pipe = this.#pipeOver(this.#peer.connect(id, { label: 'intro', serialization: 'raw', reliable: true }))
    this.#opening.set(id, pipe)
    return pipe
  }

  close(): void {
    this.#closed = true
    this.#peer.destroy()
  }
}

class PeerjsPipe implements HubPipe {
  readonly id: string
  readonly #connection: DataConnection
  readonly #timers: Timers
  readonly #isForbidden: () => boolean
  #handlers: Parameters<HubPipe['start']>[0] | undefined
  #closed = false

  constructor(connection: DataConnection, timers: Timers, isForbidden: () => boolean) {
    this.id = connection.peer
    this.#connection = connection
    this.#timers = timers
    this.#isForbidden = isForbidden
  }

  start(handlers: Parameters<HubPipe['start']>[0]): void {
    this.#handlers = handlers
    this.#connection.on('open', handlers.opened)
    this.#connection.on('data', (data) => this.#closed || this.#receive(data, handlers.message))
    this.#connection.on('close', () => this.fail('closed by peer'))
    this.#connection.on('error', (error) => this.fail(`${error.type}: ${error.message}`))
  }

  send(bytes: Uint8Array): void {
    if (!this.#closed) Promise.resolve(this.#connection.send(bytes)).catch((error: unknown) => this.fail(String(error)))
  }

  /** `close` of PeerJS loses what is on its way; that of the channel does not, and PeerJS follows it. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    const cancel = this.#timers.after(lingerMs, () => this.#connection.close())
    this.#connection.on('close', cancel)
    if (this.#connection.open) this.#connection.dataChannel.close()
    else this.#connection.close()
  }

  /** PeerJS lets go of it when it closes by itself. */
  trial(): Trial | undefined {
    const connection: RTCPeerConnection | null = this.#connection.peerConnection
    return connection === null ? undefined : readTrial(connection, this.#isForbidden())
  }

  fail(reason: string): void {
    if (this.#closed) return
    this.#closed = true
    this.#handlers?.closed(reason)
    this.#connection.close()
  }

  #receive(data: unknown, message: (bytes: Uint8Array) => void): void {
    if (data instanceof ArrayBuffer) message(new Uint8Array(data))
    else this.fail('violation')
  }
}
