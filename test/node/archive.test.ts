import { expect, test } from 'vitest'
import { encodeUtf8 } from '../../src/core/utf8.ts'
import { streamIdOf } from '../../src/core/ids.ts'
import type { Node } from '../../src/node/node.ts'
import { openMemoryStore } from '../../src/store/memory-event-store.ts'
import { copyDisk, createNodeWorld, payloads, readAll, sortedTexts, tagged } from './world.ts'

const textOf = async (lines: AsyncIterable<string>): Promise<string> => {
  let text = ''
  for await (const line of lines) text += line
  return text
}

const long = (at: number) => tagged({ at, pad: '.'.repeat(10_000) }, 'long')

/** Two tablets that both hold everything, then the first records on alone. */
const cutOff = async () => {
  const nodes = await createNodeWorld()
  const [mine, theirs] = [nodes.tablet(), nodes.tablet()]
  const [{ node }, { node: far }] = [await mine.open(), await theirs.open()]
  for (let at = 0; at < 8; at++) await node.publish([long(at)])
  await far.publish([tagged('theirs')])
  await nodes.world.until(async () => (await readAll(node)).length === 9 && (await readAll(far)).length === 9)
  await nodes.world.advance(2_000)
  nodes.network.cut(mine.name)
  for (const text of ['alone 1', 'alone 2 äöü']) await node.publish([tagged(text)])
  return { nodes, mine, node, far }
}

test('[G6] an archive holds every event as text; taken in elsewhere, the events come into the streams in which they were written', async () => {
  const { node, far, nodes } = await cutOff()
  const text = await textOf(node.archive('all'))
  const lines = text.trimEnd().split('\n').map((line) => JSON.parse(line) as unknown)
  expect(lines[0]).toMatchObject({ millpond: 'archive/1', swarm: node.swarm, name: 'Tablet 1' })
  expect(JSON.stringify(lines.filter(Array.isArray))).toContain('alone 2 äöü')
  expect(await far.takeArchive(encodeUtf8(text))).toMatchObject({ stored: 2, refused: 0, fault: undefined })
  await nodes.world.settle()
  expect((await readAll(far)).map(({ meta }) => meta.eventId)).toEqual((await readAll(node)).map(({ meta }) => meta.eventId))
  expect(await far.takeArchive(encodeUtf8(text))).toMatchObject({ stored: 0, refused: 0 })
  const { node: third } = await nodes.tablet().open()
  nodes.network.cut('Tablet 3')
  await third.takeArchive(encodeUtf8(text))
  await nodes.world.settle()
  expect(payloads(await readAll(third))).toEqual(payloads(await readAll(node)))
})

test('[G6] an archive of what is only here is small, and enough', async () => {
  const { node, far, nodes } = await cutOff()
  const [all, only] = [await textOf(node.archive('all')), await textOf(node.archive('only here'))]
  expect(only.length).toBeLessThan(all.length / 2)
  expect(only).toContain('alone 1')
  expect(await far.takeArchive(encodeUtf8(only))).toMatchObject({ stored: 2, refused: 0 })
  await nodes.world.settle()
  expect(sortedTexts(await readAll(far))).toEqual(sortedTexts(await readAll(node)))
})

test('[G1] [G6] what cannot be read is named in the archive, and everything else is in it', async () => {
  const { node, mine, nodes } = await cutOff()
  await node.close()
  mine.disk.spoil('segments', [streamIdOf(node.nodeId, 0), 0])
  const { node: again } = await mine.open()
  const text = await textOf(again.archive('all'))
  expect(text).toContain(`{"stream":"${node.nodeId}-0","first":0,"unreadable":true}`)
  for (const part of ['alone 1', 'alone 2', 'theirs']) expect(text).toContain(part)
  await nodes.world.settle()
})

test('[G4] who takes in an archive of its own that holds more than its disk goes on under a new identity, and has everything', async () => {
  const { node, mine, nodes } = await cutOff()
  const text = await textOf(node.archive('all'))
  const image = await copyDisk(mine.disk)
  await node.publish([tagged('later')])
  const later = await textOf(node.archive('all'))
  await node.close()
  const { node: restored } = await mine.open({}, { store: openMemoryStore(image, node.swarm) })
  expect(await restored.takeArchive(encodeUtf8(text))).toMatchObject({ stored: 0, refused: 0 })
  expect(restored.nodeId).toBe(node.nodeId)
  expect(await restored.takeArchive(encodeUtf8(later))).toMatchObject({ stored: 1, refused: 0, fault: undefined })
  expect(restored.nodeId).not.toBe(node.nodeId)
  await nodes.world.settle()
  expect(sortedTexts(await readAll(restored))).toContain('later')
})

test('[G7] what is no archive, was cut short or changed, or is of another swarm, harms nothing and is named', async () => {
  const { node, far, nodes } = await cutOff()
  const text = await textOf(node.archive('all'))
  const other = await createNodeWorld(2)
  const { node: stranger } = await other.tablet().open()
  const before = payloads(await readAll(far))
  const take = (on: Node, file: string) => on.takeArchive(encodeUtf8(file))
  expect(await take(far, 'number;quantity\n1;2\n')).toMatchObject({ fault: 'kind' })
  expect(await take(far, '')).toMatchObject({ fault: 'kind' })
  expect(await take(far, text.replace('archive/1', 'archive/9'))).toMatchObject({ fault: 'newer' })
  expect(await take(stranger, text)).toMatchObject({ fault: 'swarm', stored: 0 })
  expect(await take(far, text.replaceAll('alone 1', 'alone 9'))).toMatchObject({ stored: 0, refused: 1, fault: undefined })
  expect(far.status().notices.map(({ code }) => code)).toContain('ARCHIVE-REFUSED')
  expect(await take(far, text.slice(0, text.indexOf('alone 1')))).toMatchObject({ stored: 0, fault: 'damaged' })
  await nodes.world.settle()
  expect(payloads(await readAll(far))).toEqual(before)
})
