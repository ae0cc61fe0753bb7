import { expect, test } from 'vitest'
import { joinSwarm } from '../../src/node/join-swarm.ts'
import { foundSwarm } from '../../src/node/membership.ts'
import { webCrypto } from '../../src/node/web-crypto.ts'
import { encodeInvitation } from '../../src/protocol/invitation.ts'
import { createRandom } from '../random.ts'

const random = createRandom(1)

test('[R60] an invitation gives the swarm that it was made for, alone or at the end of a link', async () => {
  const { swarm, identity } = await foundSwarm(webCrypto, random.bytes)
  expect(swarm.founder).toEqual(identity?.publicKey)
  const text = encodeInvitation({ founder: swarm.founder, random: swarm.random, swarmKey: swarm.key, lamport: 7, hubs: ['https://hub:8443'] })
  for (const given of [text, `https://hub:8443/#${text}`, `https://hub:8443/#join=${text}`, ` ${text}\n`]) {
    expect(await joinSwarm(webCrypto, given)).toEqual({ swarm, lamport: 7, hubs: ['https://hub:8443'] })
  }
})

test('[R60] what is no invitation is refused with a text that says what to do', async () => {
  const { swarm } = await foundSwarm(webCrypto, random.bytes)
  const text = encodeInvitation({ founder: swarm.founder, random: swarm.random, swarmKey: swarm.key, lamport: 7, hubs: [] })
  await expect(joinSwarm(webCrypto, text.slice(0, -5))).rejects.toMatchObject({ code: 'INVITATION-INVALID', message: expect.stringContaining('copy it again') })
  await expect(joinSwarm(webCrypto, 'Press 1!')).rejects.toMatchObject({ code: 'INVITATION-INVALID' })
  await expect(joinSwarm(webCrypto, '')).rejects.toMatchObject({ code: 'INVITATION-INVALID' })
})

test('[G7] two swarms never have the same id', async () => {
  const [one, two] = [await foundSwarm(webCrypto, random.bytes), await foundSwarm(webCrypto, random.bytes)]
  expect(one.swarm.id).not.toBe(two.swarm.id)
})
