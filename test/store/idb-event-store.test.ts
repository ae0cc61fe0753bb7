import 'fake-indexeddb/auto'
import { expect, test } from 'vitest'
import { casesFor } from '../contract/event-store.contract.ts'
import { idbFactory } from './idb-factory.ts'

// The logic over an imitation of IndexedDB, which has neither durability nor quota; the real one is in test/browser.

for (const { rule, title, run } of casesFor(idbFactory())) {
  test(`[${rule}] ${title}`, async () => {
    expect.hasAssertions()
    await run(idbFactory())
  })
}
