import { compareEventKeys, type EventKey } from '../core/event-key.ts'
import type { Event, Meta } from '../core/event.ts'
import type { Where } from '../core/where.ts'
import type { Node } from '../node/node.ts'
import type { Fish } from './fish.ts'
import { FishError } from './fish-error.ts'

interface Parts {
  readonly node: Node
  readonly observe: <S, E>(fish: Fish<S, E>, callback: (state: S) => void, stoppedByError: (error: FishError) => void) => () => void
}

const seedsId = { entityType: 'millpond.seeds', name: '', version: 1 }

/** Why a fish could not be made of a seed, or seeds could not be read. */
export const seedFault = (cause: unknown, event?: Meta): FishError =>
  cause instanceof FishError ? cause : new FishError(event === undefined ? 'FISH-READ' : 'FISH-THREW', String(cause), { fishId: seedsId, ...(event && { event }), cause })

/** Follows the first event by order; an earlier one that comes late takes its place, so that all nodes end with the same fish. */
export const observeOne = <Seed, S, E>({ node, observe }: Parts, seeds: Where, makeFish: (seed: Seed, meta: Meta) => Fish<S, E>, callback: (state: S) => void, stopped: (error: FishError) => void): (() => void) => {
  let first: EventKey | undefined
  let unobserve: () => void = () => undefined
  const end = (error?: FishError): void => {
    unsubscribe()
    unobserve()
    if (error !== undefined) stopped(error)
  }
  const take = ({ meta, payload }: Event): void => {
    unobserve()
    first = meta
    try {
      unobserve = observe(makeFish(payload as Seed, meta), callback, end)
    } catch (cause) {
      end(seedFault(cause, meta))
    }
  }
  const unsubscribe = node.subscribe(
    { where: seeds },
    {
      events: (chunk) => {
        const [earliest] = chunk
        if (earliest !== undefined && (first === undefined || compareEventKeys(earliest.meta, first) < 0)) take(earliest)
      },
      // Only where what was given is no longer held.
      timeTravel: () => (first = undefined),
      failed: (cause) => end(seedFault(cause)),
    },
    'deliver',
  )
  return () => end()
}
