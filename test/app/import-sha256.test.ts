/// <reference types="node" />
import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import fc from 'fast-check'
import { createSha256 } from '../../src/app/import/sha256.ts'

test('[G3] SHA-256 in pieces is that of the whole, at every length around the ends of blocks', () => {
  const sizes = fc.constantFrom(0, 1, 54, 55, 56, 57, 63, 64, 65, 119, 120, 127, 128, 129, 1000)
  fc.assert(fc.property(sizes.chain((length) => fc.tuple(fc.uint8Array({ minLength: length, maxLength: length }), fc.array(fc.integer({ min: 0, max: length }), { maxLength: 4 }))), ([bytes, cuts]) => {
    const hash = createSha256()
    const ends = [0, ...cuts.toSorted((a, b) => a - b), bytes.length]
    for (const [index, end] of ends.slice(1).entries()) hash.add(bytes.subarray(ends[index], end))
    expect(hash.hex()).toBe(createHash('sha256').update(bytes).digest('hex'))
  }))
})
