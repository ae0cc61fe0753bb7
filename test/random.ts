/** Chance for tests: the same seed gives the same numbers. */
export interface Random {
  /** 0 to 2^32 - 1. */
  readonly next: () => number
  /** 0 to `count` - 1. */
  readonly below: (count: number) => number
  readonly chance: (probability: number) => boolean
  readonly bytes: (count: number) => Uint8Array<ArrayBuffer>
  readonly pick: <T>(values: readonly T[]) => T
}

/** sfc32 (Chris Doty-Humphrey): 128 bits of state, seeded with the 53 bits of a safe integer. */
export const createRandom = (seed: number): Random => {
  let [a, b, c, counter] = [seed >>> 0, Math.floor(seed / 2 ** 32) >>> 0, 0x9e3779b9, 1]
  const next = (): number => {
    const sum = (a + b + counter++) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (((c << 21) | (c >>> 11)) + sum) | 0
    return sum >>> 0
  }
  for (let at = 0; at < 16; at++) next()
  const below = (count: number): number => Math.floor((next() / 2 ** 32) * count)
  return {
    next,
    below,
    chance: (probability) => next() / 2 ** 32 < probability,
    bytes: (count) => Uint8Array.from({ length: count }, () => next() & 255),
    pick: (values) => {
      const value = values[below(values.length)]
      if (value === undefined) throw new RangeError('nothing to pick from')
      return value
    },
  }
}
