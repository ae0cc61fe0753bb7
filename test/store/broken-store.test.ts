import { expect, test } from 'vitest'
import { brokenStores } from '../contract/broken-store.ts'
import { storeCases } from '../contract/event-store.contract.ts'
import { memoryFactory } from './memory-factory.ts'

for (const broken of brokenStores) {
  test(`[${broken.rule}] the suite finds at this rule: ${broken.fault}`, async () => {
    const cases = storeCases.filter(({ rule }) => rule === broken.rule)
    const results = await Promise.allSettled(cases.map(({ run }) => run(memoryFactory(broken))))
    expect(results.map(({ status }) => status)).toContain('rejected')
  })
}

test('[S1] every rule of the contract has cases and a planted fault', () => {
  const rules = Array.from({ length: 28 }, (_, at) => `S${at + 1}`).toSorted()
  expect([...new Set(storeCases.map(({ rule }) => rule))].toSorted()).toEqual(rules)
  expect(brokenStores.map(({ rule }) => rule).toSorted()).toEqual(rules)
})
