import type { Node, NodeId, Pairing, PairingCode, PairingState } from '../../index.ts'
import { codeOf } from './error-code.ts'

/** What is wrong with a text, while the pairing itself goes on. */
const TEXT_FAULTS = ['PAIR-OTHER', 'PAIR-SHORT', 'PAIR-CHANGED', 'PAIR-NEWER', 'PAIR-SWARM', 'PAIR-STEP', 'PAIR-OLD'] as const
type TextFault = (typeof TEXT_FAULTS)[number]

/** What the screen shows of a pairing. */
export type PairView =
  | { readonly type: 'choose' }
  /** Waits for the other tablet's first code. */
  | { readonly type: 'take' }
  | { readonly type: 'making' | 'connecting' }
  | { readonly type: 'show'; readonly role: 'offer' | 'answer'; readonly text: string; readonly untilMicros: number }
  | { readonly type: 'connected'; readonly peer: NodeId }
  | { readonly type: 'failed'; readonly code: PairingCode }

/** One tablet's side of a pairing, step by step. */
export class PairRun {
  readonly #node: Pick<Node, 'pair'>
  #pairing: Pairing
  #stop: () => void
  #state = $state.raw<PairingState>({ type: 'idle' })
  #takes = $state(false)
  #wrong = $state.raw<TextFault | undefined>()

  constructor(node: Pick<Node, 'pair'>) {
    this.#node = node
    this.#pairing = node.pair()
    this.#stop = this.#follow()
  }

  get view(): PairView {
    const state = this.#state
    switch (state.type) {
      case 'idle': return { type: this.#takes ? 'take' : 'choose' }
      case 'showing': return { ...state, type: 'show' }
      default: return state
    }
  }

  /** The fault of the text that was last taken. */
  get wrong(): TextFault | undefined {
    return this.#wrong
  }

  /** This tablet shows the first code. */
  readonly show = (): void => {
    this.#wrong = undefined
    this.#pairing.offer().catch(this.#refused)
  }

  /** This tablet takes the first code. */
  readonly beginTaking = (): void => {
    this.#takes = true
  }

  /** Takes what was scanned or pasted: the answer to the own code, or else the other tablet's first code. */
  readonly take = (text: string): void => {
    this.#wrong = undefined
    if (this.#state.type === 'idle') return void this.#pairing.answer(text).catch(this.#refused)
    try {
      this.#pairing.accept(text)
    } catch (error) {
      this.#refused(error)
    }
  }

  /** Gives up what is under way; a connection that is open stays. */
  readonly again = (): void => {
    this.close()
    this.#takes = false
    this.#wrong = undefined
    this.#state = { type: 'idle' }
    this.#pairing = this.#node.pair()
    this.#stop = this.#follow()
  }

  readonly close = (): void => {
    this.#stop()
    this.#pairing.close()
  }

  #follow(): () => void {
    return this.#pairing.observe((state) => (this.#state = state))
  }

  /** What ends a pairing is in its state; what is wrong with a text is not. */
  readonly #refused = (error: unknown): void => {
    this.#wrong = TEXT_FAULTS.find((code) => code === codeOf(error))
  }
}
