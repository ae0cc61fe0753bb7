// A PeerServer as the hub has it, in a process of its own: it cannot be stopped otherwise. Argument: the port, 0 for any. Prints the port. Ends with its input.
import { createServer } from 'node:http'
import express from 'express'
import { ExpressPeerServer } from 'peer'

const app = express()
const server = createServer(app)
app.use('/introduce', ExpressPeerServer(server, { path: '/', key: 'millpond', allow_discovery: true }))
server.listen(Number(process.argv[2]), '127.0.0.1', () => console.log(server.address().port))
process.stdin.resume().on('end', () => process.exit())
