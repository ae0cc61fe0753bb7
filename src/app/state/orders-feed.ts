import { createSubscriber } from 'svelte/reactivity'
import type { Node } from '../../index.ts'
import { type Orders, ordersFold } from '../orders/orders.ts'
import { runFold } from '../orders/runner.ts'

/** What is known of the orders: `reading` until all that is on this tablet is in it. */
export type OrdersNow =
  | { readonly state: 'reading' | 'ready'; readonly orders: Orders }
  | { readonly state: 'failed'; readonly orders: Orders; readonly message: string }

/** The orders of a node as a reactive value. Folded while anything reads `current`; from the beginning when it is read again. */
export class OrdersFeed {
  readonly #node: Node
  readonly #follow: () => void
  #now: OrdersNow = { state: 'reading', orders: ordersFold.initialState }
  #restart: () => void = () => undefined

  constructor(node: Node) {
    this.#node = node
    this.#follow = createSubscriber((changed) => this.#run(changed))
  }

  get current(): OrdersNow {
    this.#follow()
    return this.#now
  }

  /** After a failure: reads the entries again. */
  readonly again = (): void => this.#restart()

  #run(changed: () => void): () => void {
    const tell = (now: OrdersNow): void => {
      this.#now = now
      changed()
    }
    const begin = (): (() => void) =>
      runFold(this.#node, ordersFold, {
        changed: (orders, caughtUp) => tell({ state: caughtUp ? 'ready' : 'reading', orders }),
        failed: (error) => tell({ state: 'failed', orders: this.#now.orders, message: error.message }),
      })
    let stop = begin()
    this.#restart = () => {
      stop()
      tell({ state: 'reading', orders: this.#now.orders })
      stop = begin()
    }
    return () => stop()
  }
}
