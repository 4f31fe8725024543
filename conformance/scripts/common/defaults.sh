#!/bin/sh
# What every script of this folder starts from: the values of Linux 6.18, pinned, so that neither the host's
# settings nor another kernel's defaults change what a script sees. Only plain `sysctl -q name=value` lines and the
# queue of the test device: the embedded stack's restricted shell reads this very file.
# Congestion control is cubic unless a script sets TCP_CONGESTION itself.
sysctl -q net.ipv4.tcp_rmem="4096 131072 6291456"
sysctl -q net.ipv4.tcp_wmem="4096 16384 4194304"
sysctl -q net.ipv4.tcp_window_scaling=1
sysctl -q net.ipv4.tcp_timestamps=1
sysctl -q net.ipv4.tcp_sack=1
sysctl -q net.ipv4.tcp_dsack=1
sysctl -q net.ipv4.tcp_ecn=0
sysctl -q net.ipv4.tcp_syncookies=1
sysctl -q net.ipv4.tcp_syn_retries=6
sysctl -q net.ipv4.tcp_synack_retries=5
sysctl -q net.ipv4.tcp_retries2=15
sysctl -q net.ipv4.tcp_reordering=3
sysctl -q net.ipv4.tcp_early_retrans=3
sysctl -q net.ipv4.tcp_recovery=1
sysctl -q net.ipv4.tcp_frto=2
sysctl -q net.ipv4.tcp_slow_start_after_idle=1
sysctl -q net.ipv4.tcp_no_metrics_save=1
sysctl -q net.ipv4.tcp_fin_timeout=60
sysctl -q net.ipv4.tcp_invalid_ratelimit=500
tc qdisc add dev tun0 root pfifo
