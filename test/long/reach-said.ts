/** What the app says where tablets do not find each other: `reach.test.ts` produces each, README.md has a row for each. */
export const reachCodes = [
  'REACH-OFFLINE', 'HUB-OFF', 'CUT-OFF', 'NOT-HEARD', 'REACH-NAMES', 'REACH-UDP', 'REACH-ISOLATED', 'REACH-NO-ADDRESS', 'REACH-PEER-NO-ADDRESS', 'REACH-FORBIDDEN', 'PAIR-UNREACHABLE',
] as const

export type ReachCode = (typeof reachCodes)[number]

/** Rows of the README's table: code, and the words that the app shows, `…` for what changes. */
export const readmeRows = (readme: string): readonly { readonly code: string; readonly words: string; readonly cells: readonly string[] }[] => {
  const section = readme.split(/^## /m).find((part) => part.startsWith('When tablets do not find each other')) ?? ''
  return section.split('\n').flatMap((line) => {
    const cells = line.split('|').slice(1, -1).map((cell) => cell.trim())
    const [, words = '', code = ''] = /^\*(.+)\* `([A-Z-]+)`$/.exec(cells[0] ?? '') ?? []
    return code === '' ? [] : [{ code, words, cells }]
  })
}
