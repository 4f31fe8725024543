// The MUSTs of RFC 9293, Appendix B, in our own words: `id | section | what is asked | verdict | why`. Verdicts: `met`;
// `linux`, where the default profile deliberately does as Linux and the strict profile meets the requirement; `moot`,
// where the requirement hangs on a condition that does not arise.
export const MUST = `
MUST-1 | 3.1 | The window field is an unsigned number. | met |
MUST-2 | 3.1 | Every segment that is sent carries the checksum over header, data and pseudo-header. | met |
MUST-3 | 3.1 | The checksum of every segment that arrives is verified. | met |
MUST-4 | 3.1 | End of list, no-operation and maximum segment size are supported. | met |
MUST-5 | 3.1 | Options are read in any segment, not in SYNs alone. | met |
MUST-6 | 3.1 | Unknown options are skipped by their length, without an error. | met |
MUST-7 | 3.1 | An option with an impossible length does no harm. | met |
MUST-8 | 3.4.1 | Initial sequence numbers follow a clock. | met |
MUST-9 | 3.4.1 | The function that spreads initial sequence numbers over flows cannot be computed from outside. | met |
MUST-10 | 3.5 | Two SYNs that cross open one connection. | met |
MUST-11 | 3.5 | A connection in SYN-RECEIVED knows whether it was opened actively or passively. | met |
MUST-12 | 3.6 | An application learns whether its connection was closed or aborted. | met |
MUST-13 | 3.6.1 | Who closes first waits in TIME-WAIT for two maximum segment lifetimes. | linux | Linux takes 30 s for a segment's lifetime and waits 60 s; strict takes the RFC's 2 minutes and waits 240 s
MUST-14 | 3.7.1 | The MSS option is sent and understood. | met |
MUST-15 | 3.7.1 | A peer that names no MSS is sent segments of at most 536 bytes over IPv4, 1220 over IPv6. | met |
MUST-16 | 3.7.1 | The size of a segment takes into account the peer's MSS, what IP can carry, and the options in use. | met |
MUST-17 | 3.7.4 | An application can switch the Nagle algorithm off for its connection. | met |
MUST-18 | 3.8.1 | A segment that was retransmitted gives no round-trip sample (Karn), and RTO is computed as RFC 6298 says. | met |
MUST-19 | 3.8.2 | Slow start, congestion avoidance and exponential backoff of the retransmission timer. | met |
MUST-20 | 3.8.3 | Two thresholds for retransmissions of a segment: at R1 the network layer is told, at R2 the connection is closed. | met |
MUST-21 | 3.8.3 | An application can set R2 for its connection. | met |
MUST-22 | 3.8.3 | R1 and R2 hold for SYNs too. | met |
MUST-23 | 3.8.3 | R2 of a SYN is large enough for three minutes of retransmissions. | linux | Linux counts: tcp_syn_retries ends after about 131 s, tcp_synack_retries after 63 s; strict goes on until three minutes have passed unless the application has set a bound
MUST-24 | 3.8.4 | Keepalive can be switched on and off for each connection. | met |
MUST-25 | 3.8.4 | Keepalive is off unless asked for. | met |
MUST-26 | 3.8.4 | Keepalive probes go out only when nothing is outstanding and nothing came for an interval. | met |
MUST-27 | 3.8.4 | The interval can be configured. | met |
MUST-28 | 3.8.4 | The default interval is two hours or more. | met |
MUST-29 | 3.8.4 | One keepalive probe without an answer does not yet mean a dead connection. | met |
MUST-30 | 3.8.5 | Urgent data is supported. | met |
MUST-31 | 3.8.5 | Urgent data may be of any length. | met |
MUST-32 | 3.8.5 | The application is told at once when an urgent pointer moves ahead of what was known. | met |
MUST-33 | 3.8.5 | The application can find out whether urgent data is still to be read. | met |
MUST-34 | 3.8.6 | A sender survives a window that is taken back. | met |
MUST-35 | 3.8.6 | A window that shrank to zero is probed like any other. | met |
MUST-36 | 3.8.6.1 | Zero windows are probed. | met |
MUST-37 | 3.8.6.1 | A connection whose peer answers probes stays open, however long the window stays zero. | met |
MUST-38 | 3.8.6.2.1 | The sender avoids silly windows. | met |
MUST-39 | 3.8.6.2.2 | The receiver avoids silly windows. | met |
MUST-40 | 3.8.6.3 | An ACK is delayed by less than half a second. | met |
MUST-41 | 3.9.1.1 | A passive open touches no connection that exists. | met |
MUST-42 | 3.9.1.1 | One can listen on a port while a connection of the same port is being opened. | met |
MUST-43 | 3.9.1.1 | The local address of a connection can be chosen. | met |
MUST-44 | 3.9.1.1 | When it is not, the network layer chooses before the first SYN. | met |
MUST-45 | 3.9.1.1 | From then on the connection keeps its local address. | met |
MUST-46 | 3.9.1.1 | Opening towards a broadcast or multicast address is an error. | met |
MUST-47 | 3.9.1.8 | Troubles that do not end a connection are reported: ICMP errors, many retransmissions, urgent data. | linux | Linux reports ICMP errors (SO_ERROR, IP_RECVERR) and urgent data, but leaves R1 to TCP_INFO; strict sets SO_ERROR and POLLERR at R1 too
MUST-48 | 3.9.1.9 | An application can set the Diffserv field of its connection. | met |
MUST-49 | 3.9.2 | The TTL of segments can be configured. | met |
MUST-50 | 3.9.2 | IP options that mean nothing to TCP are ignored. | met |
MUST-51 | 3.9.2.1 | Where source routing is used, an application can give a source route. | moot | source routing is not used: as Linux by default, IP drops packets with a source route and originates none (RFC 7126; RFC 5095 for IPv6)
MUST-52 | 3.9.2.1 | The application's route counts for more than one that was received. | moot | no source route is ever received or given, see MUST-51
MUST-53 | 3.9.2.1 | A passive open keeps the return route of the packet that opened it. | moot | no source route is ever received, see MUST-51
MUST-54 | 3.9.2.2 | ICMP errors reach the connection whose segment they quote. | met |
MUST-55 | 3.9.2.2 | Source quench is discarded silently. | met |
MUST-56 | 3.9.2.2 | Unreachable (net, host, source route), time exceeded and parameter problem do not abort a connection. | linux | Linux ends an attempt to connect (SYN-SENT, SYN-RECEIVED) by any ICMP error, as RFC 5461 section 4 describes; strict remembers it as a soft error in every state
MUST-57 | 3.9.2.3 | Segments to a broadcast or multicast address are dropped without a word. | met |
MUST-58 | 3.10.7.4 | ACKs are aggregated: several segments that came together are answered by one. | met |
MUST-59 | 3.10.7.4 | All queued segments are processed before an ACK is sent. | met |
MUST-60 | 3.9.1.2 | Without a PUSH flag in the interface, data is not buffered for ever. | met |
MUST-61 | 3.9.1.2 | Without a PUSH flag in the interface, the last buffered segment carries PSH. | met |
MUST-62 | 3.8.5 | The urgent pointer names the byte behind the urgent data. | met |
MUST-63 | 3.9.2.3 | A SYN from an impossible source address is ignored. | met |
MUST-64 | 3.1 | Options need no alignment. | met |
MUST-65 | 3.7.1 | The MSS option is sent in SYN segments only. | met |
MUST-66 | 3.10.7.4 | RST and urgent pointer are heeded even while our window is zero. | met |
MUST-67 | 3.7.1 | The MSS we announce is what IP can reassemble or receive, less the fixed header of TCP. | met |
MUST-68 | 3.1 | Every option but end of list and no-operation has a length. | met |
MUST-69 | 3.1 | What follows the end of the option list is zero. | met |
`;
