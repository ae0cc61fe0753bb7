import { equalBytes } from '../core/bytes.ts'
import type { NodeId } from '../core/ids.ts'
import type { SessionPeer } from './replication-events.ts'

/** An authenticated connection, as the supervisor sees it. */
export interface Link {
  readonly peer: SessionPeer
  /** The newer of two has the higher one. */
  readonly order: number
  readonly sinceMs: number
}

export type LinkHealth = 'connected' | 'suspect' | 'silent' | 'dead' | 'asleep'

const suspectMs = 6000
const silentMs = 20_000
const deadMs = 90_000
/** A peer says something every 2 s; after `wake` it has so long. */
const checkMs = 3000

/**
 * What the silence of a peer means. `silent`: to be replaced. `dead`: to be closed.
 * A page that is hidden may be frozen: it is asleep, and no silence makes it worse; a dead link under it ends by itself.
 *
 * @param wokeMs when this page last woke: silence before it was its own
 */
export const linkHealth = ({ peer }: Link, nowMs: number, wokeMs: number): LinkHealth => {
  if (peer.page === 'hidden') return 'asleep'
  const silenceMs = nowMs - Math.max(peer.lastHeardMs, wokeMs)
  if (silenceMs >= deadMs) return 'dead'
  if (silenceMs >= silentMs) return 'silent'
  if (peer.lastHeardMs < wokeMs && silenceMs >= checkMs) return 'silent'
  return silenceMs >= suspectMs ? 'suspect' : 'connected'
}

/** Whether nothing better need be looked for. */
export const isGood = (health: LinkHealth): boolean => health === 'connected' || health === 'suspect' || health === 'asleep'

export const linksOf = (links: Iterable<Link>, nodeId: NodeId): readonly Link[] =>
  [...links].filter(({ peer }) => peer.nodeId === nodeId).toSorted((a, b) => a.order - b.order)

export const isToPage = (link: Link, introductionId: Uint8Array): boolean => equalBytes(link.peer.introductionId, introductionId)
