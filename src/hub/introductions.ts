import type { Server } from 'node:http'
import type { Express } from 'express'
import { ExpressPeerServer } from 'peer'
import { type WebSocket, WebSocketServer } from 'ws'

/** Where tablets meet: the PeerServer's path below the origin, and its key. */
export const introduce = { path: '/introduce', key: 'millpond' } as const

const messageBytesMax = 64 * 1024
const socketCountMax = 1000
const clientCountMax = 500
/** Of one device; several windows of a browser are several tablets here. */
const socketsPerAddressMax = 100
/** What one tablet may send in a second; an introduction takes a dozen messages of at most 4 KiB. */
const messagesPerSecondMax = 50
const bytesPerSecondMax = 256 * 1024
/** An id belongs to who registered it first, also while it is away: so many of them, the oldest first out. */
const ownedIdsMax = 10_000
/** What waits for a tablet that does not read. */
const bufferedBytesMax = 1024 * 1024

/**
 * Mounts one PeerServer for all listeners, so that a page on `http://localhost` meets the tablets on HTTPS.
 *
 * @param mayRead whether pages of that origin may ask who is here
 */
export const mountIntroductions = (app: Express, servers: readonly Server[], mayRead: (origin: string) => boolean, report: (error: Error) => void): { readonly close: () => void } => {
  const [first] = servers
  if (first === undefined) throw new Error('no listener to introduce on')
  let sockets: WebSocketServer | undefined
  const peers = ExpressPeerServer(first, {
    path: '/',
    key: introduce.key,
    allow_discovery: true,
    concurrent_limit: clientCountMax,
    corsOptions: { origin: (origin: string | undefined, answer: (error: Error | null, allowed: boolean) => void) => answer(null, origin !== undefined && mayRead(origin)) },
    createWebSocketServer: ({ path }) => {
      sockets = new WebSocketServer({ noServer: true, ...(path === undefined ? {} : { path }), maxPayload: messageBytesMax, perMessageDeflate: false })
      sockets.on('connection', boundRate)
      return sockets
    },
  })
  peers.disable('x-powered-by')
  peers.on('error', report)
  app.use(introduce.path, peers)
  const byAddress = new Map<string, number>()
  const count = (address: string, by: number): void => {
    const now = (byAddress.get(address) ?? 0) + by
    if (now === 0) byAddress.delete(address)
    else byAddress.set(address, now)
  }
  const owns = ownership()
  for (const server of servers) {
    server.on('upgrade', (request, socket, head) => {
      const open = sockets
      const address = request.socket.remoteAddress ?? ''
      const isFull = open === undefined || open.clients.size >= socketCountMax || (byAddress.get(address) ?? 0) >= socketsPerAddressMax
      if (isFull || open.shouldHandle(request) !== true || !owns(request.url ?? '')) return socket.destroy()
      return open.handleUpgrade(request, socket, head, (client) => {
        count(address, 1)
        client.on('close', () => count(address, -1))
        open.emit('connection', client, request)
      })
    })
  }
  return {
    close: () => {
      for (const client of sockets?.clients ?? []) client.terminate()
      sockets?.close()
    },
  }
}

/** A PeerServer forgets a tablet 90 s after it was last heard, and would give its id to anyone. @returns whether the token in this address is that with which its id was first registered */
const ownership = (): ((url: string) => boolean) => {
  const tokens = new Map<string, string>()
  return (url) => {
    const { searchParams } = new URL(url, 'ws://hub')
    const [id, token] = [searchParams.get('id') ?? '', searchParams.get('token') ?? '']
    const owner = tokens.get(id) ?? token
    tokens.delete(id)
    tokens.set(id, owner)
    for (const oldest of tokens.keys()) {
      if (tokens.size <= ownedIdsMax) break
      tokens.delete(oldest)
    }
    return owner === token
  }
}

/** Ends a socket that sends more than an introduction needs, or does not take what it is sent. */
const boundRate = (socket: WebSocket): void => {
  let [count, bytes] = [0, 0]
  const reset = setInterval(() => {
    count = bytes = 0
    if (socket.bufferedAmount > bufferedBytesMax) socket.terminate()
  }, 1000)
  socket.on('close', () => clearInterval(reset))
  socket.on('message', (data: Buffer) => {
    count += 1
    bytes += data.length
    if (count > messagesPerSecondMax || bytes > bytesPerSecondMax) socket.close(1008, 'too many messages')
    // Who goes on all the same.
    if (count > 2 * messagesPerSecondMax) socket.terminate()
  })
}
