import { createSubscriber } from 'svelte/reactivity'
import type { Node, NodeStatus } from '../../index.ts'
import type { Orders } from '../orders/orders.ts'
import { orderSignature } from './order-list.ts'
import { entriesIn } from './safety.ts'

/** Shorter than this it is no news that others are out of reach: a page that was just opened has yet to meet them. */
const CUT_OFF_MIN_MICROS = 10_000_000

/** Whether this tablet has been without any other for so long that a person should know. */
export const isCutOff = (sinceMicros: number | undefined, nowMicros: number): sinceMicros is number =>
  sinceMicros !== undefined && nowMicros - sinceMicros >= CUT_OFF_MIN_MICROS

/** What has come since this tablet met the others again. */
export interface Reunion {
  readonly sinceMicros: number
  /** Entries of others that came in since. */
  readonly entries: number
  /** Orders that are not as they were when the tablets met. */
  readonly changed: ReadonlySet<string>
}

interface Before {
  readonly sinceMicros: number
  readonly foreign: number
  readonly signatureByOrder: ReadonlyMap<string, string>
}

/** Watches for the end of being cut off, where that was long enough to be told. What changed by it stays marked until a person has touched it. */
export class ReunionWatch {
  readonly #node: Pick<Node, 'status' | 'observe'>
  readonly #orders: () => Orders
  readonly #nowMicros: () => number
  readonly #follow: () => void
  #tell: () => void = () => undefined
  #before: Before | undefined

  constructor(node: Pick<Node, 'status' | 'observe'>, orders: () => Orders, nowMicros: () => number) {
    this.#node = node
    this.#orders = orders
    this.#nowMicros = nowMicros
    this.#follow = createSubscriber((changed) => {
      this.#tell = changed
      let sinceMicros = node.status().cutOffSinceMicros
      return node.observe((status) => {
        const isTogether = status.cutOffSinceMicros === undefined
        if (isTogether && isCutOff(sinceMicros, nowMicros())) this.#before = this.#snapshot(status)
        else if (isCutOff(status.cutOffSinceMicros, nowMicros())) this.#before = undefined
        sinceMicros = status.cutOffSinceMicros
        changed()
      })
    })
  }

  get current(): Reunion | undefined {
    this.#follow()
    if (this.#before === undefined) return undefined
    const { sinceMicros, foreign, signatureByOrder } = this.#before
    const entries = Math.max(0, foreignEntries(this.#node.status()) - foreign)
    // What changed without a word of others is this tablet's own work.
    const orders = entries === 0 ? [] : this.#orders().orders
    return { sinceMicros, entries, changed: new Set(orders.filter((order) => signatureByOrder.get(order.id) !== orderSignature(order)).map(({ id }) => id)) }
  }

  /** A person has seen what changed. */
  readonly touch = (): void => {
    this.#before = undefined
    this.#tell()
  }

  #snapshot(status: NodeStatus): Before {
    const { orders } = this.#orders()
    return { sinceMicros: this.#nowMicros(), foreign: foreignEntries(status), signatureByOrder: new Map(orders.map((order) => [order.id, orderSignature(order)])) }
  }
}

const foreignEntries = (status: NodeStatus): number => entriesIn(status.present) - entriesIn(status.own)
