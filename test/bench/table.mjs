// What a row gives: lines of `{ what, figure, limit, value, atLeast or atMost, unit }`. A line without a bound is for information.

/** Whether a line holds its bound; one without a bound does. */
export const isMet = ({ failed, value, atLeast = -Infinity, atMost = Infinity }) => failed !== true && (value === undefined || (value >= atLeast && value <= atMost))

const target = ({ atLeast, atMost, unit = '×' }) => (atLeast !== undefined ? `≥ ${show(atLeast, unit)}` : atMost !== undefined ? `≤ ${show(atMost, unit)}` : '')

/** Two digits that count, or whole numbers. */
export const show = (value, unit = '') => `${value >= 100 ? Math.round(value).toLocaleString('en') : Number(value.toPrecision(2))}${unit === '×' ? ' ×' : unit === '' ? '' : ` ${unit}`}`

const verdict = (line) => (line.failed ? 'FAILED' : line.atLeast === undefined && line.atMost === undefined ? '' : isMet(line) ? 'met' : 'MISSED')

const heads = ['id', 'measure', 'measured', 'limit in the same run', 'result', 'target', '']

/** A table as Markdown has it. */
export const printTable = (results, { date, cores, model, chromium }) => {
  const rows = results.map((line) => [line.id, line.what, line.figure, line.limit ?? '', line.value === undefined ? '' : show(line.value, line.unit ?? '×'), target(line), verdict(line)])
  const widths = heads.map((head, at) => Math.max(head.length, 3, ...rows.map((row) => row[at].length)))
  const line = (cells) => `| ${cells.map((cell, at) => cell.padEnd(widths[at])).join(' | ')} |`
  const loads = results.map(({ load }) => load)
  console.log(`\n${date}, ${cores} cores (${model}), Chromium ${chromium}, load when a row began ${Math.min(...loads).toFixed(1)} to ${Math.max(...loads).toFixed(1)}\n`)
  console.log([line(heads), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n'))
  const missed = results.filter((each) => !isMet(each)).length
  console.log(missed === 0 ? '\nall targets met' : `\n${missed} of ${results.filter((each) => verdict(each) !== '').length} targets MISSED`)
}
