import type { EventKey } from '../core/event-key.ts'
import { parseStreamId, type StreamId } from '../core/ids.ts'
import type { Environment } from '../node/environment.ts'

/** A hint to the other tabs of this profile: what may have changed on disk. Nobody relies on it; all compare with the disk. */
export type Change =
  | { readonly type: 'grown'; readonly streams: readonly StreamId[] }
  | { readonly type: 'identity' }
  | { readonly type: 'renamed' }
  /** Events can be read that were passed over before, none before this one. */
  | { readonly type: 'missed'; readonly earliest: EventKey }
  /** This profile has left the swarm: nothing is to be written any more. */
  | { readonly type: 'left' }

export interface Changes {
  readonly post: (change: Change) => void
  readonly close: () => void
}

/** Posts and hears hints. What a page hears while it is frozen it notes; `heard` gets it on `resume`. */
export const createChanges = (environment: Environment, name: string, heard: (change: Change) => void): Changes => {
  const channel = environment.channel(name)
  const grown = new Set<StreamId>()
  /** All but `grown`, the last of each type. */
  const others = new Map<Change['type'], Change>()
  const deliver = () => {
    if (environment.page.state() === 'frozen') return
    for (const change of others.values()) heard(change)
    others.clear()
    const streams = [...grown]
    grown.clear()
    if (streams.length > 0) heard({ type: 'grown', streams })
  }
  const stopHearing = channel.listen((message) => {
    const change = parseChange(message)
    if (change === undefined) return
    if (change.type === 'grown') for (const stream of change.streams) grown.add(stream)
    else others.set(change.type, change)
    deliver()
  })
  const stopWatching = environment.page.listen(deliver)
  return {
    post: channel.post,
    close: () => {
      stopHearing()
      stopWatching()
      channel.close()
    },
  }
}

/** `undefined` for what another version of the program may have posted. */
const parseChange = (message: unknown): Change | undefined => {
  const { type, streams, earliest } = (typeof message === 'object' && message !== null ? message : {}) as Record<string, unknown>
  switch (type) {
    case 'identity': case 'renamed': case 'left': return { type }
    case 'missed': return parseMissed(earliest)
    case 'grown': return Array.isArray(streams) ? { type, streams: streams.flatMap((text: unknown) => streamIn(text) ?? []) } : undefined
    default: return undefined
  }
}

const parseMissed = (earliest: unknown): Change | undefined => {
  const { lamport, stream: text } = (typeof earliest === 'object' && earliest !== null ? earliest : {}) as Record<string, unknown>
  const stream = streamIn(text)
  return typeof lamport === 'number' && stream !== undefined ? { type: 'missed', earliest: { lamport, stream } } : undefined
}

const streamIn = (text: unknown): StreamId | undefined => (typeof text === 'string' ? parseStreamId(text)?.id : undefined)
