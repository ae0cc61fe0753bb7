/** Bounds of version 1. Bytes and milliseconds; a bound is the largest value allowed. @see PROTOCOL.md */

const KIB = 1024

// messages and frames
export const FRAME_BYTES_MAX = 65_535
/** Largest message of every type but `fork`. */
export const MESSAGE_BYTES_MAX = 256 * KIB
/** Largest message of all, `fork`: what a transport has to carry. The session holds the smaller bound of the other types. */
export const FORK_BYTES_MAX = 512 * KIB

// handshake
/** What a peer may send in all before both proofs hold. */
export const HANDSHAKE_BYTES_MAX = 4 * KIB
export const HANDSHAKE_MS_MAX = 10_000
/** What is held, undecoded, while the proof that came before it is being checked. */
export const HELD_BYTES_MAX = 512 * KIB
export const VERSIONS_MAX = 16
export const FEATURES_MAX = 64
export const FEATURE_BYTES_MAX = 32
/** Former ids told. */
export const FORMERS_MAX = 4

// about, members
export const NAME_BYTES_MAX = 256
export const SOFTWARE_BYTES_MAX = 64
export const HUBS_MAX = 16
export const HUB_BYTES_MAX = 512
export const MEMBERS_MAX = 2_000
export const LINKS_MAX = 32
/** Entries in one message as this program sends it: with the longest names and most links still below the bound of a message. */
export const MEMBERS_PER_MESSAGE = 100
export const MEMBERS_SAID_MS = 1_000
/** Entries of `members` that one peer may say in a second, averaged over ten. */
export const MEMBERS_PER_SECOND_MAX = 200
/** A node signs its entry anew when it changes, and this often when it does not: who hears of it knows that it runs. */
export const MEMBER_SIGNED_MS = 60_000
/** A node whose entry is older is not counted any more. */
export const MEMBERS_HEARD_MS = 180_000

// have, want, segment
export const STREAM_ID_BYTES_MAX = 512
/** Heads, starts and forks together in one `have`; a longer one is split. */
export const HAVE_ENTRIES_MAX = 1_000
export const HAVE_INTERVAL_MS = 1_000
export const BRANCHES_MAX = 4
export const STREAMS_MAX = 10_000
/** A header of version 1 has 167 bytes; another label may need more. */
export const HEADER_BYTES_MAX = 512
/** A closed body has at most 192 KiB; deflating what cannot be deflated adds a little. */
export const BODY_BYTES_MAX = 193 * KIB
export const WANT_BUDGET_BYTES = 512 * KIB
export const WANT_BUDGET_BYTES_MAX = 16 * 1024 * KIB
/** Wants of one peer that wait for their answer here; one more is answered by `busy`. */
export const WANTS_WAITING_MAX = 16
/** Wants open at one peer at a time. */
export const WANTS_OPEN_MAX = 4
/** A peer without a frame for so long is not asked for now. */
export const SILENT_MS = 10_000
/** While a want is without a piece for so long, another peer may be asked for the same stream. */
export const WANT_IDLE_MS = 2_000
/** A want without a piece for so long is given up, though its peer is heard. */
export const WANT_MS_MAX = 30_000
/** A peer that is busy is asked again after this. */
export const BUSY_MS = 1_000
/** Pushed to one peer and not yet covered by its `have`. */
export const PUSH_BYTES_MAX = 512 * KIB
/** Pushed pieces of one peer that wait here to be verified; what comes beyond is asked for instead. */
export const INTAKE_BYTES_MAX = 512 * KIB
/** Streams that a peer has pushed pieces of, and of which nothing could be stored: it says what it has in `have` within a second. */
export const UNHELD_PUSHED_MAX = 200
/** What a piece, and each message that is held, counts beside its bytes. */
export const PIECE_BYTES = 512
/** With more streams than this to be asked for, they are looked through at most once in `LOOK_MS`. */
export const LOOK_COUNT_MAX = 1_000
export const LOOK_MS = 50
/** What was reported once: so many are remembered, newest first. */
export const REPORTED_MAX = 1_000

// relay, layer, ping
export const RELAY_BYTES_MAX = 4 * KIB
export const RELAY_HOPS_MAX = 4
export const RELAYS_PER_SECOND_MAX = 20
export const RELAY_SEEN_MS = 60_000
export const CHANNEL_BYTES_MAX = 64
export const LAYER_BYTES_MAX = 255 * KIB
/** Standby connections that a node keeps as caller, and as listener, per other node. */
export const STANDBYS_PER_PEER = 2
export const PING_INTERVAL_MS = 2_000
/** With so many unanswered no further one is said: a page that was frozen gets them all at once. */
export const PINGS_OPEN_MAX = 5
/** So many entries of a `have` count as one message more. */
export const HAVE_ENTRIES_PER_CONTROL = 100
/** Messages of the types `have`, `relay`, `members`, `ping` and `pong` that one peer may send in a second, averaged over ten. */
export const CONTROLS_PER_SECOND_MAX = 100
