import { compareEventKeys, type EventKey } from '../core/event-key.ts'
import type { Event, Meta } from '../core/event.ts'
import type { Where } from '../core/where.ts'
import type { Node } from '../node/node.ts'
import { fishIdToText, type Fish } from './fish.ts'
import type { FishError } from './fish-error.ts'
import { seedFault } from './observe-one.ts'

export interface ObserveAllOptions {
  /** A fish leaves when its latest seed, by the clock of who recorded it, is older than this. Default: it stays. */
  readonly expireAfterSeedMs?: number
}

interface Parts {
  readonly node: Node
  readonly observe: <S, E>(fish: Fish<S, E>, callback: (state: S) => void, stoppedByError: (error: FishError) => void) => () => void
  readonly after: (delayMs: number, call: () => void) => () => void
  readonly nowMs: () => number
}

/** One fish of the set. `first` gives its place, `latestMs` its end. */
interface Member<S> {
  first: EventKey
  latestMs: number
  told: { readonly state: S } | undefined
  unobserve: () => void
}

/** The states are told together, once all that is present has been read and each fish has one. */
export const observeAll = <Seed, S, E>(parts: Parts, seeds: Where, makeFish: (seed: Seed, meta: Meta) => Fish<S, E> | undefined, options: ObserveAllOptions, callback: (states: readonly S[]) => void, stopped: (error: FishError) => void): (() => void) => {
  const { expireAfterSeedMs } = options
  const { nowMs } = parts
  const members = new Map<string, Member<S>>()
  let isCaughtUp = false
  let isTelling = false
  let cancelExpiry: () => void = () => undefined
  let isOver = false

  const tell = (): void => {
    if (isTelling || isOver) return
    isTelling = true
    queueMicrotask(() => {
      isTelling = false
      const sorted = [...members.values()].sort((a, b) => compareEventKeys(a.first, b.first))
      if (!isOver && isCaughtUp && sorted.every(({ told }) => told !== undefined)) callback(sorted.flatMap(({ told }) => (told === undefined ? [] : [told.state])))
    })
  }

  const leave = (key: string): void => {
    members.get(key)?.unobserve()
    members.delete(key)
    tell()
  }

  const expire = (): void => {
    cancelExpiry()
    if (expireAfterSeedMs === undefined) return
    const limitMs = nowMs() - expireAfterSeedMs
    for (const [key, { latestMs }] of [...members]) if (latestMs < limitMs) leave(key)
    if (members.size === 0) return
    const nextMs = Math.min(...[...members.values()].map(({ latestMs }) => latestMs)) - limitMs
    cancelExpiry = parts.after(Math.min(nextMs + 1, 0x7fff_ffff), expire)
  }

  const join = (fish: Fish<S, E>, key: string, first: EventKey, latestMs: number): void => {
    const member: Member<S> = { first, latestMs, told: undefined, unobserve: () => undefined }
    members.set(key, member)
    member.unobserve = parts.observe(
      fish,
      (state) => {
        member.told = { state }
        tell()
      },
      (error) => {
        leave(key)
        stopped(error)
      },
    )
  }

  const take = ({ meta, payload }: Event): void => {
    const ms = meta.timestampMicros / 1000
    if (expireAfterSeedMs !== undefined && ms < nowMs() - expireAfterSeedMs) return
    const fish = makeFish(payload as Seed, meta)
    if (fish === undefined) return
    const key = fishIdToText(fish.fishId)
    const member = members.get(key)
    if (member === undefined) return join(fish, key, meta, ms)
    member.latestMs = Math.max(member.latestMs, ms)
    if (compareEventKeys(meta, member.first) < 0) member.first = meta
  }

  const end = (error?: FishError): void => {
    if (isOver) return
    isOver = true
    unsubscribe()
    cancelExpiry()
    for (const { unobserve } of members.values()) unobserve()
    members.clear()
    if (error !== undefined) stopped(error)
  }

  const minMicros = expireAfterSeedMs === undefined ? undefined : (nowMs() - expireAfterSeedMs) * 1000
  const where = minMicros === undefined ? seeds : seeds.map((each) => ({ ...each, minMicros: Math.max(minMicros, each.minMicros ?? minMicros) }))
  const unsubscribe = parts.node.subscribe(
    { where },
    {
      events: (chunk, caughtUp) => {
        for (const event of chunk) {
          if (isOver) return
          try {
            take(event)
          } catch (cause) {
            return end(seedFault(cause, event.meta))
          }
        }
        isCaughtUp ||= caughtUp
        expire()
        tell()
      },
      // Only where what was given is no longer held: all are found again.
      timeTravel: () => {
        isCaughtUp = false
        for (const key of [...members.keys()]) leave(key)
      },
      failed: (cause) => end(seedFault(cause)),
    },
    'deliver',
  )
  return () => end()
}
