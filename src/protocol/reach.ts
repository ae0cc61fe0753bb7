/** What one attempt to connect saw of the network until its time was over. */
export interface Trial {
  /** Whether the other end took part: each knows the other's description. */
  readonly answered: boolean
  /** Whether this browser keeps the page off the local network. */
  readonly forbidden: boolean
  /** Where each end said that it can be reached. */
  readonly own: Addresses
  readonly peer: Addresses
  /** Whether a STUN server was asked, and answered. */
  readonly stun: 'none' | 'answered' | 'silent'
  /** `checked`: packets went to the other end. `heard`: one came back. */
  readonly packets: 'none' | 'checked' | 'heard'
}

/** Candidates over UDP by kind: multicast names, which only the same network resolves, and addresses as they are. */
export interface Addresses {
  readonly names: number
  readonly plain: number
}

/**
 * Why no connection comes about with one who is there:
 * `REACH-FORBIDDEN` this browser may not use the local network · `REACH-NO-ADDRESS` it tells no address of this tablet · `REACH-PEER-NO-ADDRESS` nor does that of the other ·
 * `REACH-NAMES` neither resolves the other's name, and none has told an address · `REACH-UDP` no packet of this tablet gets through, not even to a hub · `REACH-ISOLATED` packets get to a hub and not to each other.
 */
export type Obstacle = 'REACH-FORBIDDEN' | 'REACH-NO-ADDRESS' | 'REACH-PEER-NO-ADDRESS' | 'REACH-NAMES' | 'REACH-UDP' | 'REACH-ISOLATED'

/**
 * What stood in the way of an attempt; `undefined`: nothing can be said, the other end did not answer or was heard.
 * An address of one end is enough for both: where there is one, or a name resolved, neither names nor missing addresses were the reason.
 */
export const obstacleOf = ({ answered, forbidden, own, peer, stun, packets }: Trial): Obstacle | undefined => {
  if (!answered || packets === 'heard') return undefined
  if (forbidden) return 'REACH-FORBIDDEN'
  if (own.plain + peer.plain > 0 || packets === 'checked') return stun === 'silent' ? 'REACH-UDP' : 'REACH-ISOLATED'
  if (own.names === 0) return 'REACH-NO-ADDRESS'
  if (peer.names === 0) return 'REACH-PEER-NO-ADDRESS'
  return stun === 'silent' ? 'REACH-UDP' : 'REACH-NAMES'
}
