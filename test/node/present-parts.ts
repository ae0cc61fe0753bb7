import { aql } from '../../src/node/aql.ts'
import type { LaterParts } from '../../src/node/later.ts'
import { encodeInvitation } from '../../src/protocol/invitation.ts'

/** What a browser loads later is at hand, so that nothing waits for a file: one seed is one run. */
export const presentParts: LaterParts = { aql, encodeInvitation: async (invitation) => encodeInvitation(invitation) }
