import { addFrame, noPartial, type PartialMessage } from '../../../src/protocol/frame.ts'
import { decodeMessage } from '../../../src/protocol/codec.ts'
import { decodeHeader } from '../../../src/stream/header.ts'
import { floorNode, heldEvents } from './floor.ts'
import { logEvents } from './log.ts'

const sent = { messages: 0, bytes: 0, events: 0 }
let bufferedMax = 0

/** Counts all that this page's data channels send from now on, and how many events, with copies, are in it. */
export const countTraffic = (): void => {
  const partials = new WeakMap<RTCDataChannel, PartialMessage>()
  const send = Object.getOwnPropertyDescriptor(RTCDataChannel.prototype, 'send')?.value as (this: RTCDataChannel, data: ArrayBufferView<ArrayBuffer>) => void
  RTCDataChannel.prototype.send = function (this: RTCDataChannel, data: ArrayBufferView<ArrayBuffer>) {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    sent.messages++
    sent.bytes += bytes.length
    const added = addFrame(partials.get(this) ?? noPartial, bytes.slice())
    if (added.ok) {
      partials.set(this, added.value.partial)
      sent.events += added.value.message === undefined ? 0 : eventsIn(added.value.message)
    }
    send.call(this, data)
    bufferedMax = Math.max(bufferedMax, this.bufferedAmount)
  } as typeof RTCDataChannel.prototype.send
}

const eventsIn = (bytes: Uint8Array): number => {
  const message = decodeMessage(bytes)
  if (!message.ok || message.value.type !== 'segment') return 0
  const header = decodeHeader(message.value.header)
  return header.ok ? header.value.first + header.value.events - message.value.from : 0
}

/** What was counted since the last call. */
export const traffic = (): { readonly messages: number; readonly bytes: number; readonly events: number; readonly bufferedMax: number } => {
  const counted = { ...sent, bufferedMax }
  Object.assign(sent, { messages: 0, bytes: 0, events: 0 })
  bufferedMax = 0
  return counted
}

export const connectedPeers = (): number => floorNode().status().peers.filter(({ state }) => state === 'connected').length

/** Publishes one event each so many milliseconds. @returns how many events were held here after each second */
export const publishEvenly = async (everyMs: number, seconds: number, offset: number): Promise<readonly number[]> => {
  const events = await logEvents(offset, Math.ceil((seconds * 1000) / everyMs))
  const begun = performance.now()
  const held: number[] = []
  const published: Promise<unknown>[] = []
  for (const [at, event] of events.entries()) {
    const waitMs = begun + at * everyMs - performance.now()
    if (waitMs > 0) await new Promise((later) => setTimeout(later, waitMs))
    published.push(floorNode().publish([event]))
    if (performance.now() - begun >= (held.length + 1) * 1000) held.push(heldEvents())
  }
  await Promise.all(published)
  return held
}

const connections = new Set<RTCPeerConnection>()

/** Keeps in view every peer connection that this page makes from now on. */
export const countConnections = (): void => {
  const Real = RTCPeerConnection
  globalThis.RTCPeerConnection = class extends Real {
    constructor(configuration?: RTCConfiguration) {
      super(configuration)
      connections.add(this)
    }
  }
}

/** Peer connections that were not closed, those held ready included. */
export const openConnections = (): number => {
  for (const connection of connections) if (connection.connectionState === 'closed') connections.delete(connection)
  return connections.size
}

/** A dropout: every connection that stands ends, as when the network is gone for long. Those held ready stay. */
export const cutConnections = (): void => {
  for (const connection of connections) if (connection.connectionState === 'connected') connection.close()
}
