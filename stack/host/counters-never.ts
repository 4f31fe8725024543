// Counters of Linux that cannot move here, each with its reason. They are shown as 0, which is true: what they count does not occur.

/** Reason, and the names it holds for, separated by white space. */
const GROUPS: readonly (readonly [reason: string, names: string])[] = [
  ['a host forwards nothing', 'IpForwDatagrams Ip6OutForwDatagrams Ip6InTooBigErrors Icmp6OutPktTooBigs'],
  [
    'routers alone say it, and Linux as a host counts what has no route as an address error',
    'IpExtInNoRoutes Ip6InNoRoutes IcmpOutRedirects Icmp6OutRedirects Icmp6OutRouterAdvertisements Icmp6OutGroupMembQueries',
  ],
  ['what IP takes it hands on: nothing is discarded between', 'IpInDiscards Ip6InDiscards'],
  ['IPv6 has no broadcast', 'Ip6InBcastOctets Ip6OutBcastOctets'],
  [
    'the stack asks nothing by ICMP and answers echo requests alone; source quench is obsolete (RFC 6633)',
    'IcmpOutSrcQuenchs IcmpOutEchos IcmpOutTimestamps IcmpOutTimestampReps IcmpOutAddrMasks IcmpOutAddrMaskReps Icmp6OutEchos',
  ],
  ['no memory limit over all datagrams (udp_mem)', 'UdpMemErrors Udp6MemErrors'],
  [
    'no UDP-Lite (RFC 3828)',
    `UdpLiteInDatagrams UdpLiteNoPorts UdpLiteInErrors UdpLiteOutDatagrams UdpLiteRcvbufErrors UdpLiteSndbufErrors
    UdpLiteInCsumErrors UdpLiteIgnoredMulti UdpLiteMemErrors UdpLite6InDatagrams UdpLite6NoPorts UdpLite6InErrors
    UdpLite6OutDatagrams UdpLite6RcvbufErrors UdpLite6SndbufErrors UdpLite6InCsumErrors UdpLite6MemErrors`,
  ],
  [
    'no ARP filter (arp_filter) and no reverse path filter (rp_filter)',
    'TcpExtArpFilter TcpExtIPReversePathFilter',
  ],
  ['no reserve of memory for swapping over the network', 'TcpExtPFMemallocDrop'],
  ['no busy polling (SO_BUSY_POLL)', 'TcpExtBusyPollRxPackets'],
  [
    'one thread owns a socket: nothing finds it locked, nothing waits in a backlog',
    'TcpExtLockDroppedIcmps TcpExtDelayedACKLocked TcpExtTCPBacklogCoalesce TcpExtTCPBacklogDrop',
  ],
  [
    'requests do not move between listeners (tcp_migrate_req)',
    'TcpExtTCPMigrateReqSuccess TcpExtTCPMigrateReqFailure',
  ],
  ['no protective load balancing (tcp_plb_enabled)', 'TcpExtTCPPLBRehash'],
  [
    'no authentication option (RFC 5925)',
    'TcpExtTCPAOBad TcpExtTCPAORequired TcpExtTCPAOKeyNotFound TcpExtTCPAOGood TcpExtTCPAODroppedIcmps',
  ],
  [
    'no multipath TCP (RFC 8684)',
    `MPCapableSYNRX MPCapableSYNTX MPCapableSYNACKRX MPCapableACKRX MPCapableFallbackACK MPCapableFallbackSYNACK
    MPCapableSYNTXDrop MPCapableSYNTXDisabled MPCapableEndpAttempt MPFallbackTokenInit MPTCPRetrans MPJoinNoTokenFound
    MPJoinSynRx MPJoinSynBackupRx MPJoinSynAckRx MPJoinSynAckBackupRx MPJoinSynAckHMacFailure MPJoinAckRx
    MPJoinAckHMacFailure MPJoinRejected MPJoinSynTx MPJoinSynTxCreatSkErr MPJoinSynTxBindErr MPJoinSynTxConnectErr
    DSSNotMatching DSSCorruptionFallback DSSCorruptionReset InfiniteMapTx InfiniteMapRx DSSNoMatchTCP DataCsumErr
    OFOQueueTail OFOQueue OFOMerge NoDSSInWindow DuplicateData AddAddr AddAddrTx AddAddrTxDrop EchoAdd EchoAddTx
    EchoAddTxDrop PortAdd AddAddrDrop MPJoinPortSynRx MPJoinPortSynAckRx MPJoinPortAckRx MismatchPortSynRx
    MismatchPortAckRx RmAddr RmAddrDrop RmAddrTx RmAddrTxDrop RmSubflow MPPrioTx MPPrioRx MPFailTx MPFailRx
    MPFastcloseTx MPFastcloseRx MPRstTx MPRstRx SubflowStale SubflowRecover SndWndShared RcvWndShared
    RcvWndConflictUpdate RcvWndConflict MPCurrEstab Blackhole MPCapableDataFallback MD5SigFallback DssFallback
    SimultConnectFallback FallbackFailed WinProbe`
      .trim()
      .split(/\s+/)
      .map((name) => `MPTcpExt${name}`)
      .join(' '),
  ],
];

/** Name to reason. */
export const NEVER_COUNTED: ReadonlyMap<string, string> = new Map(
  GROUPS.flatMap(([reason, names]) => names.split(/\s+/).map((name) => [name, reason] as const)),
);
