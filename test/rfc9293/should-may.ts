// The SHOULDs, MAYs and the one RECOMMENDED of RFC 9293, Appendix B, in our own words; the form is that of must.ts, and
// `unmet` is a further verdict: not done, with the reason. A MAY that is done is `met`.
export const SHOULD = `
SHLD-1 | 3.4.1 | Initial sequence numbers are a clock plus a keyed hash of the flow (RFC 6528). | met |
SHLD-2 | 3.5.3 | A RST may carry data. | met |
SHLD-3 | 3.6.1 | Data that is lost by a close, because it was unread or came later, is answered with a RST. | met |
SHLD-4 | 3.6.1 | Timestamps shorten TIME-WAIT (RFC 6191). | met |
SHLD-5 | 3.7.1 | The MSS option is sent in every SYN unless the default would do. | met |
SHLD-6 | 3.7.3 | Where the MTU of an interface varies from packet to packet, the MSS goes by the smallest. | moot | an interface of this stack has one MTU; a path whose MTU changes is path MTU discovery's
SHLD-7 | 3.7.4 | The Nagle algorithm is implemented. | met |
SHLD-8 | 3.8.2 | Explicit congestion notification (RFC 3168) is implemented. | met |
SHLD-9 | 3.8.3 | The application is told between R1 and R2. | linux | Linux leaves it to TCP_INFO (tcpi_retransmits, tcpi_backoff); strict sets SO_ERROR and POLLERR
SHLD-10 | 3.8.3 | R1 is three retransmissions at least. | met |
SHLD-11 | 3.8.3 | R2 is a hundred seconds at least. | met |
SHLD-12 | 3.8.4 | Keepalive probes carry no data. | met |
SHLD-13 | 3.9.1.2 | New applications leave urgent data alone. | moot | it is asked of applications; the stack only offers it
SHLD-14 | 3.8.6 | The right edge of an offered window is not taken back. | met |
SHLD-15 | 3.8.6 | Beyond a window that was taken back nothing new is sent. | met |
SHLD-16 | 3.8.6 | What was sent and still lies within the window is retransmitted as ever. | met |
SHLD-17 | 3.8.6 | A connection does not time out because data beyond the edge is not acknowledged. | met |
SHLD-18 | 3.8.6.3 | ACKs are delayed. | met |
SHLD-19 | 3.8.6.3 | At least every second full-sized segment is acknowledged. | met |
SHLD-20 | 3.9.1.8 | An application can do without reports of errors. | met |
SHLD-21 | 3.9.1.9 | The Diffserv field can be changed while the connection lives. | met |
SHLD-22 | 3.9.1.9 | The Diffserv field reaches IP unchanged. | met |
SHLD-23 | 3.9.2 | Applications do not change the Diffserv field as a rule. | moot | it is asked of applications; the stack changes it for nobody
SHLD-24 | 3.9.2.1 | A later source route replaces an earlier one. | moot | no source route is ever received, see MUST-51
SHLD-25 | 3.9.2.2 | Soft ICMP errors are made known to the application. | met |
SHLD-26 | 3.9.2.2 | Protocol or port unreachable aborts the connection. | linux | in both profiles: once synchronised, a hard error is remembered like a soft one, because it is easily forged (RFC 5927 section 5.2; the RFC itself notes this behaviour); it ends an attempt to connect, and “fragmentation needed” is path MTU discovery's
SHLD-27 | 3.9.1.2 | Successive pushes are collapsed into the largest segment. | met |
SHLD-28 | 3.9.1.2 | Full-sized segments are sent whenever possible. | met |
SHLD-29 | 3.8.6.1 | The first probe of a zero window goes out after one retransmission timeout. | met |
SHLD-30 | 3.8.6.1 | The interval between probes of a zero window grows exponentially. | met |
SHLD-31 | 3.10.7.4 | Segments that come too early are kept. | met |
`;

export const MAY = `
REC-1 | 3.1 | Windows are kept as 32-bit numbers. | met |
MAY-1 | 3.6.1 | A close may end both directions. | met |
MAY-2 | 3.6.1 | TIME-WAIT may accept a SYN that opens anew. | met |
MAY-3 | 3.7.1 | The MSS option may always be sent. | met |
MAY-4 | 3.8.1 | A retransmission may repeat the IP identification. | unmet | not taken: segments go out as new atomic packets (RFC 6864), whose identification means nothing
MAY-5 | 3.8.4 | Keepalive may be implemented. | met |
MAY-6 | 3.8.4 | A keepalive probe may carry a byte for implementations that need it. | unmet | not taken, as on Linux: nobody needs it any more
MAY-7 | 3.8.6 | What lies beyond a window that was taken back may be retransmitted. | unmet | not taken, as on Linux: only a probe of what is oldest crosses the edge
MAY-8 | 3.8.6.1 | Our window may stay closed for ever. | met |
MAY-9 | 3.9.1.9 | The received Diffserv field may be handed to the application. | unmet | not taken for TCP (IP_RECVTOS works for UDP); TCP_SAVE_SYN shows that of the SYN
MAY-10 | 3.9.2 | IP's timestamp option may be supported. | unmet | not taken: the option is ignored (RFC 7126 section 4.7 advises against it)
MAY-11 | 3.9.2 | IP's record route option may be supported. | unmet | not taken: the option is ignored (RFC 7126 section 4.5 advises against it)
MAY-12 | 3.10.7.4 | ACKs may be checked more strictly against injected data (RFC 5961 section 5). | met |
MAY-13 | 3.10.7.4 | A segment that comes too early may be acknowledged at once. | met |
MAY-14 | 3.9.1.7 | A FLUSH call may be offered. | unmet | not taken: neither the socket interface nor Linux has one
MAY-15 | 3.9.1.2 | SEND may have a PUSH flag. | unmet | not taken: the socket interface has none, so MUST-60 and MUST-61 hold; MSG_MORE and TCP_CORK say the opposite
MAY-16 | 3.9.1.2 | Data that was not pushed may be gathered. | met |
MAY-17 | 3.9.1.3 | The receiver may be told of PSH. | unmet | not taken: recv returns what is there, pushed or not
MAY-18 | 3.8.2 | Other congestion control that conforms may be offered. | met |
`;
