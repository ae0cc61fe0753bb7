import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { createNodeWorld, readAll, tagged } from './world.ts'

/** Every message that left a tablet, and when; in the end all that one of them holds. */
const traceOf = async (seed: number): Promise<readonly string[]> => {
  const trace: string[] = []
  const here = await createNodeWorld(seed, (name, message) => trace.push(`${here.world.nowMs()} ${name} ${createHash('sha256').update(message).digest('hex')}`))
  const tablets = [here.tablet(), here.tablet(), here.tablet()]
  const opened = await Promise.all(tablets.map((tablet) => tablet.open()))
  for (let at = 0; at < 15; at++) {
    await here.world.random.pick(opened).node.publish([tagged({ at, pad: '.'.repeat(here.world.random.below(20_000)) }, 'x')])
    await here.world.advance(here.world.random.below(2_000))
    if (at === 5) here.network.cut('Tablet 1')
    if (at === 10) here.network.heal('Tablet 1', undefined, 'dead')
  }
  await here.world.advance(20_000)
  const events = await readAll(here.world.random.pick(opened).node)
  await Promise.all(opened.map(({ node }) => node.close()))
  return [...trace, ...events.map(({ meta }) => JSON.stringify(meta))]
}

test('[G3] one seed is one run: the same messages, byte for byte and at the same moments', { timeout: 20_000 }, async () => {
  const first = await traceOf(5)
  expect(first.length).toBeGreaterThan(100)
  expect(await traceOf(5)).toEqual(first)
  expect(await traceOf(6)).not.toEqual(first)
})
