import { expect, test } from 'vitest'
import { casesFor, storeCases } from '../contract/event-store.contract.ts'
import { memoryFactory } from './memory-factory.ts'

for (const { rule, title, run } of storeCases) {
  test(`[${rule}] ${title}`, async () => {
    expect.hasAssertions()
    await run(memoryFactory())
  })
}

test('[S1] the memory twin has the means for every case', () => {
  expect(casesFor(memoryFactory())).toEqual(storeCases)
})
