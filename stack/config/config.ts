// The configuration of one stack: every option writable while it runs, each with Linux's default and unit.
// Rules for when an option is read stand beside it: (creation) when a socket or connection is made, (use) each time.
// Names follow the sysctls; sysctls.ts maps the Linux names to these fields.

export class StackConfig {
  // --- clock and profile (not sysctls) ---
  /** Timer tick in Hz to which deadlines round up, as Linux's jiffies do; 0: exact. (use) */
  hz = 1000;
  /** 'linux': Linux's defaults and departures; 'strict': RFC 9293 where the two differ. (use) */
  profile: 'linux' | 'strict' = 'linux';
  /** How CUBIC leaves slow start before loss: Linux's HyStart, HyStart++ (RFC 9406), or not at all. (creation) */
  hystart: 'classic' | 'rfc9406' | 'off' = 'classic';

  // --- net.core ---
  somaxconn = 4096; // (use, in listen)
  rmemDefault = 212_992;
  rmemMax = 4_194_304;
  wmemDefault = 212_992;
  wmemMax = 4_194_304;
  optmemMax = 131_072;
  maxSkbFrags = 17;
  defaultQdisc = 'pfifo_fast';
  txQueueLength = 500; // packets; Linux's tun default (txqueuelen)

  // --- net.ipv4: TCP. Units as Linux's. ---
  tcpAbortOnOverflow = 0;
  tcpAdvWinScale = 1;
  tcpAppWin = 31;
  tcpAutocorking = 1;
  tcpBacklogAckDefer = 1;
  tcpBaseMss = 1024;
  tcpChallengeAckLimit = 2_147_483_647;
  tcpCompSackDelayNs = 1_000_000;
  tcpCompSackNr = 44;
  tcpCompSackSlackNs = 100_000;
  tcpCongestionControl = 'cubic'; // (creation)
  tcpDsack = 1;
  tcpEarlyRetrans = 3;
  tcpEcn = 2;
  tcpEcnFallback = 1;
  tcpEcnOption = 2;
  tcpEcnOptionBeacon = 3;
  tcpFack = 0;
  tcpFastopen = 1;
  tcpFastopenBlackholeTimeoutSec = 0;
  tcpFastopenKey = '';
  tcpFinTimeout = 60; // s
  tcpFrto = 2;
  tcpInvalidRatelimit = 500; // ms
  tcpKeepaliveIntvl = 75; // s
  tcpKeepaliveProbes = 9;
  // RFC 9293 MUST-27, MUST-28
  tcpKeepaliveTime = 7200; // s
  tcpLimitOutputBytes = 4_194_304;
  tcpMaxOrphans = 131_072;
  tcpMaxReordering = 300;
  tcpMaxSynBacklog = 2048;
  tcpMaxTwBuckets = 131_072;
  tcpMem: [number, number, number] = [287_901, 383_869, 575_802]; // pages of 4 KiB
  tcpMinRttWlen = 300; // s
  tcpMinSndMss = 48;
  tcpMinTsoSegs = 2;
  tcpModerateRcvbuf = 1;
  tcpMtuProbeFloor = 48;
  tcpMtuProbing = 0;
  tcpNoMetricsSave = 0;
  tcpNoSsthreshMetricsSave = 1;
  tcpNotsentLowat = 4_294_967_295;
  tcpOrphanRetries = 0;
  tcpPacingCaRatio = 120; // %
  tcpPacingSsRatio = 200; // %
  tcpPingpongThresh = 1;
  tcpProbeInterval = 600; // s
  tcpProbeThreshold = 8;
  tcpRecovery = 1;
  tcpReflectTos = 0;
  tcpReordering = 3;
  tcpRetransCollapse = 1;
  // RFC 9293 SHLD-10
  tcpRetries1 = 3;
  // RFC 9293 SHLD-11
  tcpRetries2 = 15;
  tcpRfc1337 = 0;
  tcpRmem: [number, number, number] = [4096, 131_072, 33_554_432];
  tcpRtoMaxMs = 120_000;
  tcpRtoMinUs = 200_000;
  tcpSack = 1;
  tcpShrinkWindow = 0;
  tcpSlowStartAfterIdle = 1;
  tcpStdurg = 0;
  tcpSynLinearTimeouts = 4;
  tcpSynRetries = 6;
  tcpSynackRetries = 5;
  tcpSyncookies = 1;
  tcpThinLinearTimeouts = 0;
  tcpTimestamps = 1;
  tcpTsoRttLog = 9;
  tcpTsoWinDivisor = 3;
  tcpTwReuse = 2;
  tcpTwReuseDelay = 1000; // ms
  tcpWindowScaling = 1;
  tcpWmem: [number, number, number] = [4096, 16_384, 4_194_304];
  tcpWorkaroundSignedWindows = 0;

  // RFC 9293 MUST-49
  // --- net.ipv4 and net.ipv6: IP, ICMP, ports ---
  ipDefaultTtl = 64;
  ipv6HopLimit = 64;
  ipLocalPortRange: [number, number] = [32_768, 60_999];
  ipNoPmtuDisc = 0;
  ipNonlocalBind = 0;
  ipUnprivilegedPortStart = 1024;
  icmpRatelimit = 1000; // ms
  icmpRatemask = 6168;
  icmpMsgsPerSec = 1000;
  icmpMsgsBurst = 50;
  icmpEchoIgnoreAll = 0;
  ipv6IcmpRatelimit = 1000;
  autoFlowlabels = 1;
  routeMinAdvMss = 256;
  routeMinPmtu = 552;
  routeMtuExpires = 600; // s
  ipv6Bindv6only = 0;
  ipv6AcceptDad = 1;
  ipv6DadTransmits = 1;
}
