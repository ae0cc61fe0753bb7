import { expect, test } from 'vitest'
import { cdp } from 'vitest/browser'
import { webCrypto } from '../../src/node/web-crypto.ts'

const MEBIBYTE = 1024 * 1024

/** Bytes of buffers in use. */
const bufferBytes = async (): Promise<number> => {
  const usage: unknown = await cdp().send('Runtime.getHeapUsage')
  return Number((usage as { readonly backingStorageSize: number }).backingStorageSize)
}

test('[F24] [G7] a body that would inflate to a thousand times its length takes some MiB, not all of that', async () => {
  const bomb = await webCrypto.deflate(new Uint8Array(96 * MEBIBYTE))
  expect(bomb.length).toBeLessThan(193 * 1024)
  await cdp().send('HeapProfiler.collectGarbage')
  const before = await bufferBytes()
  expect(await webCrypto.inflate(bomb, 65_536)).toBeUndefined()
  expect((await bufferBytes()) - before).toBeLessThan(32 * MEBIBYTE)
})
