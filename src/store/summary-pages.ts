import { assert } from '../core/assert.ts'
import { appendToPage } from '../stream/summary.ts'
import type { Entry, Transaction } from './tables.ts'

/** Adds summaries to the newest page, which is the last entry of `summaries`; a full one is followed by the next number. */
export const putSummaries = (transaction: Transaction, newest: Entry | undefined, summaries: readonly Uint8Array[]): void => {
  let number = typeof newest?.[0] === 'number' ? newest[0] : 0
  let page = newest?.[1] instanceof Uint8Array ? newest[1] : undefined
  for (const summary of summaries) {
    const longer = appendToPage(page, summary)
    if (longer === undefined && page !== undefined) transaction.put('summaries', number++, page)
    page = longer ?? appendToPage(undefined, summary)
    assert(page !== undefined, 'one summary fits into an empty page')
  }
  if (page !== undefined) transaction.put('summaries', number, page)
}
