// ioctl requests of a TCP socket (Linux's tcp_ioctl).
import { TCP_LISTEN, tcpAtMark, tcpInputQueued, tcpOutputNotSent, tcpOutputQueued } from '../tcp/index.js';
import { SIOCATMARK, SIOCINQ, SIOCOUTQ, SIOCOUTQNSD } from './constants.js';
import { EINVAL, ENOTTY } from './errno.js';
import type { TcpSocket } from './tcp-socket.js';

export function tcpSocketIoctl(socket: TcpSocket, request: number, value: Int32Array | number[]): number {
  const { tcb } = socket;
  if (request === SIOCATMARK) {
    value[0] = tcpAtMark(tcb) ? 1 : 0;
    return 0;
  }
  if (request !== SIOCINQ && request !== SIOCOUTQ && request !== SIOCOUTQNSD) return -ENOTTY;
  if (tcb.state === TCP_LISTEN) return -EINVAL;
  if (request === SIOCINQ) value[0] = tcpInputQueued(tcb);
  else if (request === SIOCOUTQ) value[0] = tcpOutputQueued(tcb);
  else value[0] = tcpOutputNotSent(tcb);
  return 0;
}
