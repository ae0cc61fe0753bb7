import { expect, test } from 'vitest'
import { casesFor } from '../contract/event-store.contract.ts'
import { idbFactory } from '../store/idb-factory.ts'

for (const { rule, title, run } of casesFor(idbFactory())) {
  test(`[${rule}] ${title}`, async () => {
    expect.hasAssertions()
    await run(idbFactory())
  })
}
