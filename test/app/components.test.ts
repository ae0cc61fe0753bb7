import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'

const components = readdirSync('src/app', { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.svelte'))
  .map((file) => ({ file, source: readFileSync(path.join('src/app', file), 'utf8') }))

const linesWithoutStyle = (source: string): number => source.replace(/<style>[\s\S]*<\/style>/, '').trim().split('\n').length

describe('components', () => {
  test.each(components)('[A7] $file needs nothing that the content security policy forbids', ({ source }) => {
    expect(source).not.toMatch(/\{@html/)
    expect(source).not.toMatch(/\sstyle=/)
  })

  test.each(components)('[A7] $file is small', ({ source }) => expect(linesWithoutStyle(source)).toBeLessThanOrEqual(120))

  test('[A7] components name roles, never colours of their own', () => {
    const own = components.filter(({ file }) => !/Mark|Qr\.svelte/.test(file)).flatMap(({ file, source }) => (source.match(/#[0-9a-f]{3,6}\b(?=[;)"' ])/g) ?? []).map((colour) => `${file}: ${colour}`))
    expect(own).toEqual([])
  })
})
