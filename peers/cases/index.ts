// The list of cases, in the order they run.
import type { PeerCase } from '../types.js';
import { dhcp, dhcpDecline, ownClaims, slaac } from './addresses.js';
import { bulkFromKernel, bulkToKernel, duplex } from './bulk.js';
import { manyAccepted, manyOpened } from './connections.js';
import { abort, halfClose, keepalive, refused } from './endings.js';
import { ecn, fastOpenClient, fastOpenServer, plainTcp } from './extensions.js';
import { hpingFlood, synFlood } from './flood.js';
import { igmpSnooping } from './groups.js';
import { curlGets, getsFromNginx } from './http.js';
import { conflict, duplicateAddress, neighbour, ping, snooping, traceroute, udp } from './icmp.js';
import { interactive } from './interactive.js';
import { iperfClient, iperfServer } from './iperf3.js';
import { MTU_CASES, pathMtu } from './mtu.js';
import { soakReceive, soakSend } from './soak.js';
import { smallMessages, urgent, windowLarge, windowSmall, zeroWindow } from './window.js';

export const CASES: readonly PeerCase[] = [
  ping,
  traceroute,
  neighbour,
  conflict,
  duplicateAddress,
  ownClaims,
  dhcp,
  dhcpDecline,
  slaac,
  snooping,
  igmpSnooping,
  udp,
  bulkFromKernel,
  bulkToKernel,
  duplex,
  curlGets,
  getsFromNginx,
  iperfServer,
  iperfClient,
  interactive,
  manyAccepted,
  manyOpened,
  halfClose,
  abort,
  refused,
  keepalive,
  urgent,
  zeroWindow,
  windowSmall,
  windowLarge,
  smallMessages,
  ...MTU_CASES,
  pathMtu,
  ecn,
  plainTcp,
  fastOpenClient,
  fastOpenServer,
  synFlood,
  hpingFlood,
  soakReceive,
  soakSend,
];
