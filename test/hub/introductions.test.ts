import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import { WebSocket } from 'ws'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { mountIntroductions } from '../../src/hub/introductions.ts'

let server: Server
let introductions: { readonly close: () => void }
beforeAll(async () => {
  const app = express()
  server = createServer(app)
  introductions = mountIntroductions(app, [server], () => false, () => undefined)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
})
afterAll(() => {
  introductions.close()
  server.close()
})

const connect = async (id: string, token = 't'): Promise<WebSocket> => {
  const socket = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}/introduce/peerjs?key=millpond&id=${id}&token=${token}`)
  await Promise.race([once(socket, 'message'), once(socket, 'error').then(([error]) => Promise.reject(error as Error))])
  return socket
}
const codeOf = async (socket: WebSocket): Promise<number> => ((await once(socket, 'close')) as [number])[0]

test('[G7] who sends more bytes than an introduction needs is cut off', async () => {
  const bulky = await connect('bulky')
  const ended = codeOf(bulky)
  for (let count = 0; count < 5; count++) bulky.send(JSON.stringify({ type: 'OFFER', dst: 'nobody', payload: 'x'.repeat(60 * 1024) }))
  expect(await ended).toBe(1008)
})

test('[G7] one device takes a hundred places at most, and gives them back', async () => {
  const sockets = await Promise.all(Array.from({ length: 100 }, (_, at) => connect(`many${at}`)))
  await expect(connect('one-more')).rejects.toThrow('socket hang up')
  const [first] = sockets
  first?.terminate()
  await expect.poll(() => connect('again').then(() => true, () => false)).toBe(true)
  for (const socket of sockets) socket.terminate()
})

test('[G7] the id of a tablet that is away is given to nobody else', async () => {
  const socket = await connect('mine', 'secret')
  const gone = once(socket, 'close')
  socket.close()
  await gone
  await expect(connect('mine', 'guess')).rejects.toThrow('socket hang up')
  const again = await connect('mine', 'secret')
  again.terminate()
})

test('[G7] who does not read what it is sent is cut off', async () => {
  const [deaf, ...senders] = await Promise.all(['deaf', ...Array.from({ length: 60 }, (_, at) => `loud${at}`)].map((id) => connect(id)))
  if (deaf === undefined) throw new Error('no socket')
  deaf.pause()
  const text = JSON.stringify({ type: 'OFFER', dst: 'deaf', payload: 'x'.repeat(60 * 1024) })
  for (const sender of senders) for (let count = 0; count < 4; count++) sender.send(text)
  const listed = async (): Promise<unknown> => (await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/introduce/millpond/peers`)).json()
  expect(await listed()).toContain('deaf')
  await expect.poll(listed, { timeout: 8000 }).not.toContain('deaf')
  for (const socket of senders) socket.terminate()
}, 10_000)
