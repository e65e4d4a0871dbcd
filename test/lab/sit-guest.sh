#!/bin/bash
# sit-guest.sh NODE CLI: what test/host/sit.test.ts runs on the lab's kernel. CLI is the bundled daemon.
# Makes the lab's small internet with a third PoP, all speaking the kernel's own 6in4, and plays the
# story in the gateway's namespace.
set -eu
here=$(cd "$(dirname "$0")" && pwd -P)
lab=$here/../../lab

"$lab/netns-up.sh"
"$lab/tunnel-sit.sh" server 1
"$lab/tunnel-sit.sh" server 2

# Its network is the upper half of the second one's, which nothing there uses.
ip netns add lab-pop3
ip link add wan0 netns lab-pop3 type veth peer name pop3 netns lab-net
ip -n lab-net -batch - <<IP
addr add 203.0.113.129/25 dev pop3
link set pop3 up
IP
ip -n lab-pop3 -batch - <<IP
link set lo up
link set wan0 up
addr add 203.0.113.130/25 dev wan0
route add default via 203.0.113.129
link add sitgw type sit remote 192.0.2.2 local 203.0.113.130 ttl 64
addr add 2001:db8:3::1/64 dev sitgw nodad
addr add 2001:db8:ffff::1/128 dev lo nodad
link set sitgw up mtu 1480
IP
ip netns exec lab-pop3 sysctl -qw net.ipv6.conf.all.forwarding=1

exec ip netns exec lab-gw "$1" "$here/sit-story.mjs" "$2"
