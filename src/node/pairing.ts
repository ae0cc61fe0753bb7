import type { SwarmId } from '../core/ids.ts'
import type { PairingAttempt, PairingConnector, PairingHandlers } from '../net/pairing.ts'
import type { Transport } from '../net/transport.ts'
import type * as Codes from '../protocol/pairing.ts'
import type { PairingSignal } from '../protocol/pairing.ts'
import type { Environment } from './environment.ts'
import { NodeError, type Pairing, type PairingCode, type PairingState } from './node.ts'
import type { SessionPeer } from './replication-events.ts'

/** What comes with the network: how to connect, and what the codes mean. */
export interface PairingTools {
  readonly connector: PairingConnector
  readonly codes: Pick<typeof Codes, 'decodePairing' | 'encodePairing' | 'PAIRING_ATTEMPT_BYTES'>
}

export interface PairingsContext {
  /** `undefined`: no pairing by code. */
  readonly tools: () => Promise<PairingTools | undefined>
  readonly swarm: SwarmId
  readonly environment: Environment
  /** Begins the ordinary session. @returns whether there is somebody to take it: only the tab that leads has connections */
  readonly add: (transport: Transport) => boolean
  /** Whether this tab has the connections. */
  readonly leads: () => boolean
}

/** The pairings under way in this tab. What they open becomes a session like any other: its proofs decide who is there. */
export interface Pairings {
  readonly pair: () => Pairing
  readonly connected: (peer: SessionPeer) => void
  readonly disconnected: (transport: Transport, reason: string) => void
  readonly close: () => void
}

export const createPairings = (context: PairingsContext): Pairings => {
  const all = new Set<CodePairing>()
  return {
    pair: () => {
      const pairing: CodePairing = new CodePairing(context, () => all.delete(pairing))
      all.add(pairing)
      return pairing
    },
    connected: (peer) => all.forEach((pairing) => pairing.connected(peer)),
    disconnected: (transport, reason) => all.forEach((pairing) => pairing.disconnected(transport, reason)),
    close: () => all.forEach((pairing) => pairing.close()),
  }
}

/** One attempt at a time; a new one gives up the one before. */
class CodePairing implements Pairing {
  readonly #context: PairingsContext
  readonly #closed: () => void
  readonly #observers = new Set<(state: PairingState) => void>()
  #state: PairingState = { type: 'idle' }
  #attempt: PairingAttempt | undefined
  /** Names the attempt in both codes. */
  #id: Uint8Array = new Uint8Array(0)
  /** Opened, its proofs awaited. */
  #transport: Transport | undefined
  #described: ((text: string) => void) | undefined
  #failed: ((error: NodeError) => void) | undefined
  #codes: PairingTools['codes'] | undefined
  #isClosed = false

  constructor(context: PairingsContext, closed: () => void) {
    this.#context = context
    this.#closed = closed
  }

  // Functions, not methods: who uses a pairing may pass them on.

  readonly state = (): PairingState => this.#state

  readonly observe = (changed: (state: PairingState) => void): (() => void) => {
    this.#observers.add(changed)
    return () => this.#observers.delete(changed)
  }

  readonly offer = async (): Promise<string> => {
    const { connector, codes } = await this.#tools()
    return this.#begin('offer', this.#context.environment.randomBytes(codes.PAIRING_ATTEMPT_BYTES), (handlers) => connector.offer(handlers))
  }

  readonly answer = async (text: string): Promise<string> => {
    const { connector, codes } = await this.#tools()
    const offer = this.#decode(codes, text, { role: 'offer' })
    return this.#begin('answer', offer.attempt, (handlers) => connector.answer(offer, handlers))
  }

  readonly accept = (text: string): void => {
    if (this.#codes === undefined || this.#state.type !== 'showing' || this.#state.role !== 'offer') throw new NodeError('PAIR-OLD', 'no offer of this tablet waits for an answer: show a new one')
    const answer = this.#decode(this.#codes, text, { role: 'answer', attempt: this.#id })
    this.#set({ type: 'connecting' })
    this.#attempt?.accept(answer)
  }

  readonly close = (): void => {
    this.#isClosed = true
    this.#giveUp()
    this.#observers.clear()
    this.#closed()
  }

  connected(peer: SessionPeer): void {
    if (peer.transport !== this.#transport) return
    this.#transport = undefined
    this.#set({ type: 'connected', peer: peer.nodeId })
  }

  disconnected(transport: Transport, reason: string): void {
    if (transport === this.#transport) this.#fail('PAIR-REFUSED', `the session ended: ${reason}`)
  }

  async #tools(): Promise<PairingTools> {
    const tools = this.#context.leads() ? await this.#context.tools() : undefined
    if (this.#isClosed) throw new NodeError('PAIR-LATE', 'closed meanwhile')
    if (tools === undefined) {
      const detail = 'this tab does not have the connections'
      this.#fail('PAIR-TAB', detail)
      throw new NodeError('PAIR-TAB', detail)
    }
    this.#codes = tools.codes
    return tools
  }

  #decode(codes: PairingTools['codes'], text: string, expected: { readonly role: PairingSignal['role']; readonly attempt?: Uint8Array }): PairingSignal {
    const decoded = codes.decodePairing(text, { swarm: this.#context.swarm, ...expected })
    if (!decoded.ok) throw new NodeError(decoded.error, `this is not the ${expected.role} that is expected`)
    return decoded.value
  }

  #begin(role: PairingSignal['role'], id: Uint8Array, begin: (handlers: PairingHandlers) => PairingAttempt): Promise<string> {
    this.#giveUp()
    return new Promise((resolve, reject) => {
      this.#described = resolve
      this.#failed = reject
      this.#id = id
      this.#set({ type: 'making', role })
      this.#attempt = begin(this.#handlers(role))
    })
  }

  #handlers(role: PairingSignal['role']): PairingHandlers {
    const { swarm, environment } = this.#context
    return {
      described: (own, waitMs) => {
        const text = this.#codes?.encodePairing({ role, swarm, attempt: this.#id, ...own }) ?? ''
        this.#set({ type: 'showing', role, text, untilMicros: environment.nowMicros() + waitMs * 1000 })
        this.#described?.(text)
      },
      opened: (transport) => this.#opened(transport),
      failed: (code, detail) => this.#fail(code, detail),
    }
  }

  #opened(transport: Transport): void {
    this.#attempt = undefined
    this.#transport = transport
    this.#set({ type: 'connecting' })
    if (this.#context.add(transport)) return
    transport.close('closed')
    this.#fail('PAIR-TAB', 'another tab has the connections now')
  }

  #fail(code: PairingCode, detail: string): void {
    this.#attempt = undefined
    this.#transport = undefined
    this.#set({ type: 'failed', code, detail })
    this.#failed?.(new NodeError(code, detail))
  }

  /** A connection that is open already is left to its session. */
  #giveUp(): void {
    this.#attempt?.cancel()
    this.#attempt = undefined
    this.#transport = undefined
    this.#failed?.(new NodeError('PAIR-LATE', 'given up for another attempt'))
    this.#set({ type: 'idle' })
  }

  #set(state: PairingState): void {
    this.#state = state
    for (const observer of [...this.#observers]) observer(state)
  }
}
