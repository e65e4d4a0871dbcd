export const PLAYGROUND_HELP = 'what to do in the playground; its own --help says more';

/** What completion offers after `playground`, which reads the rest of its line itself. */
export const PLAYGROUND_WORDS: readonly string[] = [
  ...['cut', 'restore', 'status'],
  ...['--encapsulation', '--simulated', '--demo', '--for', '--port', '--id', '--help'],
];

export const STATUS_HELP = `
Asks the address that --url names, else the one in the configuration.
Ends with 0 when IPv6 works, 1 when it does not, 69 when nobody answers.`;

export const VERB_HELP = `
Speaks to the address that --url names, else the one in the configuration, and shows that one the token in the
file that api_token_file names. Ends with 0 when it is done, 1 when the daemon refuses, 69 when nobody answers,
77 when a token is needed.`;

export const EVENTS_HELP = `
Goes on until it is stopped (Ctrl-C), also when the daemon restarts; --json prints one JSON document a line.`;

export const MCP_HELP = `
In the settings of an assistant (as root, who owns the socket):
  {"mcpServers": {"v6-gatewayd": {"command": "hurricane", "args": ["mcp"]}}}
Ends with 0 when either side has said all, 69 when no daemon listens, 77 when the socket may not be used.`;

export const USER_HELP = `
Reads one line, the password, which shows as you type it; a program can write it instead:
  umask 077; pass show proxy | hurricane user alice >> /etc/v6-gatewayd.users`;

/** What follows the list of options and commands. */
export const HELP_AFTER = `
Examples:
  v6-gatewayd -t -c my.conf       say everything that is wrong with my.conf
  v6-gatewayd -c my.conf -d       run with it, and log every decision
  hurricane status                a table of the tunnels and their health
  hurricane prefer he             let tunnel he carry the traffic; prefer auto: as the gateway thinks best
  hurricane events                what happens, as it happens
  hurricane mcp                   what an assistant starts to speak to the gateway
  hurricane playground            try it without a tunnel account

Files:
  /etc/v6-gatewayd.conf           the configuration, unless -c names another

Signals:
  SIGTERM, SIGINT                 take down what it put up and end, within 20 s; a second one: end at once
  SIGHUP                          read the configuration again; one with mistakes in it changes nothing

Exit codes:
  0   done; after a signal: nothing is left on the host
  1   failed, or something is left on the host
  64  the command line makes no sense
  69  something it needs is missing or taken: a program, the API's port, a running daemon
  77  not permitted: it needs root, or CAP_NET_ADMIN and CAP_NET_RAW
  78  the configuration is missing or has mistakes`;
