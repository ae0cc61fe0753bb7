import { assert } from '../core/assert.ts'
import type { NodeId } from '../core/ids.ts'
import { utf8Length } from '../core/utf8.ts'
import { CHANNEL_BYTES_MAX, LAYER_BYTES_MAX } from '../protocol/limits.ts'
import type { LocalBytes } from '../store/event-store.ts'
import type { Channel, Local } from './node.ts'

type Heard = (peer: NodeId, bytes: Uint8Array) => void

/** The two ports for the layers above: bytes kept here, and messages to and from peers. */
export interface Layers {
  readonly local: (layer: string) => Local
  readonly channel: (name: string) => Channel
  /** A message of a peer. @returns whether a layer listens to that channel */
  readonly deliver: (channel: string, peer: NodeId, bytes: Uint8Array) => boolean
}

/** @param send gives a message to a connected peer, and says whether it could */
export const createLayers = (bytes: LocalBytes, send: (channel: string, peer: NodeId, bytes: Uint8Array) => boolean): Layers => {
  const listeners = new Map<string, Set<Heard>>()
  return {
    local: (layer) => ({
      get: (key) => bytes.get(layer, key),
      put: (entries) => bytes.put(layer, entries),
      delete: (keys) => bytes.delete(layer, keys),
      range: (from, to) => bytes.range(layer, from, to),
    }),
    channel: (name) => {
      assert(name !== '' && utf8Length(name) <= CHANNEL_BYTES_MAX, `a channel name has 1 to ${CHANNEL_BYTES_MAX} bytes`)
      return {
        send: (peer, message) => {
          assert(message.length <= LAYER_BYTES_MAX, `a message of a layer has at most ${LAYER_BYTES_MAX} bytes`)
          return send(name, peer, message)
        },
        listen: (heard) => {
          const own = listeners.get(name) ?? new Set()
          listeners.set(name, own.add(heard))
          return () => {
            own.delete(heard)
            if (own.size === 0) listeners.delete(name)
          }
        },
      }
    },
    deliver: (channel, peer, message) => {
      const heard = listeners.get(channel)
      if (heard === undefined) return false
      for (const one of heard) one(peer, message)
      return true
    },
  }
}
