// Maximum segment sizes: from the path MTU, what the peer announced, what options take (RFC 9293 section 3.7.1, RFC 6691,
// RFC 1191, RFC 8201), and how large super-packets may become. Sends nothing.
import { MAX_TCP_HEADER } from './memory.js';
import { establishedOptionsLength } from './options-build.js';
import type { Tcb } from './tcb.js';

const TCP_HEADER = 20;
const DEFAULT_MSS = 536;
/** Room that super-packets leave for headers (sk_setup_caps). */
const GSO_RESERVE = MAX_TCP_HEADER + 1;
const SOFTWARE_GSO = 65_536;

/** Network header of the family, without options or extensions. */
export function networkHeader(tcb: Tcb): number {
  return tcb.ipv6 ? 40 : 20;
}

/** Payload per segment for an MTU, ordinary options not taken off (tcp_mtu_to_mss without the header's options). */
function mtuToMssBare(tcb: Tcb, mtu: number): number {
  const mss = mtu - networkHeader(tcb) - TCP_HEADER;
  return Math.max(Math.min(mss, tcb.snd.mssClamp), tcb.host.config.tcpMinSndMss);
}

/** Payload per segment for an MTU, fixed options taken off. */
export function mtuToMss(tcb: Tcb, mtu: number): number {
  return mtuToMssBare(tcb, mtu) - (tcb.snd.headerLength - TCP_HEADER);
}

/** MTU that segments of `mss` payload bytes need. */
export function mssToMtu(tcb: Tcb, mss: number): number {
  return mss + tcb.snd.headerLength + networkHeader(tcb);
}

/** At most half of the largest window that the peer ever offered (a small window is used whole); 68 bytes with the header at least. */
export function boundToHalfWindow(tcb: Tcb, size: number): number {
  const { maxWindow, headerLength } = tcb.snd;
  const cutoff = maxWindow > DEFAULT_MSS ? Math.floor(maxWindow / 2) : maxWindow;
  return cutoff > 0 && size > cutoff ? Math.max(cutoff, 68 - headerLength) : size;
}

// RFC 9293 MUST-16
/** The path MTU is `mtu`: recomputes `snd.mss` (tcp_sync_mss). */
export function syncMss(tcb: Tcb, mtu: number): number {
  const { snd } = tcb;
  if (snd.mtuSearchHigh > mtu) snd.mtuSearchHigh = mtu;
  let mss = boundToHalfWindow(tcb, mtuToMss(tcb, mtu));
  snd.mtuCookie = mtu;
  if (snd.mtuProbing) mss = Math.min(mss, mtuToMss(tcb, snd.mtuSearchLow));
  snd.mss = mss;
  return mss;
}

/** Looks the route up again when routes or path MTUs changed; false when there is none. */
export function refreshRoute(tcb: Tcb): boolean {
  const { host } = tcb;
  if (tcb.routeGeneration !== host.routeGeneration || tcb.route === null) {
    tcb.route = host.route(tcb);
    tcb.routeGeneration = host.routeGeneration;
    if (tcb.route?.fairQueue === true) tcb.snd.pacingStatus = 2;
    else if (tcb.snd.pacingStatus === 2)
      tcb.snd.pacingStatus = tcb.cc.algorithm?.needsPacing === true ? 1 : 0;
  }
  return tcb.route !== null;
}

/** MTU of the route, or what was last known. */
export function routeMtu(tcb: Tcb): number {
  return tcb.route !== null ? tcb.route.mtu : tcb.snd.mtuCookie || 1500;
}

// RFC 9293 MUST-16
/** Payload bytes per segment now, with options taken off and path-MTU changes noticed (tcp_current_mss). */
export function currentMss(tcb: Tcb): number {
  const { snd } = tcb;
  let mss = snd.mss;
  // The route is looked up again when something is sent (transmit.ts), as Linux validates its cached one there.
  if (tcb.route !== null || refreshRoute(tcb)) {
    const mtu = routeMtu(tcb);
    if (mtu !== snd.mtuCookie) mss = syncMss(tcb, mtu);
  }
  const header = TCP_HEADER + establishedOptionsLength(tcb);
  if (header !== snd.headerLength) mss -= header - snd.headerLength;
  return mss;
}

// RFC 9293 MUST-67
/** MSS to announce when the connection begins: what the route allows, and TCP_MAXSEG. */
export function announcedMss(tcb: Tcb, ipv6 = tcb.ipv6): number {
  const { userMss } = tcb.snd;
  const mss = routeAdvMss(tcb, ipv6);
  return userMss > 0 && userMss < mss ? userMss : mss;
}

/** The route's advmss, or what its MTU allows. */
export function routeAdvMss(tcb: Tcb, ipv6 = tcb.ipv6): number {
  const { route } = tcb;
  const { config } = tcb.host;
  const headers = (ipv6 ? 40 : 20) + TCP_HEADER;
  let mss = Math.max((route?.mtu ?? 1500) - headers, config.routeMinAdvMss);
  mss = Math.min(mss, 65_535 - headers);
  if (route !== null && route.advmss > 0) mss = route.advmss;
  return mss;
}

/**
 * Largest super-packet payload. A link that takes none does not change that: transmit.ts then cuts them itself, so that
 * sizes, pushes and bursts are the same on every link (Linux's software GSO).
 */
export function gsoMaxSize(tcb: Tcb): number {
  const size = tcb.route?.gsoMaxSize ?? 0;
  return (size > GSO_RESERVE ? size + 1 : SOFTWARE_GSO) - GSO_RESERVE;
}

/** Whether the link takes a super-packet of `length` payload bytes. */
export function linkTakes(tcb: Tcb, length: number): boolean {
  return length + GSO_RESERVE <= (tcb.route?.gsoMaxSize ?? 0) + 1;
}

/** How large sendmsg lets a segment grow (tcp_xmit_size_goal); `large` false (urgent data): one MSS. */
export function sizeGoal(tcb: Tcb, mss: number, large: boolean): number {
  const { snd } = tcb;
  const most = gsoMaxSize(tcb);
  if (!large) return mss;
  const bounded = boundToHalfWindow(tcb, most);
  let goal = snd.gsoSegments * mss;
  if (bounded < goal || bounded >= goal + mss) {
    snd.gsoSegments = Math.min(Math.floor(bounded / mss), tcb.route?.gsoMaxSegments || 65_535);
    goal = snd.gsoSegments * mss;
  }
  return Math.max(goal, mss);
}

/** Starts packetization-layer path-MTU discovery's search bounds (tcp_mtup_init). */
export function initMtuProbing(tcb: Tcb, now: number): void {
  const { snd } = tcb;
  const { config } = tcb.host;
  snd.mtuProbing = config.tcpMtuProbing > 1;
  snd.mtuSearchHigh = snd.mssClamp + TCP_HEADER + networkHeader(tcb);
  snd.mtuSearchLow = mssToMtu(tcb, config.tcpBaseMss);
  snd.mtuProbeSize = 0;
  if (snd.mtuProbing) snd.mtuProbeStamp = now;
}
