import type { Addresses, Trial } from '../protocol/reach.ts'

/**
 * What this connection, which has not opened in time and is not yet closed, saw of the network.
 *
 * @param forbidden whether the browser keeps this page off the local network
 */
export const readTrial = (connection: RTCPeerConnection, forbidden: boolean): Trial => {
  const own = candidatesIn(connection.localDescription)
  const isAsked = (connection.getConfiguration().iceServers ?? []).length > 0
  return {
    answered: connection.localDescription !== null && connection.remoteDescription !== null,
    forbidden,
    own: addressesIn(own),
    peer: addressesIn(candidatesIn(connection.remoteDescription)),
    stun: !isAsked ? 'none' : hasAnswer(own, connection.iceGatheringState) ? 'answered' : 'silent',
    packets: packetsIn(connection.iceConnectionState),
  }
}

/** Address and type: `candidate:<foundation> <component> udp <priority> <address> <port> typ <type> …`. */
interface Candidate {
  readonly address: string
  readonly type: string
}

const candidatesIn = (description: RTCSessionDescription | null): readonly Candidate[] =>
  [...(description?.sdp ?? '').matchAll(/^a=candidate:\S+ \S+ udp \S+ (\S+) \S+ typ (\S+)/gim)].map(([, address = '', type = '']) => ({ address, type }))

const isName = ({ address }: Candidate): boolean => address.endsWith('.local')

const addressesIn = (candidates: readonly Candidate[]): Addresses => {
  const names = candidates.filter(isName).length
  return { names, plain: candidates.length - names }
}

/** An answer that names an address which the page knows already is not listed; gathering then ends early all the same. */
const hasAnswer = (own: readonly Candidate[], gathering: RTCIceGatheringState): boolean =>
  own.some(({ type }) => type === 'srflx') || (gathering === 'complete' && own.some((candidate) => !isName(candidate)))

/** Chromium stays `new` as long as it has no address of the other end to send to. */
const packetsIn = (state: RTCIceConnectionState): Trial['packets'] =>
  state === 'new' || state === 'closed' ? 'none' : state === 'connected' || state === 'completed' ? 'heard' : 'checked'

/** Whether this browser keeps the page off the local network, from now on; `false` where it has no such permission. */
export const watchLocalNetwork = (): (() => boolean) => {
  let permission: Pick<PermissionStatus, 'state'> | undefined
  const ask = async () => {
    permission = await navigator.permissions.query({ name: 'local-network-access' } as unknown as PermissionDescriptor)
  }
  ask().catch((error: unknown) => console.debug('this browser has no permission for the local network', error))
  return () => permission?.state === 'denied'
}
