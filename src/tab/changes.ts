import { parseStreamId, type StreamId } from '../core/ids.ts'
import type { Environment } from '../node/environment.ts'

/** A hint to the other tabs of this profile: what may have changed on disk. Nobody relies on it; all compare with the disk. */
export type Change =
  | { readonly type: 'grown'; readonly streams: readonly StreamId[] }
  | { readonly type: 'identity' }

export interface Changes {
  readonly post: (change: Change) => void
  readonly close: () => void
}

/** Posts and hears hints. What a page hears while it is frozen it notes; `heard` gets it on `resume`. */
export const createChanges = (environment: Environment, name: string, heard: (change: Change) => void): Changes => {
  const channel = environment.channel(name)
  const grown = new Set<StreamId>()
  let identity = false
  const deliver = () => {
    if (environment.page.state() === 'frozen') return
    if (identity) heard({ type: 'identity' })
    identity = false
    const streams = [...grown]
    grown.clear()
    if (streams.length > 0) heard({ type: 'grown', streams })
  }
  const stopHearing = channel.listen((message) => {
    const change = parseChange(message)
    if (change === undefined) return
    if (change.type === 'identity') identity = true
    else for (const stream of change.streams) grown.add(stream)
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
  if (typeof message !== 'object' || message === null || !('type' in message)) return undefined
  if (message.type === 'identity') return { type: 'identity' }
  if (message.type !== 'grown' || !('streams' in message) || !Array.isArray(message.streams)) return undefined
  const streams = message.streams.map((text: unknown) => (typeof text === 'string' ? parseStreamId(text)?.id : undefined))
  return { type: 'grown', streams: streams.filter((stream) => stream !== undefined) }
}
