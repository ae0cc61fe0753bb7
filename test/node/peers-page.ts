import { bytesToHex, hexToBytes } from '../../src/core/bytes.ts'
import { parseNodeId, publicKeyToNodeId, type NodeId } from '../../src/core/ids.ts'
import type { Signaling, SignalingState } from '../../src/net/signaling.ts'
import type { Connector, Transport } from '../../src/net/transport.ts'
import type { NodeCrypto, Swarm } from '../../src/node/crypto.ts'
import type { Environment } from '../../src/node/environment.ts'
import type { Notice, Unreached } from '../../src/node/node.ts'
import { createPeers, type Peers, type PeerState } from '../../src/node/peers.ts'
import type { SessionPeer } from '../../src/node/replication-events.ts'

export interface TestIdentity {
  readonly nodeId: NodeId
  readonly publicKey: Uint8Array
  readonly privateKey: CryptoKey
}

export interface PageDevices {
  readonly environment: Environment
  readonly crypto: NodeCrypto
  readonly swarm: Swarm
  readonly introductionId: Uint8Array
  readonly connector: Connector
  readonly signaling: Signaling
}

export interface PageOptions {
  readonly connector?: Connector
  /** Its sessions never say who they are. */
  readonly isMute?: boolean
  /** It does not carry out what it decides on duplicates. */
  readonly keepsAll?: boolean
  readonly introductionId?: Uint8Array
}

export interface PeersPage {
  readonly name: string
  readonly nodeId: NodeId
  readonly introductionId: Uint8Array
  readonly peers: Peers
  /** Authenticated connections by order of authentication. */
  readonly connections: () => readonly SessionPeer[]
  readonly isConnectedWith: (page: PeersPage) => boolean
  readonly stateOf: (page: PeersPage) => PeerState
  /** What happened to connections, with the time. */
  readonly log: readonly { readonly atMs: number; readonly what: string; readonly transport: Transport }[]
  readonly states: readonly (readonly [NodeId, PeerState])[]
  readonly hubStates: readonly SignalingState[]
  readonly notices: readonly Notice[]
  readonly unreached: () => readonly Unreached[]
  readonly say: (page: 'visible' | 'hidden') => void
  /** Takes over a transport, as replication would. */
  readonly add: (transport: Transport) => void
}

const PKCS8 = '302e020100300506032b657004220420'

export const identityOf = async (seed: Uint8Array): Promise<TestIdentity> => {
  const pkcs8 = Uint8Array.from(hexToBytes(PKCS8 + bytesToHex(seed)) ?? [])
  const extractable = await crypto.subtle.importKey('pkcs8', pkcs8, 'Ed25519', true, ['sign'])
  const { x } = await crypto.subtle.exportKey('jwk', extractable)
  const publicKey = Uint8Array.from(atob((x ?? '').replaceAll('-', '+').replaceAll('_', '/')), (character) => character.charCodeAt(0))
  return { nodeId: publicKeyToNodeId(publicKey), publicKey, privateKey: await crypto.subtle.importKey('pkcs8', pkcs8, 'Ed25519', false, ['sign']) }
}

/** A page that is only its supervisor of connections: a session here says who it is, and every 2 s that it lives. */
export const openPeersPage = (devices: PageDevices, name: string, identity: TestIdentity, options: PageOptions = {}): PeersPage => {
  const { environment, crypto, swarm, introductionId } = devices
  const sessions = new Map<Transport, TestSession>()
  const log: PeersPage['log'][number][] = []
  const states: (readonly [NodeId, PeerState])[] = []
  const hubStates: SignalingState[] = []
  const notices: Notice[] = []
  let unreached: readonly Unreached[] = []
  const note = (what: string, transport: Transport) => log.push({ atMs: environment.monotonicMs(), what, transport })
  const add = (transport: Transport) => {
    note('opened', transport)
    const session = new TestSession(transport, environment, {
      hello: options.isMute === true ? undefined : { nodeId: identity.nodeId, introductionId },
      connected: (peer) => {
        note('connected', transport)
        peers.connected(peer)
      },
      changed: (peer) => peers.changed(peer),
      ended: (nodeId, reason) => {
        sessions.delete(transport)
        note(`ended: ${reason}`, transport)
        peers.disconnected(transport, nodeId, reason)
      },
    })
    sessions.set(transport, session)
  }
  const peers: Peers = createPeers(
    { crypto, environment, connector: options.connector ?? devices.connector, signalings: [['hub', devices.signaling]] },
    { swarm, nodeId: identity.nodeId, signer: crypto.signer(identity), introductionId },
    {
      opened: add,
      end: (transport, reason) => {
        if (options.keepsAll === true && reason === 'replaced') return
        note(`end: ${reason}`, transport)
        sessions.get(transport)?.end(reason)
      },
      peerState: (nodeId, state) => states.push([nodeId, state]),
      hubState: (_url, state) => hubStates.push(state),
      notice: (notice) => notices.push(notice),
      unreached: (now) => {
        unreached = now
      },
    },
  )
  const connections = () => [...sessions.values()].flatMap(({ peer }) => (peer === undefined ? [] : [peer]))
  return {
    name, nodeId: identity.nodeId, introductionId, peers, connections, log, states, hubStates, notices, add,
    unreached: () => unreached,
    isConnectedWith: (page) => connections().some(({ nodeId }) => nodeId === page.nodeId),
    stateOf: (page) => states.findLast(([nodeId]) => nodeId === page.nodeId)?.[1] ?? 'gone',
    say: (page) => sessions.forEach((session) => session.say(page)),
  }
}

export const areConnected = (...pages: readonly PeersPage[]): boolean =>
  pages.every((a) => pages.every((b) => a === b || (a.isConnectedWith(b) && a.stateOf(b) === 'connected')))

interface SessionEvents {
  readonly hello: { readonly nodeId: NodeId; readonly introductionId: Uint8Array } | undefined
  readonly connected: (peer: SessionPeer) => void
  readonly changed: (peer: SessionPeer) => void
  readonly ended: (nodeId: NodeId | undefined, reason: string) => void
}

/** First a text with node id and introduction id, then `visible` or `hidden` every 2 s, at the end `bye` and a reason. */
class TestSession {
  readonly #transport: Transport
  readonly #environment: Environment
  readonly #events: SessionEvents
  #page: 'visible' | 'hidden' = 'visible'
  #ended = false
  peer: SessionPeer | undefined

  constructor(transport: Transport, environment: Environment, events: SessionEvents) {
    this.#transport = transport
    this.#environment = environment
    this.#events = events
    // As a session does it: not from within the call that hands the transport over.
    queueMicrotask(() => {
      transport.start({ message: (bytes) => this.#hear(new TextDecoder().decode(bytes)), heard: () => undefined, drained: () => undefined, closed: (reason) => this.#close(reason) })
      if (events.hello !== undefined) this.#send(`${events.hello.nodeId} ${bytesToHex(events.hello.introductionId)}`)
      this.#live()
    })
  }

  end(reason: string): void {
    this.#send(`bye ${reason}`)
    this.#transport.close(reason)
    this.#close(reason)
  }

  say(page: 'visible' | 'hidden'): void {
    this.#page = page
    this.#send(page)
  }

  #live(): void {
    if (this.#ended) return
    if (this.peer !== undefined) this.#send(this.#page)
    this.#environment.after(2000, () => this.#live())
  }

  #send(text: string): void {
    if (!this.#ended) this.#transport.send(new TextEncoder().encode(text))
  }

  #hear(text: string): void {
    if (this.#ended) return
    const lastHeardMs = this.#environment.monotonicMs()
    const [first = '', second = ''] = text.split(' ')
    if (first === 'bye') {
      this.#transport.close('closed')
      return this.#close(second)
    }
    const nodeId = parseNodeId(first)
    if (nodeId !== undefined) {
      this.peer = {
        transport: this.#transport, nodeId, introductionId: hexToBytes(second) ?? new Uint8Array(16), name: '', hubs: [], page: 'visible',
        roundTripMs: undefined, clockSkewMs: undefined, holds: undefined, saidMicros: undefined, lastHeardMs,
      }
      this.#events.connected(this.peer)
    } else if (this.peer !== undefined && (first === 'visible' || first === 'hidden')) {
      this.peer = { ...this.peer, page: first, lastHeardMs }
      this.#events.changed(this.peer)
    }
  }

  #close(reason: string): void {
    if (this.#ended) return
    this.#ended = true
    this.#events.ended(this.peer?.nodeId, reason)
  }
}
