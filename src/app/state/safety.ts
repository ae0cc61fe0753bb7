import { copiesOfOwn, eventsOnlyHere, isNearlyFull, lastOf, offsetsOf, type NodeStatus } from '../../index.ts'

/** Where the entries of this tablet stand, as the chip says it. `copies`: tablets that hold all of them, this one included; of none every tablet holds all. */
export interface Safety {
  readonly state: 'fail' | 'full' | 'none' | 'alone' | 'here' | 'n' | 'all'
  readonly copies: number
  /** Entries that no other tablet said it holds. */
  readonly onlyHere: number
  readonly inReach: number
  readonly others: number
  /** Room left, as far as the browser says. */
  readonly leftBytes: number | undefined
}

export const safetyOf = (status: NodeStatus, unsaved: boolean): Safety => {
  const copies = copiesOfOwn(status)
  const facts = {
    copies, onlyHere: entriesOnlyHere(status), others: status.peers.length, leftBytes: leftBytes(status),
    inReach: status.peers.filter((peer) => peer.state === 'connected').length,
  }
  if (unsaved) return { state: 'fail', ...facts }
  if (isNearlyFull(status.storage)) return { state: 'full', ...facts }
  if (entriesIn(status.own) === 0) return { state: 'none', ...facts }
  if (facts.others === 0) return { state: 'alone', ...facts }
  if (copies === 1) return { state: 'here', ...facts }
  return { state: copies === facts.others + 1 ? 'all' : 'n', ...facts }
}

export const entriesOnlyHere = (status: NodeStatus): number => eventsOnlyHere(status, status.own)

/** Entries of others that no further tablet said it holds. */
export const othersOnlyHere = (status: NodeStatus): number => eventsOnlyHere(status, status.present) - entriesOnlyHere(status)

/** Entries of the own streams that a holder did not say it has. */
export const entriesLacking = (own: NodeStatus['own'], holds: NodeStatus['own']): number =>
  sum(offsetsOf(own).map(([stream, last]) => Math.max(0, last - lastOf(holds, stream))))

export const entriesIn = (offsets: NodeStatus['own']): number => sum(offsetsOf(offsets).map(([, last]) => last + 1))

/** Entries that others said they hold and this tablet does not. */
export const entriesNotHere = ({ present, peers }: NodeStatus): number => {
  const streams = [...new Set(peers.flatMap(({ holds }) => offsetsOf(holds).map(([stream]) => stream)))]
  return sum(streams.map((stream) => Math.max(0, ...peers.map(({ holds }) => lastOf(holds, stream) - lastOf(present, stream)))))
}

export const leftBytes = ({ storage: { usedBytes, quotaBytes } }: NodeStatus): number | undefined =>
  usedBytes === undefined || quotaBytes === undefined ? undefined : Math.max(0, quotaBytes - usedBytes)

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)
