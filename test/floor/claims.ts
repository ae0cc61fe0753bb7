import type { Page } from 'playwright-core'
import { expect } from 'vitest'
import { chipOf, copiesShown, heldByPeers, ownOf, type Offsets, presentOf } from './tablet-page.ts'

/** What the tablets of a floor say about who holds what, against what they hold. */

export interface FloorTablet {
  readonly nodeId: string
  /** Changes with a reload of the browser, hence asked for. */
  readonly page: () => Page
}

const stream = (nodeId: string): string => `${nodeId}-0`
const heldOf = (offsets: Offsets, owner: string): number => (offsets[stream(owner)] ?? -1) + 1

/** What tablets hold, by node id. */
export type Holdings = ReadonlyMap<string, Offsets>

/** Present offsets of each tablet, read from their disks. */
export const offsetsOf = async (tablets: readonly FloorTablet[]): Promise<Holdings> =>
  new Map(await Promise.all(tablets.map(async ({ nodeId, page }) => [nodeId, await presentOf(page())] as const)))

/** Tablets that do not reach each other, and what all held when that began: two of them that are apart know no more of each other than that. */
export interface Cut {
  readonly apart: (nodeId: string, other: string) => boolean
  readonly at: Holdings
}

/** One tablet that reaches no other. */
export const cutOff = (nodeId: string, at: Holdings): Cut => ({ at, apart: (one, other) => one !== other && (one === nodeId || other === nodeId) })

/**
 * Checks chip and Swarm screen of each tablet against the offsets of all, all being at rest.
 *
 * @param still what those hold that stand still and cannot be asked
 */
export const expectTrueClaims = async (tablets: readonly FloorTablet[], cut?: Cut, still: Holdings = new Map()): Promise<void> => {
  const asked = tablets.filter(({ nodeId }) => !still.has(nodeId))
  const now = new Map([...still, ...(await offsetsOf(asked))])
  for (const { nodeId, page } of asked) {
    const known = (other: string): Offsets => (cut?.apart(nodeId, other) === true ? cut.at : now).get(other) ?? {}
    const own = heldOf(known(nodeId), nodeId)
    const others = tablets.filter((other) => other.nodeId !== nodeId).map((other) => heldOf(known(other.nodeId), nodeId))
    const chip = await chipOf(page())
    expect({ copies: chip.copies, onlyHere: chip.onlyHere }).toEqual({ copies: 1 + others.filter((held) => held >= own).length, onlyHere: Math.max(0, own - Math.max(...others)) })
    const matrix = Object.fromEntries(tablets.map((holder) => [holder.nodeId, Object.fromEntries(tablets.map((owner) => [owner.nodeId, heldOf(known(holder.nodeId), owner.nodeId)]))]))
    expect(await copiesShown(page())).toEqual(matrix)
  }
}

/** Long enough for the chip to have shown what the node knew before it. */
const chipLagMs = 400

/** Looks again and again, until stopped, whether a tablet says more than is true. `stop` gives what was said too much. `still`: what those hold that stand still and cannot be asked. */
export const watchClaims = (tablets: readonly FloorTablet[], still: Holdings = new Map()): { readonly stop: () => Promise<{ readonly rounds: number; readonly lies: readonly string[] }> } => {
  const lies: string[] = []
  let rounds = 0
  let stopped = false
  const asked = tablets.filter(({ nodeId }) => !still.has(nodeId))
  /** A claim about an earlier moment, compared with a later one: offsets never fall here, so a true claim stays true. */
  const look = async (): Promise<void> => {
    const own = await Promise.all(asked.map(({ page }) => ownOf(page())))
    await asked[0]?.page().waitForTimeout(chipLagMs)
    const chips = await Promise.all(asked.map(({ page }) => chipOf(page())))
    const said = await Promise.all(asked.map(({ page }) => heldByPeers(page())))
    const now = new Map([...still, ...(await offsetsOf(asked))])
    asked.forEach(({ nodeId }, index) => {
      const wanted = heldOf(own[index] ?? {}, nodeId)
      const copies = 1 + tablets.filter((other) => other.nodeId !== nodeId && heldOf(now.get(other.nodeId) ?? {}, nodeId) >= wanted).length
      if ((chips[index]?.copies ?? 0) > copies) lies.push(`${nodeId} showed ${chips[index]?.copies} copies of ${wanted}, there were ${copies}`)
      for (const [peer, holds] of Object.entries(said[index] ?? {})) {
        for (const [name, last] of Object.entries(holds)) {
          const held = now.get(peer)?.[name] ?? -1
          if (last > held) lies.push(`${nodeId} says ${peer} holds ${name} up to ${last}, it holds ${held}`)
        }
      }
    })
    rounds += 1
  }
  const running = (async () => {
    while (!stopped) await look()
  })()
  return {
    stop: async () => {
      stopped = true
      await running
      return { rounds, lies }
    },
  }
}
