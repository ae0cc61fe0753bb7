import { includesAll, lastOf, merge, offsetsOf, type OffsetMap } from '../core/offset-map.ts'
import type { StreamId } from '../core/ids.ts'
import type { Node, NodeStatus } from '../node/node.ts'

/** How far one stream is: offsets of its last event, -1 for none. `min`: at the beginning, `current`: here now, `max`: what another node was found to hold. */
export interface StreamProgress {
  readonly stream: StreamId
  readonly min: number
  readonly current: number
  readonly max: number
}

export type SplashState =
  /** Waiting for so many other nodes. */
  | { readonly mode: 'discovery'; readonly sources: number; readonly minSources: number }
  /** Getting what they had when that ended. */
  | { readonly mode: 'sync'; readonly sources: number; readonly events: { readonly min: number; readonly current: number; readonly max: number }; readonly streams: readonly StreamProgress[] }

export interface SwarmSyncOptions {
  /** For other nodes at most so long. Default: 10,000. */
  readonly waitForSwarmMs?: number
  /** Other nodes that have said what they hold. Default: 1. */
  readonly minSources?: number
  /** For what they hold at most so long. Default: without end. */
  readonly waitForSyncMs?: number
  readonly onProgress?: (state: SplashState) => void
}

/** `complete`: all that was known to be missing is here. `alone`: no other node was found in time. */
export type SwarmSyncResult = 'complete' | 'alone' | 'timed out' | 'skipped'

export interface SwarmSync {
  readonly done: Promise<SwarmSyncResult>
  /** Goes on at once. */
  readonly skip: () => void
}

const sourcesOf = ({ peers }: NodeStatus) => peers.filter(({ state, heardMicros }) => state === 'connected' && heardMicros !== undefined)

const events = (offsets: OffsetMap, streams: OffsetMap): number => offsetsOf(streams).reduce((sum, [stream]) => sum + lastOf(offsets, stream) + 1, 0)

export const waitForSwarmSync = (node: Node, after: (delayMs: number, call: () => void) => () => void, options: SwarmSyncOptions = {}): SwarmSync => {
  const { waitForSwarmMs = 10_000, minSources = 1, waitForSyncMs, onProgress = () => undefined } = options
  let finish: (result: SwarmSyncResult) => void = () => undefined
  const done = new Promise<SwarmSyncResult>((resolve) => (finish = resolve))
  let target: OffsetMap | undefined
  const before = node.status().present
  let cancelTimer: () => void = () => undefined
  let isOver = false

  const end = (result: SwarmSyncResult): void => {
    if (isOver) return
    isOver = true
    cancelTimer()
    unobserve()
    finish(result)
  }
  const begin = (sources: ReturnType<typeof sourcesOf>): void => {
    cancelTimer()
    target = sources.reduce<OffsetMap>((sum, { holds }) => merge(sum, holds), {})
    if (waitForSyncMs !== undefined) cancelTimer = after(waitForSyncMs, () => end('timed out'))
  }
  const look = (status: NodeStatus): void => {
    const sources = sourcesOf(status)
    if (target === undefined && sources.length >= minSources) begin(sources)
    if (target === undefined) return onProgress({ mode: 'discovery', sources: sources.length, minSources })
    const { present } = status
    const streams = offsetsOf(target).map(([stream, max]) => ({ stream, min: lastOf(before, stream), current: Math.min(lastOf(present, stream), max), max }))
    onProgress({ mode: 'sync', sources: sources.length, events: { min: events(before, target), current: streams.reduce((sum, { current }) => sum + current + 1, 0), max: events(target, target) }, streams })
    if (includesAll(present, target)) end('complete')
  }
  const unobserve = node.observe(look)
  cancelTimer = after(waitForSwarmMs, () => {
    const sources = sourcesOf(node.status())
    if (sources.length === 0) return end('alone')
    begin(sources)
    look(node.status())
  })
  // Not within this call: who is told may want to use what it gives.
  queueMicrotask(() => {
    if (!isOver) look(node.status())
  })
  return { done, skip: () => end('skipped') }
}
