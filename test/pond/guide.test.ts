/// <reference types="node" />
import { readFileSync } from 'node:fs'
import ts from 'typescript'
import { expect, test } from 'vitest'
import * as millpond from '../../src/index.ts'
import { createPond } from '../../src/pond/pond.ts'
import { createNodeWorld } from '../node/world.ts'

const guide = readFileSync('src/pond/POND.md', 'utf8')
const examples = [...guide.matchAll(/^```ts\n(.*?)^```/gms)].map(([, code]) => code ?? '')

/** All examples of the page, one after the other, as one function of what they import and of their node. */
const run = async (said: unknown[]): Promise<void> => {
  const { world, tablet } = await createNodeWorld()
  const { node } = await tablet().open()
  const text = examples.join('\n').replaceAll(/import \{([^}]*)\} from 'millpond'/g, (_, names: string) => `const {${names.replaceAll(/\btype \w+,?/g, '').replaceAll(/(\w+) as (\w+)/g, '$1: $2')}} = millpond`)
  const { outputText } = ts.transpileModule(text, { compilerOptions: { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext } })
  const given = { ...millpond, openNode: () => Promise.resolve(node), createPond: (of: millpond.Node) => createPond(of, { after: world.after }) }
  const AsyncFunction = Object.getPrototypeOf(run).constructor as new (...parts: string[]) => (...given: unknown[]) => Promise<void>
  const ended = new AsyncFunction('millpond', 'console', outputText)(given, { log: (...words: unknown[]) => said.push(words.length === 1 ? words[0] : words) })
  let isOver = false
  ended.then(() => (isOver = true), () => (isOver = true))
  await world.until(() => isOver)
  await ended
}

test('the examples of the guide do what it says', async () => {
  const said: unknown[] = []
  await run(said)
  expect(said).toEqual(['0 pieces of 4711', '20 pieces of 4711', 20, [], [{ type: 'used', pieces: 5 }, { type: 'received', pieces: 20 }], 'discovery', 'discovery', 'alone'])
})

test('every code of a FishError stands in the guide, and no other', () => {
  const declared = [...readFileSync('src/pond/fish-error.ts', 'utf8').matchAll(/'(FISH-[A-Z]+)'/g)].map(([, code]) => code)
  expect([...guide.matchAll(/^\| `(FISH-[A-Z]+)`/gm)].map(([, code]) => code)).toEqual([...new Set(declared)])
})
