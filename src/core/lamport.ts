import type { Lamport } from './ids.ts'

/** Lamport times are 1 to this; 0 stands for "before the first event". */
export const LAMPORT_MAX = 2 ** 52 - 1

/** An event further above the clock than this does not move it. */
export const CLOCK_STEP_MAX = 1e8
/** Replicated events together move the clock by at most this in an hour. */
export const CLOCK_HOUR_MAX = 1e9
const HOUR_MS = 3_600_000

/** A node's Lamport clock, with what replicated events have added to it in the hour that began at `sinceMs`. */
export interface Clock {
  readonly lamport: Lamport
  readonly sinceMs: number
  readonly added: number
}

export const clockAt = (lamport: Lamport, nowMs: number): Clock => ({ lamport, sinceMs: nowMs, added: 0 })

/**
 * The clock after replicated events with these Lamport times, in the order of their stream.
 * `beyond`: the first that lies too far above to move it. Those are stored and ordered like any other, and reported.
 * @param nowMs time that only rises
 */
export const advanceClock = (
  clock: Clock,
  lamports: readonly Lamport[],
  nowMs: number,
): { readonly clock: Clock; readonly beyond: Lamport | undefined } => {
  const { sinceMs, ...before } = nowMs - clock.sinceMs >= HOUR_MS ? clockAt(clock.lamport, nowMs) : clock
  let { lamport, added } = before
  let beyond: Lamport | undefined
  for (const seen of lamports) {
    const step = seen - lamport
    if (step <= 0) continue
    if (step > CLOCK_STEP_MAX || added + step > CLOCK_HOUR_MAX) beyond ??= seen
    else {
      lamport = seen
      added += step
    }
  }
  return { clock: { lamport, sinceMs, added }, beyond }
}
