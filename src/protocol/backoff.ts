/** How long to wait before the next try. */
export interface Backoff {
  readonly firstMs: number
  readonly lastMs: number
}

/** For a peer or a hub that could not be reached. */
export const reconnectBackoff: Backoff = { firstMs: 1_000, lastMs: 60_000 }
/** For a peer that broke a rule: it begins later and grows further. */
export const violationBackoff: Backoff = { firstMs: 10_000, lastMs: 3_600_000 }

/**
 * Doubles with each failure up to `lastMs`, less a random part of up to a half, so that many nodes do not come at once.
 * @param failures in a row, at least 1
 * @param random from 0 (included) to 1 (excluded)
 */
export const backoffMs = ({ firstMs, lastMs }: Backoff, failures: number, random: number): number =>
  Math.min(lastMs, firstMs * 2 ** Math.min(failures - 1, 30)) * (1 - random / 2)
