import { createSocket } from 'node:dgram'
import http from 'node:http'
import { afterAll, describe, expect, test } from 'vitest'
import { answerBinding, startStun, stunUrls } from '../../src/hub/stun.ts'
import { makeDataFolder, removeDataFolder, startHub } from './hub-process.ts'

const transaction = Uint8Array.from({ length: 12 }, (_, at) => at + 1)
const request = (attributes: readonly number[] = [], type = 1, cookie: readonly number[] = [0x21, 0x12, 0xa4, 0x42]): Uint8Array =>
  Uint8Array.from([type >> 8, type & 255, attributes.length >> 8, attributes.length & 255, ...cookie, ...transaction, ...attributes])
const from = { address: Uint8Array.of(192, 168, 1, 37), port: 50_000 }

const folders: string[] = []
afterAll(() => folders.forEach(removeDataFolder))

/** Sends datagrams and gives the first that comes back. */
const ask = (type: 'udp4' | 'udp6', host: string, port: number, datagrams: readonly Uint8Array[]): Promise<{ readonly answer: Uint8Array; readonly ownPort: number }> => {
  const socket = createSocket(type)
  return new Promise((resolve, reject) => {
    socket.once('error', reject)
    socket.once('message', (answer) => {
      const ownPort = socket.address().port
      socket.close()
      resolve({ answer, ownPort })
    })
    for (const datagram of datagrams) socket.send(datagram, port, host)
  })
}

describe('answers', () => {
  test('[G9] a binding request over IPv4 is answered with the address it came from', () => {
    // 192.168.1.37 and 50000 under the mask 2112a442
    expect(answerBinding(request(), from)).toEqual(
      Uint8Array.from([0x01, 0x01, 0, 12, 0x21, 0x12, 0xa4, 0x42, ...transaction, 0, 0x20, 0, 8, 0, 1, 0xe2, 0x42, 0xe1, 0xba, 0xa5, 0x67]),
    )
  })

  test('[G9] over IPv6 the mask goes on with the transaction id', () => {
    const address = Uint8Array.from({ length: 16 }, (_, at) => (at === 0 ? 0xfd : at))
    const answer = answerBinding(request([0x80, 0x22, 0, 4, 1, 2, 3, 4]), { address, port: 0x2112 })
    expect(answer?.length).toBe(44)
    expect([...(answer ?? []).slice(20, 28)]).toEqual([0, 0x20, 0, 20, 0, 2, 0, 0])
    const mask = [0x21, 0x12, 0xa4, 0x42, ...transaction]
    expect([...(answer ?? []).slice(28)].map((byte, at) => byte ^ (mask[at] ?? 0))).toEqual([...address])
  })

  test.each([
    ['nothing', new Uint8Array(0)],
    ['a header cut short', request().subarray(0, 19)],
    ['another length than it has', Uint8Array.from([...request(), 0, 0, 0, 0])],
    ['an odd length', request([1, 2, 3])],
    ['an indication', request([], 0x11)],
    ['an answer', request([], 0x101)],
    ['an allocation of a relay', request([], 3)],
    ['no cookie', request([], 1, [0, 0, 0, 0])],
    ['more than a request needs', request(Array.from({ length: 600 }, () => 0))],
  ])('[G7] %s gets no answer', (_, bytes) => expect(answerBinding(bytes, from)).toBeUndefined())

  test('[G7] one from port 0 gets none: nobody can be answered there', () => expect(answerBinding(request(), { ...from, port: 0 })).toBeUndefined())

  test('[G7] an answer is never above 44 bytes, whatever is asked', () => {
    for (const size of [0, 4, 100, 528]) expect(answerBinding(request(Array.from({ length: size }, () => 7)), { ...from, address: new Uint8Array(16) })?.length).toBe(44)
  })
})

describe('on the network', () => {
  test('[G9] each family is answered by the same socket, noise before it harms nothing', async () => {
    const stun = await startStun(undefined, 0)
    for (const [type, host, offset] of [['udp4', '127.0.0.1', 4], ['udp6', '::1', 16]] as const) {
      const { answer, ownPort } = await ask(type, host, stun.port, [Uint8Array.of(1, 2, 3), request([], 3), request()])
      expect(answer.length).toBe(28 + offset)
      expect(((answer[26] ?? 0) << 8 | (answer[27] ?? 0)) ^ 0x2112).toBe(ownPort)
    }
    await stun.close()
  })

  test('[G6] a port in use is one line, and the hub goes on', async () => {
    const taken = await startStun(undefined, 0)
    folders.push(makeDataFolder())
    const hub = await startHub(folders.at(-1) ?? '', ['--stun-port', String(taken.port)])
    expect(hub.output().split('\n').filter((line) => line.startsWith('No STUN'))).toEqual([
      `No STUN: UDP port ${taken.port} is in use by another program. Tablets then find each other by multicast names only. Choose another port with --stun-port.`,
    ])
    expect((await config(hub.httpPort)).stun).toEqual([])
    await hub.stop()
    await taken.close()
  })

  test('[G9] the built hub tells its own literal address, and answers there', async () => {
    folders.push(makeDataFolder())
    const hub = await startHub(folders.at(-1) ?? '')
    const { stun } = await config(hub.httpPort)
    const [, host, port] = /^stun:(\d+\.\d+\.\d+\.\d+):(\d+)$/.exec(stun[0] ?? '') ?? []
    const { answer } = await ask('udp4', host ?? '', Number(port), [request()])
    const own = [...answer.subarray(28)].map((byte, at) => byte ^ ([0x21, 0x12, 0xa4, 0x42][at] ?? 0)).join('.')
    expect(own).toBe(host)
    await hub.stop()
  })
})

test('[G9] tablets are told literal addresses only, at most four', () => {
  expect(stunUrls(['192.168.1.10', 'floor.local', 'fd00::10'], 3478)).toEqual(['stun:192.168.1.10:3478', 'stun:[fd00::10]:3478'])
  expect(stunUrls(['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4', '10.0.0.5'], 1).length).toBe(4)
  expect(stunUrls(['192.168.1.10'], undefined)).toEqual([])
})

const config = (httpPort: number): Promise<{ readonly stun: readonly string[] }> =>
  new Promise((resolve, reject) => {
    http.get(`http://localhost:${httpPort}/config.json`, { agent: false }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => resolve(JSON.parse(Buffer.concat(chunks).toString()) as { readonly stun: readonly string[] }))
    }).on('error', reject)
  })
