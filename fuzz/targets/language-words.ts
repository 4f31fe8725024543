// Words of the script language and of the shell from which the `language` target makes its texts: every kind of token,
// and the beginnings of things that want an end.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of a shell

const split = (text: string): readonly string[] => text.split('¦');

export const SCRIPT_WORDS: readonly string[] = split(
  '0 ¦+.1 ¦+0~+.2 ¦* ¦< ¦> ¦S. ¦P. ¦1:1(0) ¦1:1001(1000) ¦ack 1 ¦win 1000 ¦<¦>¦mss 1460¦TS val 1 ecr 0¦sackOK¦' +
    'wscale 7¦nop¦sack 1:2¦FO abcd¦,¦...¦[¦]¦(¦)¦{¦}¦|¦=¦ = 0¦f(¦socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n¦"a"¦"\\x00"¦`b`¦' +
    '%{¦}%¦/*¦*/¦//¦#¦\n¦--mss=1¦--define=S=T ¦#ifdef X\n¦#endif\n¦::1¦1.2.3.4¦:¦-¦!¦~¦0x¦0xffffffffff¦1e5¦99999999999999999999¦' +
    'udp (10)¦icmp unreachable mtu 1¦ipv4 1.2.3.4 > 1.2.3.4: ¦gre ¦mpls (label 1, tc 0, ttl 2) ¦\\¦events=EPOLLIN¦fd=3¦msg_name(¦' +
    'EAGAIN (x)¦/udp(1 > 2)¦exp-tfo¦gen-5¦\u00e9¦\0¦\r\n¦\t¦sizeof(x)¦-1¦&¦<<¦u32=5¦inet_addr("1.2.3.4")¦htons(8080)',
);

export const SHELL_WORDS: readonly string[] = split(
  'echo ¦a¦ ¦"¦\'¦\\¦$¦$X¦${X}¦${X:-y}¦${#X}¦$((¦1+2))¦))¦$(¦)¦(¦|¦||¦&&¦&¦;¦;;¦\n¦>¦>>¦2>&1¦&>¦<¦<<E\n¦/tmp/x¦/proc/sys/net/a¦#¦' +
    'if ¦then ¦else ¦fi¦for i in ¦do ¦done¦while ¦case ¦esac¦{ ¦}¦! ¦sysctl ¦net.a=2¦grep ¦-q¦test ¦[ ¦ ]¦1¦=¦X=¦*¦?¦cat ¦ip ¦route ¦' +
    'addr ¦tc ¦qdisc ¦dd ¦if=/dev/zero¦bs=9G¦count=1¦nstat¦sleep ¦exit ¦return¦set -e¦"$@"¦`¦~¦\u00e9¦\0¦-¦-n¦../..',
);
