import { streamIdToNodeId, type NodeId, type Offset, type StreamId } from '../core/ids.ts'
import type { OwnNodeIds } from '../core/event.ts'
import { merge, type OffsetMap } from '../core/offset-map.ts'
import type { Environment } from './environment.ts'
import type { NodeStatus, Notice } from './node.ts'

const tellEveryMs = 100
const noticesMax = 100

/** What is known of this node, and who wants to know of changes. */
export interface StatusBoard {
  readonly status: () => NodeStatus
  readonly set: (change: Partial<NodeStatus>) => void
  /** Offsets that are on disk; what belongs to `ownIds` is own. */
  readonly setPresent: (present: OffsetMap, ownIds: OwnNodeIds) => void
  readonly note: (code: string, about: StreamId | NodeId | undefined, text: string) => void
  readonly addNotice: (notice: Notice) => void
  readonly observe: (changed: (status: NodeStatus) => void) => () => void
  readonly close: () => void
}

export const createStatusBoard = (environment: Environment, first: Pick<NodeStatus, 'nodeId' | 'name'>): StatusBoard => {
  let status: NodeStatus = { ...emptyStatus, ...first, startedMicros: environment.nowMicros() }
  const observers = new Set<(status: NodeStatus) => void>()
  let toldMs = -tellEveryMs
  let cancel: (() => void) | undefined
  const tell = () => {
    cancel = undefined
    toldMs = environment.monotonicMs()
    for (const changed of observers) changed(status)
  }
  const set = (change: Partial<NodeStatus>) => {
    status = { ...status, ...change }
    cancel ??= environment.after(Math.max(0, toldMs + tellEveryMs - environment.monotonicMs()), tell)
  }
  const addNotice = (notice: Notice) => {
    const last = status.notices.at(-1)
    const repeats = last !== undefined && last.code === notice.code && last.about === notice.about && last.text === notice.text
    const notices = repeats ? [...status.notices.slice(0, -1), { ...notice, times: (last.times ?? 1) + 1 }] : [...status.notices, notice]
    set({ notices: notices.slice(-noticesMax) })
  }
  return {
    status: () => status,
    set,
    setPresent: (present, ownIds) => set({ present, own: ownOf(present, ownIds) }),
    note: (code, about, text) => addNotice({ code, atMicros: environment.nowMicros(), about, text }),
    addNotice,
    observe: (changed) => {
      observers.add(changed)
      return () => observers.delete(changed)
    },
    close: () => {
      cancel?.()
      if (cancel !== undefined) tell()
      observers.clear()
    },
  }
}

const emptyStatus: Omit<NodeStatus, 'nodeId' | 'name' | 'startedMicros'> = {
  leader: false,
  own: {},
  present: {},
  peers: [],
  hubs: [],
  unreached: [],
  online: true,
  cutOffSinceMicros: undefined,
  returnAllowed: undefined,
  storage: { usedBytes: undefined, quotaBytes: undefined, persistent: undefined },
  storeFailure: undefined,
  forks: [],
  notices: [],
}

const ownOf = (present: OffsetMap, ownIds: OwnNodeIds): OffsetMap =>
  Object.fromEntries((Object.entries(present) as [StreamId, Offset][]).filter(([stream]) => ownIds.has(streamIdToNodeId(stream))))

/** Heads as highest offsets. */
export const presentOf = (heads: ReadonlyMap<StreamId, { readonly next: Offset }>): OffsetMap =>
  Object.fromEntries([...heads].map(([stream, { next }]) => [stream, next - 1]))

/** `present` with the own stream at `last`: what a publish that was just stored adds. */
export const withLast = (present: OffsetMap, stream: StreamId, last: Offset): OffsetMap => merge(present, { [stream]: last })
