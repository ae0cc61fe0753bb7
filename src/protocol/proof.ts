import { concatBytes } from '../core/bytes.ts'
import { nodeIdToPublicKey, type NodeId } from '../core/ids.ts'
import { encodeUtf8 } from '../core/utf8.ts'

/** Who dialled this connection, `d`, and who answered, `a`. */
export type Role = 'd' | 'a'

export const otherRole = (role: Role): Role => (role === 'd' ? 'a' : 'd')

/** What both ends of one connection see alike. */
export interface Transcript {
  /** Both hellos as bytes, as sent and received. */
  readonly hello: { readonly d: Uint8Array; readonly a: Uint8Array }
  /** SHA-256 of both DTLS certificates. */
  readonly fingerprint: { readonly d: Uint8Array; readonly a: Uint8Array }
}

/** Four bytes, big-endian. */
export const u32 = (value: number): Uint8Array => {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setUint32(0, value)
  return bytes
}

/** What T is the SHA-256 of: each part after its length as u32. @see PROTOCOL.md [R7] */
export const transcriptBytes = ({ hello, fingerprint }: Transcript): Uint8Array =>
  concatBytes([hello.d, hello.a, fingerprint.d, fingerprint.a].flatMap((part) => [u32(part.length), part]))

/** What signature and MAC of a proof are over. @param transcriptHash T. @see PROTOCOL.md [R7] */
export const proofBytes = (role: Role, nodeId: NodeId, transcriptHash: Uint8Array): Uint8Array =>
  concatBytes([encodeUtf8('millpond/proof/1'), encodeUtf8(role), nodeIdToPublicKey(nodeId), transcriptHash])
