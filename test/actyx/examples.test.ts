/// <reference types="node" />
import { readFileSync, readdirSync } from 'node:fs'
import ts from 'typescript'
import { expect, test } from 'vitest'
import * as actyx from '../../src/actyx/actyx.ts'
import * as millpond from '../../src/index.ts'
import * as testing from '../../src/testing.ts'

const modules: Readonly<Record<string, unknown>> = { millpond, 'millpond/actyx': actyx, 'millpond/testing': testing }

/** Examples stand in the comments of what is exported, and on the page for those who come from Actyx. */
const files = ['src/actyx/ACTYX.md', ...readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts')).map((name) => `src/${name}`).toSorted()]

const examples = files.flatMap((file) => {
  const text = readFileSync(file, 'utf8').replaceAll(/^ *\* ?/gm, (star) => (file.endsWith('.ts') ? '' : star))
  return [...text.matchAll(/^```ts\n(.*?)^```/gms)].map(([, code], at): readonly [string, string] => [`${file}, example ${at + 1}`, code ?? ''])
})

/** What stands behind a `console.log`; several times of one are parted by ` · `. */
const promised = (code: string): readonly string[] => [...code.matchAll(/console\.log\(.*\) \/\/ (.*)$/gm)].flatMap(([, text]) => (text ?? '').split(' · '))

const run = async (code: string): Promise<readonly string[]> => {
  const said: string[] = []
  const text = code.replaceAll(/^import \{([^}]*)\} from '([^']*)'$/gm, (_, names: string, name: string) => `const {${names}} = modules['${name}']`)
  const { outputText } = ts.transpileModule(text, { compilerOptions: { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext } })
  const AsyncFunction = Object.getPrototypeOf(run).constructor as new (...parts: string[]) => (...given: unknown[]) => Promise<void>
  await new AsyncFunction('modules', 'console', outputText)(modules, { log: (...words: unknown[]) => said.push(words.join(' ')), error: (error: unknown) => said.push(`error: ${String(error)}`) })
  return said
}

test.each(examples)('%s says what it promises', async (_, code) => {
  const expected = promised(code)
  expect(expected.length).toBeGreaterThan(0)
  expect(await run(code)).toEqual(expected)
}, 20_000)

test('there are examples of each module', () => {
  for (const name of Object.keys(modules)) expect(examples.some(([, code]) => code.includes(`from '${name}'`))).toBe(true)
})
