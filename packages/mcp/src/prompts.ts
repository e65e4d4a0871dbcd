import type { Prompt } from './prompt.js';
import type { Sources } from './sources.js';

// What people ask of a gateway, and which tools answer it.

export function gatewayPrompts({ gateway }: Sources): readonly Prompt[] {
  const tunnel = {
    name: 'tunnel',
    description: 'The name of a tunnel; left out: the primary.',
    required: false,
    values: () => gateway.status().tunnels.map((t) => t.config.name),
  };
  return [
    {
      name: 'why_is_my_ipv6_slow',
      title: 'Why is my IPv6 slow?',
      description: 'Looks at latency, loss and MTU of a tunnel, at present and over the last hours.',
      arguments: [tunnel],
      say: ({ tunnel: name }) =>
        [
          `Find out why IPv6 ${name === undefined ? '' : `through tunnel ${name} `}is slow here. Call check_health and`,
          'get_tunnel_status for the present, get_history with window_s 600 and 21600 for the past, and',
          'diagnose for where it is broken. Compare the tunnels with each other: what is slow through all of',
          'them is the IPv4 line, what is slow through one is that provider. mtu_black_hole means that large',
          'packets vanish. Say what you found, what it rests on, and what I can do, the most effective first.',
        ].join(' '),
    },
    {
      name: 'explain_last_failover',
      title: 'Explain the last failover',
      description: 'Why the traffic moved to another tunnel, and whether it will come back.',
      arguments: [],
      say: () =>
        [
          'Explain the last failover of this IPv6 gateway. Call explain_failover with switches 3, and',
          'get_events for what happened around the moment of the last switch. Say in plain words what failed,',
          'how long it took to move the traffic, why that tunnel was chosen and not another, and what has to',
          'happen before it moves back.',
        ].join(' '),
    },
    {
      name: 'set_up_i2p',
      title: 'Set up I2P over this gateway',
      description: 'Which address I2P binds to, and how its UDP port is reached from outside.',
      arguments: [],
      say: () =>
        [
          'Help me run I2P over this IPv6 gateway. Call get_ipv6_address for the address that I2P should',
          'publish and bind to, check_health for whether it is usable, list_ports for existing mappings, and',
          'probe_port with protocol udp for the port that I2P listens on. Tell me what to write into its',
          'configuration, and what still keeps others from reaching the port. Change nothing unless I say so.',
        ].join(' '),
    },
    {
      name: 'set_up_tor_relay',
      title: 'Set up a Tor relay',
      description: 'The ORPort lines for a relay that can be reached over this gateway.',
      arguments: [
        { name: 'or_port', description: 'The ORPort; usually 9001.', required: false, values: () => ['9001', '443'] },
      ],
      say: ({ or_port: port = '9001' }) =>
        [
          `Help me make a Tor relay reachable over this IPv6 gateway on port ${port}. Call get_ipv6_address for`,
          'the address, check_health for whether it is usable, and probe_port with protocol tcp and port',
          `${port}. A relay needs an IPv4 ORPort as well, and an IPv6 address that does not change: say so if`,
          'the primary may move to a tunnel with another address (explain_failover). Give me the lines for',
          'torrc.',
        ].join(' '),
    },
  ];
}
