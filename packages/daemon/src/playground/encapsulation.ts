import { setTimeout as pause } from 'node:timers/promises';
import type { Millis } from '@hurricane/core';
import { err, ok, okAsync, type Result, ResultAsync, safeTry } from 'neverthrow';
import { command, ipBatch, kill, start, within } from './command.js';
import { cable, tunnelLines } from './network.js';
import { ENCAPSULATIONS, type Encapsulation } from './options.js';
import { describePlaygroundError, type PlaygroundError } from './problems.js';
import { CLIENT_V4, type Provider, type Spaces, TUNNEL } from './topology.js';

/** How tunnels came to be carried. */
export interface Carriage {
  readonly encapsulation: Encapsulation;
  /** One sentence each: what it is and why it is not better, and what would make it better. */
  readonly notes: readonly string[];
}

/** How long socat may take to make its interface. */
const APPEAR_LIMIT: Millis = 2_000;
const LOOK_AGAIN: Millis = 10;

/** What an IPv4 path of 1500 bytes leaves to the packet inside. */
const TUNNEL_MTU = 1480;

/**
 * Opens the providers' ends of the tunnels by the best means this machine has, found by trying.
 *
 * @param wanted by one means and no other; null for the best.
 */
export async function openProviders(
  spaces: Spaces,
  wanted: Encapsulation | null,
  signal: AbortSignal,
): Promise<Result<Carriage, PlaygroundError>> {
  const failures: PlaygroundError[] = [];
  for (const encapsulation of wanted === null ? ENCAPSULATIONS : [wanted]) {
    const opened = await open(spaces, encapsulation, signal);
    if (opened.isOk()) return ok({ encapsulation, notes: notesOn(encapsulation, wanted, failures) });
    if (opened.error.kind === 'cancelled') return err(opened.error);
    failures.push(opened.error);
    if (wanted === null) await discard(spaces);
  }
  const why = failures.map(describePlaygroundError).join('; ');
  return err({ kind: 'no_encapsulation', wanted: wanted ?? ENCAPSULATIONS.join(' or '), why });
}

function open(
  spaces: Spaces,
  encapsulation: Encapsulation,
  signal: AbortSignal,
): ResultAsync<unknown, PlaygroundError> {
  const { providers, client } = spaces;
  switch (encapsulation) {
    case 'sit':
      return ResultAsync.combine(
        providers.map(({ provider, space }) => ipBatch(space, [sitLine(provider), ...tunnelLines(provider)], signal)),
      );
    case 'socat':
      return ResultAsync.combine(
        providers.map(({ provider, space }) =>
          startSocat(space, provider, signal).andThen(() =>
            ipBatch(space, [`link set ${TUNNEL} mtu ${TUNNEL_MTU}`, ...tunnelLines(provider)], signal),
          ),
        ),
      );
    case 'veth':
      return safeTry(async function* () {
        const cables = providers.map(({ provider, space }) => cable(space, TUNNEL, client, provider.iface));
        yield* command(['ip', '-batch', '-'], { input: `${cables.join('\n')}\n`, signal });
        yield* ipBatch(
          client,
          providers.flatMap(({ provider }) => clientLink(provider)),
          signal,
        );
        yield* ResultAsync.combine(
          providers.map(({ provider, space }) => ipBatch(space, tunnelLines(provider), signal)),
        );
        return ok(undefined);
      });
  }
}

const sitLine = ({ v4 }: Provider): string => `link add ${TUNNEL} type sit remote ${CLIENT_V4} local ${v4} ttl 64`;

const clientLink = ({ iface, client }: Provider): readonly string[] => [
  `link set ${iface} up`,
  `addr add ${client}/64 dev ${iface}`,
];

/** 6in4 (RFC 4213) in a process. It makes the interface, and the interface goes with it. */
function startSocat(space: string, { v4 }: Provider, signal: AbortSignal): ResultAsync<void, PlaygroundError> {
  const argv = [
    'socat',
    `TUN,tun-name=${TUNNEL},tun-type=tun,iff-no-pi,iff-up`,
    `IP4-DATAGRAM:${CLIENT_V4}:41,bind=${v4},range=${CLIENT_V4}/32`,
  ];
  return command(['socat', '-V'], { signal }).andThen(() => new ResultAsync(untilPresent(space, argv, signal)));
}

async function untilPresent(
  space: string,
  argv: readonly string[],
  signal: AbortSignal,
): Promise<Result<void, PlaygroundError>> {
  const socat = start(within(space, argv), ['ignore', 'ignore', 'pipe']);
  let said = '';
  socat.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said = `${said}${text}`.slice(-1_000);
  });
  // Neither the process nor what it may say later keeps this one alive.
  socat.unref();
  const end = performance.now() + APPEAR_LIMIT;
  for (;;) {
    if (signal.aborted) return err({ kind: 'cancelled' });
    const there = await command(['ip', '-n', space, 'link', 'show', 'dev', TUNNEL], { signal });
    if (there.isOk()) return ok(undefined);
    const hasEnded = socat.exitCode !== null || socat.signalCode !== null || socat.pid === undefined;
    if (hasEnded || performance.now() > end) {
      socat.kill('SIGKILL');
      return err({ kind: 'command_failed', argv: argv.slice(0, 1), said: said.trim().split('\n').at(-1) ?? '' });
    }
    await pause(LOOK_AGAIN);
  }
}

/** Removes what an attempt that failed halfway has made. */
async function discard({ providers }: Spaces): Promise<void> {
  for (const { space } of providers) {
    const left = await command(['ip', 'netns', 'pids', space]).unwrapOr('');
    for (const pid of left.split('\n').filter((line) => line !== '')) kill(Number(pid));
    await command(['ip', '-n', space, 'link', 'del', TUNNEL]).orElse(() => okAsync(''));
  }
}

function notesOn(
  encapsulation: Encapsulation,
  wanted: Encapsulation | null,
  failures: readonly PlaygroundError[],
): readonly string[] {
  const asked = wanted === null ? '' : ', as asked';
  switch (encapsulation) {
    case 'sit':
      return [`6in4 in the kernel (sit)${asked || ', the best there is'}.`];
    case 'socat':
      return [`6in4 in userspace (socat)${asked || ', because this kernel has no sit module'}.`];
    case 'veth': {
      if (wanted !== null) return ['plain veth links run as "external" tunnels, as asked.'];
      const socat = failures.at(-1);
      const isMissing = socat?.kind === 'missing_tool';
      const why = isMissing ? 'there is no socat' : 'socat does not work here';
      return [
        `plain veth links run as "external" tunnels, because this kernel has no sit module and ${why}.`,
        'The packets, routes and probes are real all the same.',
        isMissing || socat === undefined
          ? 'For real 6in4 tunnels: apt install socat'
          : `What is wrong with socat: ${describePlaygroundError(socat)}`,
      ];
    }
  }
}
