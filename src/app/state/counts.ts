import { PIECES_MAX } from '../orders/payload.ts'

export type Counted = 'good' | 'scrap'

/** The numbers of a finish while they are typed. `fresh`: the next digit begins the chosen number anew. */
export interface Counts {
  readonly good: number
  readonly scrap: number
  readonly chosen: Counted
  readonly fresh: boolean
}

export const noCounts: Counts = { good: 0, scrap: 0, chosen: 'good', fresh: true }

export const chooseCount = (counts: Counts, chosen: Counted): Counts => ({ ...counts, chosen, fresh: true })

export const typeDigit = (counts: Counts, digit: number): Counts => put(counts, counts.chosen, (counts.fresh ? 0 : counts[counts.chosen]) * 10 + digit)

export const deleteDigit = (counts: Counts): Counts => put(counts, counts.chosen, Math.floor(counts[counts.chosen] / 10))

/** Adds to a number, or takes away; never below 0. */
export const addPieces = (counts: Counts, which: Counted, pieces: number): Counts => put({ ...counts, chosen: which }, which, counts[which] + pieces)

const put = (counts: Counts, which: Counted, value: number): Counts =>
  value > PIECES_MAX ? counts : { ...counts, [which]: Math.max(0, value), fresh: false }
