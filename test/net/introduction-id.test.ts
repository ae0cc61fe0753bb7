import { expect, test } from 'vitest'
import { parseSwarmId } from '../../src/core/ids.ts'
import { hasRightTag, hubIdOf, hubTokenOf, introductionOf } from '../../src/net/introduction-id.ts'

const swarmOf = (text: string) => {
  const swarm = parseSwarmId(text)
  if (swarm === undefined) throw new Error('not a swarm id')
  return swarm
}
const [swarm, other] = [swarmOf('0f'.repeat(16)), swarmOf('1f'.repeat(16))]
const tagOf = async (id: Uint8Array) => Uint8Array.from([...id, ...id], (byte) => byte ^ 0xff)

test('[N3] an id says swarm, page and tag, and only the right tag is one', async () => {
  const id = await hubIdOf(swarm, new Uint8Array(16).fill(0xab), tagOf)
  expect(id).toBe(`${'0f'.repeat(16)}-${'ab'.repeat(16)}-${'54'.repeat(8)}`)
  expect(introductionOf(id, swarm)).toBe('ab'.repeat(16))
  expect(introductionOf(id, other)).toBeUndefined()
  expect(await hasRightTag(id, tagOf)).toBe(true)
  for (const wrong of [id.replace('-ab', '-aa'), `${id.slice(0, -1)}5`, `${id}0`, id.slice(0, -2), id.toUpperCase(), '']) expect(await hasRightTag(wrong, tagOf)).toBe(false)
})

test('[N3] the token by which a hub keeps an id for its page is the same each time, and nothing of it stands in the id', async () => {
  const introductionId = Uint8Array.from({ length: 16 }, (_, at) => at)
  const token = await hubTokenOf(introductionId, tagOf)
  expect(token).toBe(await hubTokenOf(introductionId, tagOf))
  expect(token).toMatch(/^[0-9a-f]{32}$/)
  expect(await hubIdOf(swarm, introductionId, tagOf)).not.toContain(token.slice(0, 4))
})
