// Bits of `SendState.nonagle` (RFC 9293, section 3.7.4; Linux's TCP_NAGLE_*).

// RFC 9293 MUST-17
/** TCP_NODELAY: Nagle's algorithm is off. */
export const NAGLE_OFF = 1;
/** TCP_CORK or MSG_MORE: hold small segments back until they are full or 200 ms old. */
export const NAGLE_CORK = 2;
/** Send what is there now, once; cleared by the next write. */
export const NAGLE_PUSH = 4;
