import type { NodeCrypto } from '../../src/node/crypto.ts'
import { never, type Page } from './page.ts'

/** Cryptography that takes its time, so that other things happen between a question and its answer. The end of a call reaches a frozen page too. */
export const slowCrypto = (crypto: NodeCrypto, page: Page, pause: () => Promise<void>): NodeCrypto => {
  const slow = <A extends readonly unknown[], R>(call: (...parameters: A) => Promise<R>) => async (...parameters: A): Promise<R> => {
    const result = await call(...parameters)
    await pause()
    return page.isGone() ? never<R>() : result
  }
  return {
    sha256: slow(crypto.sha256), verify: slow(crypto.verify), deflate: slow(crypto.deflate), inflate: slow(crypto.inflate), generateIdentity: slow(crypto.generateIdentity),
    signer: (identity) => {
      const signer = crypto.signer(identity)
      return { ...signer, sign: slow(signer.sign) }
    },
    derive: slow(crypto.derive), hmac: slow(crypto.hmac), encrypt: slow(crypto.encrypt), decrypt: slow(crypto.decrypt),
  }
}
