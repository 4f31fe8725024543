// SNMP and TcpExt counters of one stack, under Linux's names (/proc/net/snmp, /proc/net/netstat).
// Always on: an increment of a typed array.

/** Name order is the index order. Groups as Linux prints them; add at the end of a group as features come. */
export const TCP_COUNTER_NAMES = [
  'TcpActiveOpens',
  'TcpPassiveOpens',
  'TcpAttemptFails',
  'TcpEstabResets',
  'TcpInSegs',
  'TcpOutSegs',
  'TcpRetransSegs',
  'TcpInErrs',
  'TcpOutRsts',
  'TcpInCsumErrors',
  'TcpExtSyncookiesSent',
  'TcpExtSyncookiesRecv',
  'TcpExtSyncookiesFailed',
  'TcpExtEmbryonicRsts',
  'TcpExtPruneCalled',
  'TcpExtRcvPruned',
  'TcpExtOfoPruned',
  'TcpExtOutOfWindowIcmps',
  'TcpExtTW',
  'TcpExtTWRecycled',
  'TcpExtTWKilled',
  'TcpExtPAWSActive',
  'TcpExtPAWSEstab',
  'TcpExtBeyondWindow',
  'TcpExtTSEcrRejected',
  'TcpExtPAWSOldAck',
  'TcpExtPAWSTimewait',
  'TcpExtDelayedACKs',
  'TcpExtDelayedACKLost',
  'TcpExtListenOverflows',
  'TcpExtListenDrops',
  'TcpExtTCPHPHits',
  'TcpExtTCPPureAcks',
  'TcpExtTCPHPAcks',
  'TcpExtTCPRenoRecovery',
  'TcpExtTCPSackRecovery',
  'TcpExtTCPSACKReneging',
  'TcpExtTCPSACKReorder',
  'TcpExtTCPRenoReorder',
  'TcpExtTCPTSReorder',
  'TcpExtTCPFullUndo',
  'TcpExtTCPPartialUndo',
  'TcpExtTCPDSACKUndo',
  'TcpExtTCPLossUndo',
  'TcpExtTCPLostRetransmit',
  'TcpExtTCPRenoFailures',
  'TcpExtTCPSackFailures',
  'TcpExtTCPLossFailures',
  'TcpExtTCPFastRetrans',
  'TcpExtTCPSlowStartRetrans',
  'TcpExtTCPTimeouts',
  'TcpExtTCPLossProbes',
  'TcpExtTCPLossProbeRecovery',
  'TcpExtTCPRenoRecoveryFail',
  'TcpExtTCPSackRecoveryFail',
  'TcpExtTCPRcvCollapsed',
  'TcpExtTCPDSACKOldSent',
  'TcpExtTCPDSACKOfoSent',
  'TcpExtTCPDSACKRecv',
  'TcpExtTCPDSACKOfoRecv',
  'TcpExtTCPAbortOnData',
  'TcpExtTCPAbortOnClose',
  'TcpExtTCPAbortOnMemory',
  'TcpExtTCPAbortOnTimeout',
  'TcpExtTCPAbortOnLinger',
  'TcpExtTCPAbortFailed',
  'TcpExtTCPMemoryPressures',
  'TcpExtTCPSACKDiscard',
  'TcpExtTCPDSACKIgnoredOld',
  'TcpExtTCPDSACKIgnoredNoUndo',
  'TcpExtTCPSpuriousRTOs',
  'TcpExtTCPMD5NotFound',
  'TcpExtTCPMD5Unexpected',
  'TcpExtTCPMD5Failure',
  'TcpExtTCPSackShifted',
  'TcpExtTCPSackMerged',
  'TcpExtTCPSackShiftFallback',
  'TcpExtTCPMinTTLDrop',
  'TcpExtTCPDeferAcceptDrop',
  'TcpExtTCPTimeWaitOverflow',
  'TcpExtTCPReqQFullDoCookies',
  'TcpExtTCPReqQFullDrop',
  'TcpExtTCPRetransFail',
  'TcpExtTCPRcvCoalesce',
  'TcpExtTCPOFOQueue',
  'TcpExtTCPOFODrop',
  'TcpExtTCPOFOMerge',
  'TcpExtTCPChallengeACK',
  'TcpExtTCPSYNChallenge',
  'TcpExtTCPFastOpenActive',
  'TcpExtTCPFastOpenActiveFail',
  'TcpExtTCPFastOpenPassive',
  'TcpExtTCPFastOpenPassiveFail',
  'TcpExtTCPFastOpenListenOverflow',
  'TcpExtTCPFastOpenCookieReqd',
  'TcpExtTCPFastOpenBlackhole',
  'TcpExtTCPSpuriousRtxHostQueues',
  'TcpExtTCPAutoCorking',
  'TcpExtTCPFromZeroWindowAdv',
  'TcpExtTCPToZeroWindowAdv',
  'TcpExtTCPWantZeroWindowAdv',
  'TcpExtTCPSynRetrans',
  'TcpExtTCPOrigDataSent',
  'TcpExtTCPHystartTrainDetect',
  'TcpExtTCPHystartTrainCwnd',
  'TcpExtTCPHystartDelayDetect',
  'TcpExtTCPHystartDelayCwnd',
  'TcpExtTCPACKSkippedSynRecv',
  'TcpExtTCPACKSkippedPAWS',
  'TcpExtTCPACKSkippedSeq',
  'TcpExtTCPACKSkippedFinWait2',
  'TcpExtTCPACKSkippedTimeWait',
  'TcpExtTCPACKSkippedChallenge',
  'TcpExtTCPWinProbe',
  'TcpExtTCPKeepAlive',
  'TcpExtTCPMTUPFail',
  'TcpExtTCPMTUPSuccess',
  'TcpExtTCPDelivered',
  'TcpExtTCPDeliveredCE',
  'TcpExtTCPAckCompressed',
  'TcpExtTCPZeroWindowDrop',
  'TcpExtTCPRcvQDrop',
  'TcpExtTCPWqueueTooBig',
  'TcpExtTCPFastOpenPassiveAltKey',
  'TcpExtTcpTimeoutRehash',
  'TcpExtTCPDSACKRecvSegs',
  'TcpExtTCPDSACKIgnoredDubious',
] as const;

export type TcpCounterName = (typeof TCP_COUNTER_NAMES)[number];

const indexOfName = new Map<string, number>(TCP_COUNTER_NAMES.map((name, index) => [name, index]));

/** Index of a counter: resolve once at module load, then use `TcpCounters.add(index)`. */
export function counterIndex(name: TcpCounterName): number {
  return indexOfName.get(name)!;
}

export class TcpCounters {
  readonly values = new Float64Array(TCP_COUNTER_NAMES.length);

  add(index: number, by = 1): void {
    this.values[index]! += by;
  }

  /** Value by Linux's name; undefined when there is no such counter. */
  get(name: string): number | undefined {
    const index = indexOfName.get(name);
    return index === undefined ? undefined : this.values[index]!;
  }

  /** All counters, name to value. */
  snapshot(): Record<string, number> {
    return Object.fromEntries(TCP_COUNTER_NAMES.map((name, index) => [name, this.values[index]!]));
  }
}
