import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { en } from '../../src/app/i18n/en.ts'
import { reachCodes, readmeRows } from '../long/reach-said.ts'

test('[G6] README has one row for each thing that the app says when tablets do not find each other, in the words of the catalogue', () => {
  const rows = readmeRows(readFileSync('README.md', 'utf8'))
  expect(rows.map(({ code }) => code).toSorted()).toEqual(reachCodes.toSorted())
  const texts = new Set(Object.values(en).map((text) => text.replaceAll(/\{\w+\}/g, '…')))
  expect(rows.filter(({ words }) => !texts.has(words))).toEqual([])
  expect(rows.filter(({ cells }) => cells.length !== 3 || cells.some((cell) => cell === ''))).toEqual([])
})
