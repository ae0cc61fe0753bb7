const K = new Int32Array([
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be,
  0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa,
  0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85,
  0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3,
  0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f,
  0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
])
const START = [0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19]

export interface Sha256 {
  readonly add: (bytes: Uint8Array) => void
  /** The digest of all that was added, as 64 hexadecimal digits. Nothing is added after it. */
  readonly hex: () => string
}

/** SHA-256 of a file piece by piece; the browser's own takes a file only whole. @see FIPS 180-4, section 6.2 */
export const createSha256 = (): Sha256 => {
  const hash = new Int32Array(START)
  const block = new Uint8Array(64)
  const words = new Int32Array(64)
  let count = 0
  const add = (bytes: Uint8Array): void => {
    for (let at = 0; at < bytes.length; ) {
      const held = count % 64
      const taken = Math.min(64 - held, bytes.length - at)
      if (taken === 64) compress(hash, words, bytes, at)
      else block.set(bytes.subarray(at, at + taken), held)
      if (taken < 64 && held + taken === 64) compress(hash, words, block, 0)
      at += taken
      count += taken
    }
  }
  const hex = (): string => {
    const tail = new Uint8Array((count % 64 < 56 ? 64 : 128) - (count % 64))
    tail[0] = 0x80
    new DataView(tail.buffer).setBigUint64(tail.length - 8, BigInt(count) * 8n)
    add(tail)
    return Array.from(hash, (word) => (word >>> 0).toString(16).padStart(8, '0')).join('')
  }
  return { add, hex }
}

const rotate = (word: number, by: number): number => (word >>> by) | (word << (32 - by))
const at32 = (words: Int32Array, at: number): number => words[at] ?? 0
const add32 = (words: Int32Array, at: number, by: number): void => {
  words[at] = (at32(words, at) + by) | 0
}

const compress = (hash: Int32Array, words: Int32Array, bytes: Uint8Array, from: number): void => {
  const view = new DataView(bytes.buffer, bytes.byteOffset + from, 64)
  for (let t = 0; t < 16; t++) words[t] = view.getInt32(t * 4)
  for (let t = 16; t < 64; t++) {
    const [w15, w2] = [at32(words, t - 15), at32(words, t - 2)]
    const s0 = rotate(w15, 7) ^ rotate(w15, 18) ^ (w15 >>> 3)
    const s1 = rotate(w2, 17) ^ rotate(w2, 19) ^ (w2 >>> 10)
    words[t] = (at32(words, t - 16) + s0 + at32(words, t - 7) + s1) | 0
  }
  let a = at32(hash, 0)
  let b = at32(hash, 1)
  let c = at32(hash, 2)
  let d = at32(hash, 3)
  let e = at32(hash, 4)
  let f = at32(hash, 5)
  let g = at32(hash, 6)
  let h = at32(hash, 7)
  for (let t = 0; t < 64; t++) {
    const t1 = (h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + ((e & f) ^ (~e & g)) + at32(K, t) + at32(words, t)) | 0
    const t2 = ((rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0
    h = g
    g = f
    f = e
    e = (d + t1) | 0
    d = c
    c = b
    b = a
    a = (t1 + t2) | 0
  }
  add32(hash, 0, a)
  add32(hash, 1, b)
  add32(hash, 2, c)
  add32(hash, 3, d)
  add32(hash, 4, e)
  add32(hash, 5, f)
  add32(hash, 6, g)
  add32(hash, 7, h)
}
