/** Ed25519 by hand, for keys and signatures that no platform would make. Slow, and never used outside of tests. */
const P = 2n ** 255n - 19n
export const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n

const mod = (value: bigint, by = P): bigint => ((value % by) + by) % by
const power = (base: bigint, exponent: bigint): bigint => {
  let [result, square] = [1n, mod(base)]
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % P
    square = (square * square) % P
  }
  return result
}
const inverse = (value: bigint): bigint => power(value, P - 2n)
const D = mod(-121665n * inverse(121666n))
const ROOT_OF_MINUS_1 = power(2n, (P - 1n) / 4n)

/** Extended coordinates: x = X/Z, y = Y/Z, T = XY/Z. */
export type Point = readonly [x: bigint, y: bigint, z: bigint, t: bigint]
const fromAffine = (x: bigint, y: bigint): Point => [x, y, 1n, mod(x * y)]
export const IDENTITY = fromAffine(0n, 1n)

/** The x of a given y, with the given lowest bit; `undefined` when no point has that y. */
const xOf = (y: bigint, odd: boolean): bigint | undefined => {
  const square = mod((y * y - 1n) * inverse(D * y * y + 1n))
  let x = power(square, (P + 3n) / 8n)
  if (mod(x * x) !== square) x = mod(x * ROOT_OF_MINUS_1)
  if (mod(x * x) !== square) return undefined
  return (x & 1n) === (odd ? 1n : 0n) ? x : mod(-x)
}

export const add = ([x1, y1, z1, t1]: Point, [x2, y2, z2, t2]: Point): Point => {
  const [a, b, c, d] = [mod((y1 - x1) * (y2 - x2)), mod((y1 + x1) * (y2 + x2)), mod(2n * D * t1 * t2), mod(2n * z1 * z2)]
  const [e, f, g, h] = [b - a, d - c, d + c, b + a]
  return [mod(e * f), mod(g * h), mod(f * g), mod(e * h)]
}
export const multiply = (point: Point, by: bigint): Point => {
  let [result, double] = [IDENTITY, point]
  for (let rest = by; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = add(result, double)
    double = add(double, double)
  }
  return result
}

export const littleEndian = (value: bigint): Uint8Array<ArrayBuffer> => Uint8Array.from({ length: 32 }, (_, at) => Number((value >> BigInt(8 * at)) & 255n))
export const toBigInt = (bytes: Uint8Array): bigint => bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n)

export const encode = ([x, y, z]: Point): Uint8Array<ArrayBuffer> => {
  const [affineX, affineY] = [mod(x * inverse(z)), mod(y * inverse(z))]
  return littleEndian(affineY | ((affineX & 1n) << 255n))
}

const baseY = mod(4n * inverse(5n))
export const BASE = fromAffine(xOf(baseY, false) ?? 0n, baseY)

/** A point of order 8: any point times the order of the base point, if that leaves all of the torsion. */
export const pointOfOrder8 = (): Point => {
  for (let y = 2n; ; y++) {
    const x = xOf(y, false)
    const torsion = x === undefined ? IDENTITY : multiply(fromAffine(x, y), ORDER)
    if (toBigInt(encode(multiply(torsion, 4n))) !== 1n) return torsion
  }
}

/** All encodings of the points whose order divides 8 that a decoder might take: y and, where it fits, y + p; both sign bits. Ascending, as hex would sort. */
export const smallOrderEncodings = (): readonly Uint8Array[] => {
  const torsion = pointOfOrder8()
  const found = new Map<string, Uint8Array>()
  for (let times = 0n; times < 8n; times++) {
    const y = toBigInt(encode(multiply(torsion, times))) & (2n ** 255n - 1n)
    for (const written of [y, y + P]) {
      if (written >= 2n ** 255n) continue
      for (const sign of [0n, 1n]) found.set(`${written}/${sign}`, littleEndian(written | (sign << 255n)))
    }
  }
  return [...found.values()]
}

const sha512 = async (...parts: readonly Uint8Array[]): Promise<bigint> => {
  const joined = Uint8Array.from(parts.flatMap((part) => [...part]))
  return toBigInt(new Uint8Array(await crypto.subtle.digest('SHA-512', joined)))
}

/** A signature for the public key a·B + torsion, with the nonce r and its point moved by `moveR`. `hash`: what is hashed of key, point and message, mod the order. */
export const signWith = async (
  a: bigint,
  r: bigint,
  message: Uint8Array,
  { torsion = IDENTITY, moveR = IDENTITY, addToS = 0n }: { readonly torsion?: Point; readonly moveR?: Point; readonly addToS?: bigint } = {},
): Promise<{ publicKey: Uint8Array; signature: Uint8Array; hash: bigint }> => {
  const publicKey = encode(add(multiply(BASE, a), torsion))
  const point = encode(add(multiply(BASE, r), moveR))
  const hash = await sha512(point, publicKey, message)
  const s = mod(r + hash * a, ORDER) + addToS
  return { publicKey, signature: Uint8Array.from([...point, ...littleEndian(s)]), hash: hash % ORDER }
}
