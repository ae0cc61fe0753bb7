/** A peer without a good connection, as seen from one end. Times are monotonic milliseconds of this page. */
export interface Outage {
  readonly lostMs: number
  /** When a standby was last used for it. */
  readonly usedMs: number | undefined
  /** Whether a use may still open; `evenly`: and the next one, which can be used again, was tried no more often. */
  readonly trying: boolean | 'evenly'
  /** The last sign of the network: online, visible, another peer connected, a hub answered, this page began. */
  readonly signMs: number | undefined
  /** Whether this node has the smaller id. */
  readonly smaller: boolean
  /** Whether a use in vain costs nothing: this browser makes the same connection again. */
  readonly again: boolean
}

/** An answer that was applied is tried for so long, then it is spent. @see PROTOCOL.md [R67] */
export const STANDBY_TRY_MS = 15_000

/** A sign so long before the loss was known counts: a link that is away is found out late. */
const signBeforeMs = 10_000
/** The larger id lets the smaller one go first. */
const yieldMs = 1000
/** Between two uses. */
const pauseMs = 1000
/** Where one use has not opened by then, another is begun beside it; measured: open in 20 to 700 ms. */
const nextMs = 2000
/** After the loss. A browser that never says that the network is back has nothing else; one that spends what it uses is sparing. */
const slots = {
  again: { smaller: [20_000, 40_000, 60_000, 90_000, 140_000, 220_000, 400_000, 700_000], larger: [30_000, 50_000, 75_000, 110_000, 180_000, 300_000, 500_000, 900_000] },
  once: { smaller: [20_000, 90_000], larger: [240_000, 900_000] },
} as const

/**
 * When the next standby of this peer is to be used; `undefined`: not before another sign. It may lie in the past.
 * Whether the browser is online is the caller's to ask.
 *
 * @see PROTOCOL.md [R68]
 */
export const nextUseMs = ({ lostMs, usedMs, trying, signMs, smaller, again }: Outage): number | undefined => {
  if (trying === 'evenly' && usedMs !== undefined) return usedMs + nextMs
  if (trying !== false) return undefined
  const isAhead = (atMs: number): boolean => usedMs === undefined || atMs > usedMs
  const isSign = signMs !== undefined && signMs >= lostMs - signBeforeMs && isAhead(signMs)
  // What passed before the sign, while offline, is made up for by it: else both ends would begin at once.
  const atSlot = slots[again ? 'again' : 'once'][smaller ? 'smaller' : 'larger'].map((ms) => lostMs + ms).filter((ms) => isAhead(ms) && !(isSign && ms <= signMs))
  const due = [...(isSign ? [Math.max(signMs + (smaller ? 0 : yieldMs), lostMs)] : []), ...atSlot]
  return due.length === 0 ? undefined : Math.max(Math.min(...due), (usedMs ?? -Infinity) + pauseMs)
}
