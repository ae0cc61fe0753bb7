import type * as MeshModule from '../../src/node/replication-mesh.ts'
import type * as CodecModule from '../../src/protocol/codec.ts'
import { otherProgram } from './program.ts'

// Programs of other versions: the present one, but for what it announces and says.

/** One that knows no message of a feature. */
export const olderProgram = otherProgram<typeof MeshModule>('../../src/node/replication-mesh.ts', (original) => ({
  meshFeatures: [],
  Mesh: class extends original.Mesh {
    override up(connection: Parameters<MeshModule.Mesh['up']>[0]): void {
      const { open } = connection
      super.up({ ...connection, open: { ...open, peer: { ...open.peer, hello: { ...open.peer.hello, features: [] } } } })
    }
  },
}))

/** One that knows a later version of the protocol and features of which nobody has heard. */
export const newerProgram = otherProgram<typeof CodecModule>('../../src/protocol/codec.ts', ({ encodeMessage }) => ({
  encodeMessage: (message) => encodeMessage(message.type === 'hello' ? { ...message, versions: [2, ...message.versions], features: [...message.features, 'tomorrow'] } : message),
}))
