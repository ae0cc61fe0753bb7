import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { BlockList, isIP, isIPv4 } from 'node:net'
import os from 'node:os'
import { addressBytes, hostInUrl, privateRanges } from './addresses.ts'

/** Answers "under which address do you see me?" on UDP. With that a browser learns its plain LAN address, so that connecting does not depend on multicast names. */
export interface Stun {
  readonly port: number
  readonly close: () => Promise<void>
}

const headerBytes = 20
/** A request has attributes at most of this length, so that reading it costs nothing. */
const requestBytesMax = 548
const bindingRequest = 0x0001
const bindingSuccess = 0x0101
const xorMappedAddress = 0x0020
const magicCookie = 0x2112a442
/** One tablet asks once for each of its addresses and attempt. */
const answersPerSecondMax = 500

/**
 * The answer to a binding request: XOR-MAPPED-ADDRESS alone. `undefined` for all else, which gets none.
 *
 * @param from where the request came from: 4 or 16 bytes, and the port
 * @see RFC 8489, 6.3 and 14.2
 */
export const answerBinding = (request: Uint8Array, from: { readonly address: Uint8Array; readonly port: number }): Uint8Array | undefined => {
  const { length } = request
  if (length < headerBytes || length > requestBytesMax) return undefined
  const asked = new DataView(request.buffer, request.byteOffset, length)
  if (asked.getUint16(0) !== bindingRequest || asked.getUint16(2) !== length - headerBytes || length % 4 !== 0 || asked.getUint32(4) !== magicCookie) return undefined
  const { address, port } = from
  // Nobody can be answered there: sending would throw.
  if (port === 0) return undefined
  const answer = new Uint8Array(headerBytes + 8 + address.length)
  const view = new DataView(answer.buffer)
  view.setUint16(0, bindingSuccess)
  view.setUint16(2, answer.length - headerBytes)
  answer.set(request.subarray(4, headerBytes), 4)
  view.setUint16(20, xorMappedAddress)
  view.setUint16(22, 4 + address.length)
  view.setUint16(24, address.length === 4 ? 1 : 2)
  view.setUint16(26, port ^ (magicCookie >>> 16))
  // Cookie and transaction id, as they stand in the header, are the mask of an address.
  address.forEach((byte, at) => (answer[28 + at] = byte ^ (request[4 + at] ?? 0)))
  return answer
}

/**
 * From where a tablet may ask: private addresses and the networks that this computer is in. Others get no answer,
 * so nobody beyond the LAN can be flooded with answers to forged requests.
 */
const lanRanges = (): BlockList => {
  const ranges = new BlockList()
  const own = Object.values(os.networkInterfaces()).flatMap((list) => (list ?? []).map(({ cidr }) => (cidr ?? '').split('/')))
  for (const [address = '', prefix] of [...privateRanges, ...own]) if (isIP(address) !== 0) ranges.addSubnet(address, Number(prefix), familyOf(address))
  return ranges
}

const familyOf = (address: string): 'ipv4' | 'ipv6' => (isIPv4(address) ? 'ipv4' : 'ipv6')

/** An IPv4 address that a socket for both families writes as `::ffff:192.168.1.10`, and one with a zone, as they are. */
const plainAddress = (address: string): string => address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '')

/**
 * Starts answering.
 *
 * @param host the one address to listen on; `undefined`: all
 * @param port 0: any free one
 * Rejects when the port cannot be used.
 */
export const startStun = async (host: string | undefined, port: number): Promise<Stun> => {
  const socket = await bindSocket(host, port)
  let allowance = answersPerSecondMax
  let ranges = lanRanges()
  const refill = setInterval(() => {
    allowance = answersPerSecondMax
    ranges = lanRanges()
  }, 1000)
  refill.unref()
  const answer = (request: Uint8Array, { address: seen, port: from }: RemoteInfo): void => {
    const address = plainAddress(seen)
    if (allowance <= 0 || !ranges.check(address, familyOf(address))) return
    const bytes = answerBinding(request, { address: addressBytes(address), port: from })
    if (bytes === undefined) return
    allowance--
    socket.send(bytes, from, seen)
  }
  socket.on('message', answer)
  // A tablet that has gone: the next one is answered all the same.
  socket.on('error', () => undefined)
  return {
    port: socket.address().port,
    close: () =>
      new Promise((resolve) => {
        clearInterval(refill)
        socket.close(resolve)
      }),
  }
}

/** One socket for both families, or for IPv4 where this computer has no IPv6. */
const bindSocket = async (host: string | undefined, port: number): Promise<Socket> => {
  if (host !== undefined) return bind(isIP(host) === 6 ? 'udp6' : 'udp4', port, host)
  try {
    return await bind('udp6', port, '::')
  } catch (error) {
    if (isInUse(error)) throw error
    return bind('udp4', port, '0.0.0.0')
  }
}

const isInUse = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'EADDRINUSE'

const bind = (type: 'udp4' | 'udp6', port: number, address: string): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = createSocket({ type })
    socket.once('error', (error) => {
      socket.close()
      reject(error)
    })
    socket.bind({ port, address, exclusive: true }, () => {
      socket.removeAllListeners('error')
      resolve(socket)
    })
  })

/** Starts answering, or says in one line why not: the hub goes on without. */
export const openStun = async (host: string | undefined, port: number, say: (line: string) => void): Promise<Stun | undefined> => {
  try {
    return await startStun(host, port)
  } catch (error) {
    const reason = isInUse(error) ? `UDP port ${port} is in use by another program` : error instanceof Error ? error.message : String(error)
    say(`No STUN: ${reason}. Tablets then find each other by multicast names only. Choose another port with --stun-port.`)
    return undefined
  }
}

const urlCountMax = 4

/** As told to tablets: by literal addresses, for a name may not resolve. More than four would slow a browser down. */
export const stunUrls = (lanAddresses: readonly string[], port: number | undefined): readonly string[] =>
  port === undefined ? [] : lanAddresses.filter((address) => isIP(address) !== 0).slice(0, urlCountMax).map((address) => `stun:${hostInUrl(address)}:${port}`)
