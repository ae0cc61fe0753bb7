/** What the devices need of an environment: time and chance. A node's `Environment` has it all. */
export interface Timers {
  /** Wall time in microseconds, for people. */
  readonly nowMicros: () => number
  /** Calls once, after at least `delayMs`. @returns a function that cancels it */
  readonly after: (delayMs: number, call: () => void) => () => void
}

export interface Chance {
  readonly randomBytes: (count: number) => Uint8Array
}

/** From 0 (included) to 1 (excluded), in steps of 1/256: enough to spread what many nodes do. */
export const randomOf = (chance: Chance): number => (chance.randomBytes(1)[0] ?? 0) / 256
