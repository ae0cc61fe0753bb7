/// <reference types="node" />
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import path from 'node:path'
import ts from 'typescript'
import { describe, expect, test } from 'vitest'

/** House rules as tests. Each returns the places that break it, so that a failure names them all. */

const filesUnder = (folder: string): readonly string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.posix.join(entry.parentPath.replaceAll('\\', '/'), entry.name))
    .toSorted()

const scriptOf = (file: string): string => {
  const text = readFileSync(file, 'utf8')
  if (!file.endsWith('.svelte')) return text
  return [...text.matchAll(/<script\b[^>]*>(.*?)<\/script>/gs)].map((match) => match[1] ?? '').join('\n')
}

const sources = filesUnder('src').filter((file) => /\.(ts|svelte)$/.test(file))
const tests = filesUnder('test').filter((file) => file.endsWith('.ts'))
const scripts: ReadonlyMap<string, string> = new Map([...sources, ...tests].map((file) => [file, scriptOf(file)]))
const scriptText = (file: string): string => scripts.get(file) ?? ''
const parse = (file: string): ts.SourceFile => ts.createSourceFile(file, scriptText(file), ts.ScriptTarget.Latest, true)

/** Every import of a file, type imports included: a path below the root, or a package. */
const importsOf = (file: string): readonly string[] =>
  ts
    .preProcessFile(scriptText(file), true, true)
    .importedFiles.map(({ fileName }) => fileName.replace(/\?\w+$/, ''))
    .map((name) => (name.startsWith('.') ? path.posix.join(path.posix.dirname(file), name) : name))

const packageOf = (name: string): string => name.split('/').slice(0, name.startsWith('@') ? 2 : 1).join('/')
const layerOf = (file: string): string => file.split('/')[1] ?? file

/** The table of `src/README.md`: what each layer may import, as layers (folders or top files of `src`), single files and packages. */
const readLayers = (): ReadonlyMap<string, readonly string[]> => {
  const cell = (text: string | undefined): readonly string[] => [...(text ?? '').matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? '')
  const lines = readFileSync('src/README.md', 'utf8').split('\n')
  const first = lines.findIndex((line) => /^\| *layer *\| *may import *\|/.test(line))
  if (first < 0) throw new Error('src/README.md has no table "| layer | may import |"')
  const end = lines.findIndex((line, index) => index > first && !line.startsWith('|'))
  const rows = lines.slice(first + 2, end < 0 ? lines.length : end).map((line) => line.split('|'))
  return new Map(rows.flatMap(([, names, allowed]) => cell(names).map((name) => [name, cell(allowed)])))
}

const pure = /^src\/(core|query|protocol|stream)\//

describe('layers', () => {
  const layers = readLayers()

  test('[A1] [A4] each file imports only what the layer table allows', () => {
    const broken = sources.flatMap((file) => {
      const allowed = layers.get(layerOf(file))
      if (allowed === undefined) return [`${file}: not in the table of src/README.md`]
      const mayImport = (target: string): boolean => {
        if (!target.startsWith('src/')) return allowed.includes(packageOf(target)) || (layerOf(file) === 'hub' && target.startsWith('node:'))
        return layerOf(target) === layerOf(file) || allowed.includes(layerOf(target)) || allowed.includes(target.slice('src/'.length))
      }
      return importsOf(file).filter((target) => !mayImport(target)).map((target) => `${file} imports ${target}`)
    })
    expect(broken).toEqual([])
  })

  test('[A2] no import cycles, type imports included', () => {
    const done = new Set<string>()
    const cycles: string[] = []
    const visit = (file: string, trail: readonly string[]): void => {
      if (trail.includes(file)) cycles.push([...trail.slice(trail.indexOf(file)), file].join(' → '))
      if (done.has(file) || trail.includes(file)) return
      for (const target of importsOf(file).filter((name) => scripts.has(name))) visit(target, [...trail, file])
      done.add(file)
    }
    for (const file of sources) visit(file, [])
    expect(cycles).toEqual([])
  })

  test('relative imports name a file that exists, with its ending', () => {
    const broken = [...scripts.keys()].flatMap((file) =>
      importsOf(file).filter((target) => /^(src|test)\//.test(target) && !existsSync(target)).map((target) => `${file} imports ${target}`),
    )
    expect(broken).toEqual([])
  })

  test('[A3] no clock and no chance in the pure folders, and nowhere chance that a seed cannot repeat', () => {
    const told = (file: string): boolean => /\bDate\.now\b|\bnew Date\(\)|\bMath\.random\b|\bperformance\.now\b/.test(scriptText(file))
    const random = (file: string): boolean => /\bMath\.random\b/.test(scriptText(file))
    expect([...sources.filter((file) => pure.test(file) && told(file)), ...[...scripts.keys()].filter((file) => file !== 'test/tidy.test.ts' && random(file))]).toEqual([])
  })
})

describe('errors', () => {
  /** Where a node of the syntax tree matches. */
  const places = (file: string, matches: (node: ts.Node) => boolean): readonly string[] => {
    const source = parse(file)
    const found: string[] = []
    const visit = (node: ts.Node): void => {
      if (matches(node)) found.push(`${file}:${source.getLineAndCharacterOfPosition(node.getStart()).line + 1}`)
      ts.forEachChild(node, visit)
    }
    visit(source)
    return found
  }
  const isEmptyFunction = (node: ts.Node | undefined): boolean =>
    node !== undefined && (ts.isArrowFunction(node) || ts.isFunctionExpression(node)) && ts.isBlock(node.body) && node.body.statements.length === 0
  const swallows = (node: ts.Node): boolean => {
    if (ts.isCatchClause(node)) return node.block.statements.length === 0
    if (!ts.isCallExpression(node) || !ts.isPropertyAccessExpression(node.expression)) return false
    const name = node.expression.name.text
    return (name === 'catch' && isEmptyFunction(node.arguments[0])) || (name === 'then' && isEmptyFunction(node.arguments[1]))
  }

  test('[A5] [G6] no catch without a statement', () => {
    expect([...scripts.keys()].flatMap((file) => places(file, swallows))).toEqual([])
  })

  test('no test is skipped, focused or left for later', () => {
    const isSwitchedOff = (node: ts.Node): boolean =>
      ts.isPropertyAccessExpression(node) && /^(skip|only|todo|skipIf|runIf|fails|retry)$/.test(node.name.text) && ts.isIdentifier(node.expression) && /^(test|it|describe)$/.test(node.expression.text)
    expect(tests.flatMap((file) => places(file, isSwitchedOff))).toEqual([])
  })
})

describe('texts', () => {
  /** Where the rules of each letter are laid down. */
  const homes = { F: 'src/stream/FORMAT.md', R: 'src/protocol/PROTOCOL.md', S: 'src/store/event-store.ts', T: 'src/net/transport.ts', N: 'src/net/signaling.ts', A: 'src/README.md', C: 'src/actyx/event-fns.ts' } as const
  const idsIn = (text: string): readonly string[] => [...text.matchAll(/\[([A-Z]\d+[a-z]?)\]/g)].map((match) => match[1] ?? '')
  const laidDown = new Set([
    ...Object.entries(homes).flatMap(([letter, home]) => idsIn(readFileSync(home, 'utf8')).filter((id) => id.startsWith(letter))),
    ...Array.from({ length: 9 }, (_, index) => `G${index + 1}`),
  ])
  const titlesOf = (file: string): readonly string[] => {
    const found: string[] = []
    const visit = (node: ts.Node): void => {
      if ((ts.isStringLiteralLike(node) || ts.isTemplateHead(node)) && node.text.startsWith('[')) found.push(node.text)
      // A contract is a list of rules; the suite makes the title.
      if (ts.isPropertyAssignment(node) && node.name.getText() === 'rule' && ts.isStringLiteral(node.initializer)) found.push(`[${node.initializer.text}]`)
      ts.forEachChild(node, visit)
    }
    visit(parse(file))
    return found
  }
  const quoted = new Map(tests.flatMap((file) => titlesOf(file).flatMap(idsIn).map((id) => [id, file])))

  test('every rule id is quoted by a test title', () => {
    expect([...laidDown].filter((id) => !quoted.has(id)).toSorted()).toEqual([])
  })

  test('every quoted rule id is laid down', () => {
    expect([...quoted].filter(([id]) => /^[A-Z]/.test(id) && (id.startsWith('G') || id.charAt(0) in homes) && !laidDown.has(id)).map(([id, file]) => `${id} in ${file}`)).toEqual([])
  })

  test('the top level holds nothing but what is agreed', () => {
    const agreed = [
      'package.json', 'package-lock.json', 'tsconfig.json', 'index.html', 'src', 'public', 'test', 'vite.config.ts', 'README.md', 'LICENSE', '.gitignore', '.npmrc', '.ci',
      // made here, never committed
      '.git', 'node_modules', 'dist', 'data', 'test-results',
    ]
    expect(readdirSync('.').filter((name) => !agreed.includes(name))).toEqual([])
  })

  test('no source file is longer than 500 lines, no default export, no file that only re-exports', () => {
    const broken = sources.filter((file) => {
      const text = scriptText(file)
      const onlyReexports = file !== 'src/index.ts' && parse(file).statements.length > 0 && parse(file).statements.every((statement) => ts.isExportDeclaration(statement) && statement.moduleSpecifier !== undefined)
      return text.split('\n').length > 501 || (!file.endsWith('.d.ts') && /^export default /m.test(text)) || onlyReexports
    })
    expect(broken).toEqual([])
  })
})
