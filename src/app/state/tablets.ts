import { isNearlyFull, type NodeStatus, type Notice, type Obstacle, type PeerStatus } from '../../index.ts'
import type { Key } from '../i18n/words.svelte.ts'
import type { MarkKind } from '../components/mark-kind.ts'
import { entriesLacking } from './safety.ts'
import { splitName, type TabletName } from './tablet-name.ts'
import type { KeepFault } from '../update.ts'

/** One other tablet, as the list shows it. */
export interface TabletView extends TabletName {
  readonly id: string
  readonly mark: MarkKind
  readonly words: Key
  /** Entries made here that it did not say it holds. */
  readonly lacks: number
  /** `undefined`: it is in reach now. */
  readonly lastMicros: number | undefined
  readonly roundTripMs: number | undefined
  readonly clockSkewMs: number | undefined
  /** Connections held back with it. */
  readonly standbys: number
}

const STATE: Readonly<Record<PeerStatus['state'], readonly [MarkKind, Key]>> = {
  connected: ['done', 'swarm.state.connected'],
  connecting: ['wait', 'swarm.state.connecting'],
  suspect: ['wait', 'swarm.state.suspect'],
  asleep: ['pause', 'swarm.state.asleep'],
  gone: ['still', 'swarm.state.gone'],
}

/** Not connected here, but with others that are. */
const isOverOthers = ({ state, hops }: PeerStatus): boolean => state === 'gone' && hops !== undefined && hops > 1

const UNREACHED = ['stop', 'swarm.state.unreached'] as const

const stateOf = (peer: PeerStatus, lacks: number, isUnreached: boolean): readonly [MarkKind, Key] => {
  if (peer.state === 'connected' && lacks > 0) return ['run', 'swarm.state.behind']
  if (isOverOthers(peer)) return ['done', 'swarm.state.over']
  return (peer.state === 'gone' || peer.state === 'suspect') && isUnreached ? UNREACHED : STATE[peer.state]
}

export const tabletsOf = (status: NodeStatus): readonly TabletView[] => [...status.peers.map((peer) => viewOf(peer, status)), ...unmetOf(status)]

const viewOf = (peer: PeerStatus, status: NodeStatus): TabletView => {
  const lacks = entriesLacking(status.own, peer.holds)
  const [mark, words] = stateOf(peer, lacks, status.unreached.some(({ nodeId }) => nodeId === peer.nodeId))
  return {
    id: peer.nodeId, mark, words, lacks, ...splitName(peer.name), roundTripMs: peer.roundTripMs, clockSkewMs: peer.clockSkewMs, standbys: peer.standbys,
    lastMicros: peer.state === 'connected' ? undefined : peer.sinceMicros,
  }
}

/** Pages at a hub that were never heard and cannot be one of the known tablets, for these are all connected. */
const unmetOf = ({ peers, unreached }: NodeStatus): readonly TabletView[] => {
  const [mark, words] = UNREACHED
  const unmet = unreached.filter(({ nodeId }) => nodeId === undefined).slice(peers.filter(({ state }) => state !== 'connected').length)
  return unmet.map(({ sinceMicros }, at) => ({ id: `unmet ${at}`, mark, words, lacks: 0, ...splitName(''), roundTripMs: undefined, clockSkewMs: undefined, standbys: 0, lastMicros: sinceMicros }))
}

/** From this on a clock counts as off, in milliseconds. */
export const SKEW_MAX_MS = 120_000

/** Milliseconds by which this tablet's clock is ahead of the middle one of the tablets in reach; `undefined` when none is. */
export const clockAheadMs = (status: NodeStatus): number | undefined => {
  const skews = status.peers.filter((peer) => peer.state === 'connected').flatMap((peer) => peer.clockSkewMs ?? []).sort((a, b) => a - b)
  const middle = skews[Math.floor(skews.length / 2)]
  return middle === undefined ? undefined : -middle
}

type ObstacleKind = 'forbidden' | 'noAddress' | 'peerNoAddress' | 'names' | 'udp' | 'isolated'

const OBSTACLES: Readonly<Record<Obstacle, ObstacleKind>> = {
  'REACH-FORBIDDEN': 'forbidden', 'REACH-NO-ADDRESS': 'noAddress', 'REACH-PEER-NO-ADDRESS': 'peerNoAddress', 'REACH-NAMES': 'names', 'REACH-UDP': 'udp', 'REACH-ISOLATED': 'isolated',
}

/** Something that needs a hand: what it is, what it means and what to do are texts of `problem.<kind>`. */
export interface Problem {
  readonly kind: 'store' | 'full' | 'clock' | 'offline' | ObstacleKind | 'cut' | 'hub' | 'silent' | 'keep' | 'app' | 'update' | 'room' | 'crashed'
  readonly mark: MarkKind
  readonly code: string
  readonly about: string
  readonly sinceMicros: number | undefined
}

const KEEP: Readonly<Record<KeepFault, Problem['kind']>> = { 'APP-NOT-KEPT': 'app', 'UPDATE-CUT': 'update', 'UPDATE-ROOM': 'room', 'UPDATE-CRASHED': 'crashed' }

/** Most serious first. Without a network there is no word of the hub. A tablet counts as silent when others are in reach; when none is, this one is cut off. */
export const problemsOf = (status: NodeStatus, fault?: KeepFault): readonly Problem[] => {
  const problem = (kind: Problem['kind'], mark: MarkKind, code: string, sinceMicros?: number, about = ''): Problem => ({ kind, mark, code, about, sinceMicros })
  const ahead = clockAheadMs(status)
  const silent = status.cutOffSinceMicros === undefined ? status.peers.filter((peer) => peer.state === 'gone' && !isOverOthers(peer) && !status.unreached.some(({ nodeId }) => nodeId === peer.nodeId)) : []
  const hub = status.online && status.hubs.length > 0 && status.hubs.every(({ state }) => state === 'unreachable') ? status.hubs[0] : undefined
  const unreached = new Map(status.unreached.toReversed().map((each) => [each.code, each]))
  return [
    ...(status.storeFailure === undefined ? [] : [problem('store', 'fail', status.storeFailure.code, status.storeFailure.atMicros)]),
    ...(isNearlyFull(status.storage) ? [problem('full', 'stop', 'STORE-NEARLY-FULL')] : []),
    ...(ahead !== undefined && Math.abs(ahead) > SKEW_MAX_MS ? [problem('clock', 'stop', 'CLOCK-OFF')] : []),
    ...(status.online ? [] : [problem('offline', 'stop', 'REACH-OFFLINE')]),
    ...[...unreached.values()].map(({ code, sinceMicros }) => problem(OBSTACLES[code], 'stop', code, sinceMicros)),
    ...(status.cutOffSinceMicros === undefined ? [] : [problem('cut', 'still', 'CUT-OFF', status.cutOffSinceMicros)]),
    ...(hub === undefined ? [] : [problem('hub', 'stop', 'HUB-OFF', hub.sinceMicros)]),
    ...oncePerName(silent).map((peer) => problem('silent', 'still', 'NOT-HEARD', peer.sinceMicros, splitName(peer.name).name || peer.name)),
    ...(status.storage.persistent === false ? [problem('keep', 'stop', 'STORE-NOT-KEPT')] : []),
    ...(fault === undefined ? [] : [problem(KEEP[fault], 'stop', fault)]),
  ]
}

/** A tablet whose history has several versions since some time. */
export interface History {
  readonly id: string
  /** `undefined`: its name is not known here. */
  readonly name: string | undefined
  readonly count: number
  /** Entries of each version since then. */
  readonly entries: readonly number[]
  /** Versions beyond those that are kept. */
  readonly displaced: number
  readonly sinceMicros: number
}

/** Newest first. A tablet that goes on under another identity keeps its name here. */
export const historiesOf = ({ forks, peers, own, nodeId, name }: NodeStatus): readonly History[] =>
  forks
    .map((fork) => {
      const isOwn = fork.nodeId === nodeId || Object.keys(own).some((stream) => stream.startsWith(fork.nodeId))
      const known = (isOwn ? name : peers.find((peer) => peer.nodeId === fork.nodeId)?.name) ?? ''
      return { id: fork.stream, name: known === '' ? undefined : known, count: fork.entries.length, entries: fork.entries, displaced: fork.displaced, sinceMicros: fork.sinceMicros }
    })
    .toSorted((a, b) => b.sinceMicros - a.sinceMicros)

/** A tablet that goes on under a new identity is known under both; it is one tablet, heard last under the newer. */
const oncePerName = (peers: readonly PeerStatus[]): readonly PeerStatus[] =>
  [...new Map(peers.toSorted((a, b) => a.sinceMicros - b.sinceMicros).map((peer) => [splitName(peer.name).name || peer.name, peer])).values()]

export type NoticeKind = 'identity' | 'fork' | 'displaced' | 'intruder' | 'clock' | 'store' | 'slow' | 'refused' | 'invalid' | 'cut' | 'newer' | 'full' | 'room' | 'connection' | 'returned' | 'standby' | 'noReturn' | 'summary' | 'filled' | 'deleted' | 'other'

const NOTICES: Readonly<Record<string, NoticeKind>> = {
  'IDENTITY-CHANGED': 'identity', 'STREAM-FORKED': 'fork', 'FORK-NOT-KEPT': 'fork', 'BRANCH-DISPLACED': 'displaced', 'CLOCK-BEYOND': 'clock', 'PUBLISH-SLOW': 'slow', 'STREAM-NEWER': 'newer',
  'STREAMS-FULL': 'full', 'STORE-QUOTA': 'room', 'STORE-NEARLY-FULL': 'room', 'SESSION-ENDED': 'refused', 'SEGMENT-REFUSED': 'invalid', 'CHANNEL-UNKNOWN': 'refused', 'introduction-invalid': 'refused',
  'connection-failed': 'connection', 'STANDBY-USED': 'returned', 'STANDBY-FAILED': 'standby', 'RETURN-REFUSED': 'noReturn', 'READ-FAILED': 'store', 'STREAM-HOLE': 'store', 'STREAM-CUT': 'cut', 'SUMMARY-WRONG': 'summary', 'STORE-FILLED': 'filled', 'STORE-DELETED': 'deleted',
}

/** Which plain words a notice gets; its code stands beside them. */
export const noticeKind = ({ code, text }: Notice): NoticeKind => {
  if (code === 'SESSION-ENDED' && /^(proof|swarm)/.test(text)) return 'intruder'
  return NOTICES[code] ?? (code.startsWith('STORE-') ? 'store' : 'other')
}
