// The public face of the TCP core: what an endpoint and a socket layer call. Everything takes `now` in µs; results are
// counts or negative Linux errno values. See docs/architecture.md, "The TCP core".

export { SHUT_RD, SHUT_RDWR, SHUT_WR, tcpAbort, tcpClose, tcpShutdown } from './close.js';
export { type ConnectData, createTcb, tcpConnect } from './connect.js';
export * from './errno.js';
export { FastOpenState } from './fastopen/state.js';
export type { FlowAddress } from './flow-ends.js';
export { tcpError } from './icmp.js';
export { tcpInfo } from './info.js';
export { tcpInput } from './input.js';
export { roundUpToTick } from './jiffies.js';
export * from './listener.js';
export { tcpOutputNotSent, tcpOutputQueued, tcpPoll } from './poll.js';
export { tcpAtMark, tcpInputQueued, tcpReceive, tcpReceiveUrgent } from './read.js';
export { replyReset } from './reset.js';
export {
  type PayloadSource,
  SegmentIn,
  SegmentOut,
  type SegmentSink,
  type TransmitOwner,
} from './segment.js';
export {
  MSG_DONTWAIT,
  MSG_EOR,
  MSG_FASTOPEN,
  MSG_MORE,
  MSG_OOB,
  MSG_PEEK,
  MSG_TRUNC,
  MSG_WAITALL,
  MSG_ZEROCOPY,
  tcpSend,
} from './send.js';
export * from './socket-options.js';
export * from './states.js';
export * from './tcb.js';
export * from './time-wait.js';
export { tcpNextTimeout, tcpOnTimer } from './timers.js';
