/** Seeds that have found a fault of the program, and what it was: they stay in every run. None yet since what a seed is made of was changed last. */
export const keptSeeds: readonly (readonly [seed: number, found: string])[] = []
