import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

interface Package {
  readonly license?: string
  readonly dependencies?: Readonly<Record<string, string>>
  readonly scripts?: Readonly<Record<string, string>>
}

const read = <T>(file: string): T => JSON.parse(readFileSync(file, 'utf8')) as T
/** Bytes after gzip of each package, as the build found them. */
const built = read<Readonly<Record<string, number>>>('dist/packages.json')
const packageOf = (name: string): Package => read(`node_modules/${name}/package.json`)
const listed = [...readFileSync('src/SECURITY.md', 'utf8').matchAll(/^\| `([^`]+)` \| ([\d.]+) \| (\S+) \| (.+) \|$/gm)].map(([, name = '', kilobytes = '', licence = '', why = '']) => ({ name, kilobytes: Number(kilobytes), licence, why }))

test('[G7] the page on security lists the packages that ship to tablets, all of them and no other', () => {
  expect(listed.map(({ name }) => name).toSorted()).toEqual(Object.keys(built).toSorted())
  expect(listed.filter(({ why }) => why.trim() === '' || why === '?')).toEqual([])
})

test('[G7] with their sizes, to a tenth or 300 bytes', () => {
  expect(listed.filter(({ name, kilobytes }) => Math.abs(kilobytes * 1000 - (built[name] ?? 0)) > Math.max(300, (built[name] ?? 0) / 10))).toEqual([])
})

test('[G7] none that ships, and none that the library needs, is under the GPL or runs a script when it is installed', () => {
  const needed = Object.keys(packageOf('../.').dependencies ?? {})
  expect(needed.length).toBeGreaterThan(3)
  for (const name of new Set([...Object.keys(built), ...needed])) {
    const { license = textLicence(name), scripts = {} } = packageOf(name)
    expect([name, license]).toEqual([name, expect.not.stringMatching(/GPL/)])
    expect([name, ['preinstall', 'install', 'postinstall'].filter((script) => script in scripts)]).toEqual([name, []])
    const said = listed.find((each) => each.name === name)?.licence
    if (said !== undefined) expect([name, license]).toEqual([name, said])
  }
})

/** Of one that says it in its text alone. */
const textLicence = (name: string): string => /^(\S+) License/.exec(readFileSync(`node_modules/${name}/LICENSE`, 'utf8'))?.[1] ?? 'none'
