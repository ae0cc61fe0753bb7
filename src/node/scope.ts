import type { SwarmId } from '../core/ids.ts'

/** What locks and channels of a swarm's tabs are named by, where nothing else is asked for. */
export const scopeOf = (swarm: SwarmId): string => `millpond-${swarm}`

/** The channel on which tabs tell each other of changes. */
export const changesIn = (scope: string): string => `${scope}/changes`
