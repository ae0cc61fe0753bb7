import { ImportError } from './errors.ts'
import { createSha256 } from './sha256.ts'

/** Longest line, in bytes. */
export const LINE_BYTES_MAX = 65_536
const SLICE_BYTES = 1_048_576
const NEWLINE = 10
const RETURN = 13

/** A file as it was when its hash was taken. */
export interface FilePrint {
  /** SHA-256 of the whole file, 64 hexadecimal digits. */
  readonly hash: string
  /** SHA-256 of each slice, as its words: what is read later is checked against it before it is used. */
  readonly slices: readonly string[]
}

/** One line, without what ends it. `bytes`: `undefined` when it is longer than `LINE_BYTES_MAX`. */
export interface Line {
  /** 1-based. */
  readonly line: number
  readonly bytes: Uint8Array | undefined
}

/** Reads a file once to know it again. `read` is told the bytes read so far. */
export const printFile = async (file: Blob, read: (bytes: number) => void): Promise<FilePrint> => {
  const whole = createSha256()
  const slices: string[] = []
  for await (const bytes of readSlices(file)) {
    whole.add(bytes)
    slices.push(await sliceHash(bytes))
    read(Math.min(slices.length * SLICE_BYTES, file.size))
  }
  return { hash: whole.hex(), slices }
}

/** The lines of a file, those of one slice at a time, so that a file of any size needs little memory. */
export async function* readLines(file: Blob, print: FilePrint): AsyncGenerator<{ readonly lines: readonly Line[]; readonly bytes: number }> {
  const splitter = createSplitter()
  let count = 0
  for await (const bytes of readSlices(file)) {
    if ((await sliceHash(bytes)) !== print.slices[count]) throw new ImportError('IMPORT-FILE-CHANGED', 'the file was changed while it was read; choose it again')
    count += 1
    yield { lines: splitter.take(bytes), bytes: Math.min(count * SLICE_BYTES, file.size) }
  }
  yield { lines: splitter.end(), bytes: file.size }
}

async function* readSlices(file: Blob): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  for (let at = 0; at < file.size; at += SLICE_BYTES) {
    const slice = file.slice(at, at + SLICE_BYTES)
    const bytes = await slice.arrayBuffer().catch((cause: unknown) => {
      throw new ImportError('IMPORT-FILE-UNREADABLE', 'the file cannot be read: it was changed, moved, or its medium is gone; choose it again', { cause })
    })
    yield new Uint8Array(bytes)
  }
}

const sliceHash = async (bytes: Uint8Array<ArrayBuffer>): Promise<string> => String(new Uint32Array(await crypto.subtle.digest('SHA-256', bytes)))

interface Splitter {
  readonly take: (bytes: Uint8Array) => readonly Line[]
  readonly end: () => readonly Line[]
}

/** Cuts at newlines. Keeps the beginning of a line that goes on in the next slice, up to the longest allowed. */
const createSplitter = (): Splitter => {
  let line = 0
  let rest: Uint8Array = new Uint8Array(0)
  let tooLong = false
  const finish = (bytes: Uint8Array): Line => {
    const whole = rest.length === 0 ? bytes : joined(rest, bytes)
    const wasTooLong = tooLong || whole.length > LINE_BYTES_MAX
    rest = new Uint8Array(0)
    tooLong = false
    line += 1
    return { line, bytes: wasTooLong ? undefined : whole.at(-1) === RETURN ? whole.subarray(0, -1) : whole }
  }
  const take = (bytes: Uint8Array): readonly Line[] => {
    const lines: Line[] = []
    let from = 0
    for (let to = bytes.indexOf(NEWLINE); to >= 0; to = bytes.indexOf(NEWLINE, from)) {
      lines.push(finish(bytes.subarray(from, to)))
      from = to + 1
    }
    const open = bytes.subarray(from)
    tooLong ||= rest.length + open.length > LINE_BYTES_MAX
    rest = tooLong ? new Uint8Array(0) : joined(rest, open)
    return lines
  }
  return { take, end: () => (rest.length > 0 || tooLong ? [finish(new Uint8Array(0))] : []) }
}

const joined = (a: Uint8Array, b: Uint8Array): Uint8Array => {
  const both = new Uint8Array(a.length + b.length)
  both.set(a)
  both.set(b, a.length)
  return both
}
