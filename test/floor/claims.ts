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

/** Present offsets of each tablet, by node id, read from their disks. */
export const offsetsOf = async (tablets: readonly FloorTablet[]): Promise<ReadonlyMap<string, Offsets>> =>
  new Map(await Promise.all(tablets.map(async ({ nodeId, page }) => [nodeId, await presentOf(page())] as const)))

/**
 * Checks chip and Swarm screen of each tablet against the offsets of all, all being at rest.
 *
 * @param cut the tablet that is cut off, and what all held when it was: it and the others know no more of each other than that
 */
export const expectTrueClaims = async (tablets: readonly FloorTablet[], cut?: { readonly nodeId: string; readonly at: ReadonlyMap<string, Offsets> }): Promise<void> => {
  const now = await offsetsOf(tablets)
  for (const { nodeId, page } of tablets) {
    const known = (other: string): Offsets => (cut !== undefined && other !== nodeId && (nodeId === cut.nodeId || other === cut.nodeId) ? cut.at : now).get(other) ?? {}
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

/** Looks again and again, until stopped, whether a tablet says more than is true. `stop` gives what was said too much. */
export const watchClaims = (tablets: readonly FloorTablet[]): { readonly stop: () => Promise<{ readonly rounds: number; readonly lies: readonly string[] }> } => {
  const lies: string[] = []
  let rounds = 0
  let stopped = false
  /** A claim about an earlier moment, compared with a later one: offsets never fall here, so a true claim stays true. */
  const look = async (): Promise<void> => {
    const own = await Promise.all(tablets.map(({ page }) => ownOf(page())))
    await tablets[0]?.page().waitForTimeout(chipLagMs)
    const chips = await Promise.all(tablets.map(({ page }) => chipOf(page())))
    const said = await Promise.all(tablets.map(({ page }) => heldByPeers(page())))
    const now = await offsetsOf(tablets)
    tablets.forEach(({ nodeId }, index) => {
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
