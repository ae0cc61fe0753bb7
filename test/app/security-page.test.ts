import { existsSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const page = readFileSync('src/SECURITY.md', 'utf8')
/** Each test that the page names: a part of its title, and its file. Titles that stand before one file are all of that file. */
const places = [...page.matchAll(/((?:“[^”]+”,? ?)+)\(`(test\/[^`]+)`\)/g)]
const named = places.flatMap(([, titles = '', file = '']) => [...titles.matchAll(/“([^”]+)”/g)].map(([, title = '']) => ({ title, file })))

test('[G7] every test that the page on security names is there, under that title', () => {
  expect(named.length).toBeGreaterThan(30)
  expect(named.filter(({ title, file }) => !existsSync(file) || !readFileSync(file, 'utf8').replaceAll("\\'", "'").includes(title))).toEqual([])
  // None is named in another way, which this test would not see.
  expect(page.match(/`test\//g)?.length).toBe(places.length)
})

test('[G7] what cannot be done has a test, what can be done begins with so', () => {
  const rows = [...page.matchAll(/^\| (.+?) \| (.*?) ?\|$/gm)].map(([, says = '', shown = '']) => ({ says, shown }))
  const claims = rows.filter(({ says }) => says.startsWith('cannot ') && !says.startsWith('cannot be shut out yet'))
  expect(claims.length).toBeGreaterThan(15)
  expect(claims.filter(({ shown }) => !shown.includes('(`test/'))).toEqual([])
})

test('[G7] README leads to it', () => expect(readFileSync('README.md', 'utf8')).toContain('(src/SECURITY.md)'))
