/// <reference types="node" />
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))

test('the reference of all that is exported is made without a warning, with every example, and asks no host for anything', async () => {
  const out = mkdtempSync(path.join(tmpdir(), 'millpond-docs-'))
  await promisify(execFile)(process.execPath, [path.join(root, 'node_modules/typedoc/bin/typedoc'), '--out', out], { cwd: root })
  const pages = readdirSync(out, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.html')).map((name) => readFileSync(path.join(out, name), 'utf8'))
  const sources = readdirSync(path.join(root, 'src'), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts')).map((name) => readFileSync(path.join(root, 'src', name), 'utf8'))
  const written = sources.reduce((sum, text) => sum + (text.match(/^ *\* @example$/gm)?.length ?? 0), 0)
  const shown = pages.reduce((sum, text) => sum + (text.match(/<h4[^>]*>Example/g)?.length ?? 0), 0)
  expect(written).toBeGreaterThan(5)
  expect(shown).toBeGreaterThanOrEqual(written)
  for (const name of ['millpond/actyx', 'millpond/testing', 'millpond/svelte', 'Coming from Actyx']) expect(pages.some((text) => text.includes(name))).toBe(true)
  expect(pages.flatMap((text) => text.match(/<(?:script|link|img)[^>]*(?:src|href)="https?:[^"]*"/g) ?? [])).toEqual([])
  rmSync(out, { recursive: true })
})
