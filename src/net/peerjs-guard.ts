import { isDescription, isNearby } from './description.ts'
import type { Timers } from './timers.ts'

/** What of a PeerJS peer is guarded: where messages of the hub come in. */
export interface GuardedPeer {
  readonly socket: {
    readonly listeners: (event: 'message') => readonly ((message: unknown) => void)[]
    readonly removeAllListeners: (event: 'message') => unknown
    readonly on: (event: 'message', listener: (message: unknown) => void) => unknown
  }
  readonly getConnection: (peer: string, connection: string) => { readonly peerConnection?: unknown } | null
}

export interface GuardOptions {
  /** Whether the page of that hub id is one to meet: of this swarm, with the right tag. */
  readonly isWelcome: (hubId: string) => Promise<boolean>
  readonly timers: Pick<Timers, 'after'>
}

/** Offers in a row; one more every `refillMs`. Each makes a peer connection, of which a page has 500 in all until dead ones are collected. */
const offersMax = 60
const refillMs = 1000
/** Messages of others that wait to be looked at. */
const waitingMax = 200

/**
 * Anybody in the network may send messages to a page over the hub. PeerJS makes a peer connection of each offer, with whatever it describes,
 * and keeps what fits nothing for ever. It is given only what a page to be met says to agree on a data channel.
 */
export const guardPeer = (peer: GuardedPeer, { isWelcome, timers }: GuardOptions): void => {
  const handlers = peer.socket.listeners('message')
  let [offers, waiting] = [offersMax, 0]
  const mayOffer = (): boolean => {
    if (offers === 0) return false
    offers--
    timers.after(refillMs * (offersMax - offers), () => void offers++)
    return true
  }
  const fits = (said: Said): boolean =>
    said.type === 'OFFER' ? mayOffer() : (peer.getConnection(said.src, said.connection)?.peerConnection ?? null) !== null
  let turn = Promise.resolve()
  peer.socket.removeAllListeners('message')
  peer.socket.on('message', (message) => {
    const said = readSaid(message)
    if (said === undefined || (said !== 'hub' && waiting >= waitingMax)) return
    waiting++
    // One after the other: the order is part of what is said.
    turn = turn
      .then(async () => said === 'hub' || ((await isWelcome(said.src)) && fits(said)))
      .then((passes) => {
        if (passes) for (const handle of handlers) handle(message)
      })
      .catch((error: unknown) => console.debug('a message over the hub was refused', error))
      .finally(() => void waiting--)
  })
}

/** What one page says to another. */
interface Said {
  readonly type: 'OFFER' | 'ANSWER' | 'CANDIDATE'
  readonly src: string
  readonly connection: string
}

const ownTypes: readonly unknown[] = ['OPEN', 'ERROR', 'ID-TAKEN', 'INVALID-KEY', 'LEAVE', 'EXPIRE']

/** `undefined` for what is none of the messages by which two pages agree on a data channel, nor one of the hub's own. */
const readSaid = (message: unknown): Said | 'hub' | undefined => {
  const { type, src, payload } = fieldsOf(message)
  if (ownTypes.includes(type)) return 'hub'
  const { type: kind, connectionId: connection, sdp, candidate, serialization } = fieldsOf(payload)
  if (typeof src !== 'string' || typeof connection !== 'string' || connection.length > 64 || kind !== 'data') return undefined
  switch (type) {
    case 'OFFER': return serialization === 'raw' && isSdp(sdp, 'offer') ? { type, src, connection } : undefined
    case 'ANSWER': return isSdp(sdp, 'answer') ? { type, src, connection } : undefined
    case 'CANDIDATE': return isNearby(String(fieldsOf(candidate)['candidate'])) ? { type, src, connection } : undefined
    default: return undefined
  }
}

const isSdp = (value: unknown, type: 'offer' | 'answer'): boolean => {
  const description = fieldsOf(value)
  return description['type'] === type && typeof description['sdp'] === 'string' && isDescription(description['sdp'])
}

const fieldsOf = (value: unknown): Readonly<Record<string, unknown>> => (typeof value === 'object' && value !== null ? { ...value } : {})
