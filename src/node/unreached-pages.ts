import { bytesToHex } from '../core/bytes.ts'
import type { NodeId } from '../core/ids.ts'
import type { Signaling, UnreachedPage } from '../net/signaling.ts'
import type { Unreached } from './node.ts'

export interface UnreachedPagesParts {
  /** Which node that page is, if it is known. */
  readonly nodeOf: (page: string) => NodeId | undefined
  /** Whether there is a good connection to this page or node. */
  readonly linked: (page: string, nodeId: NodeId | undefined) => boolean
  readonly changed: (unreached: readonly Unreached[]) => void
}

/** Pages that are there and are not reached, as the signalings say; who is connected all the same, over another way, is none. */
export class UnreachedPages {
  readonly #parts: UnreachedPagesParts
  readonly #bySignaling = new Map<Signaling, readonly UnreachedPage[]>()
  #told = '[]'

  constructor(parts: UnreachedPagesParts) {
    this.#parts = parts
  }

  heard(signaling: Signaling, pages: readonly UnreachedPage[]): void {
    this.#bySignaling.set(signaling, pages)
    this.look()
  }

  /** A connection may have come, gone, or become worse. */
  look(): void {
    const { nodeOf, linked, changed } = this.#parts
    const byPage = new Map([...this.#bySignaling.values()].flat().map((each) => [bytesToHex(each.peer), each]))
    const unreached = [...byPage].flatMap(([page, { obstacle, sinceMicros }]) => {
      const nodeId = nodeOf(page)
      return linked(page, nodeId) ? [] : [{ nodeId, code: obstacle, sinceMicros }]
    })
    const told = JSON.stringify(unreached)
    if (told === this.#told) return
    this.#told = told
    changed(unreached)
  }
}
