import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import type { Millis, ProbeFinding, ProbePlan } from '@hurricane/core';
import { afterEach, describe, expect, it } from 'vitest';
import { ManualClock } from './manual-clock.test-support.js';
import type { SendProbe } from './socket-probe.js';
import { type SocketProbeMethod, socketProber } from './socket-prober.js';
import { describeProber } from './testing/prober-contract.js';
import type { NetworkMood, SentProbe } from './testing/prober-stage.js';

describe.each(['tcp', 'udp'] as const)('%s', (method) => {
  describeProber(`socketProber over ${method}`, (chance) => {
    const { clock, net, prober } = withFakeSockets(method, chance);
    return {
      prober,
      now: () => clock.now(),
      pass: (span) => clock.pass(span),
      network: (mood) => {
        net.mood = mood;
      },
      loseSource: () => {
        net.sourceLost = true;
      },
      sent: net.sent,
      held: () => net.open + clock.armed,
    };
  });
});

describe('socketProber', () => {
  it.each([
    ['tcp', 1_000],
    ['udp', 3_000],
  ] as const)('keeps lost %s probes open for %d ms at most', async (method, limit) => {
    const { clock, net, prober } = withFakeSockets(method, 1);
    net.mood = { kind: 'silent' };
    void prober.watch(PLAN, () => {}, new AbortController().signal);

    await clock.pass(10_000);

    expect(net.open).toBe(limit / PLAN.interval);
  });

  it('holds 64 sockets at most, and still ends every probe', async () => {
    const { clock, net, prober } = withFakeSockets('udp', 1);
    const findings: ProbeFinding[] = [];
    net.mood = { kind: 'silent' };
    void prober.watch({ ...PLAN, interval: 10 }, (finding) => findings.push(finding), new AbortController().signal);

    await clock.pass(5_000);

    expect(net.open).toBeLessThanOrEqual(64);
    expect(net.sent.length - findings.length).toBeLessThanOrEqual(16);
    expect(findings.length).toBeLessThanOrEqual(net.sent.length);
  });

  it('says nothing of a refusal that comes after the probe was reported lost', async () => {
    const { clock, net, prober } = withFakeSockets('tcp', 1);
    const findings: ProbeFinding[] = [];
    net.mood = { kind: 'refuses' };
    net.refusesAfter = 300;
    void prober.watch(PLAN, (finding) => findings.push(finding), new AbortController().signal);

    await clock.pass(450);

    expect(findings.map(({ outcome }) => outcome.kind)).toEqual(['lost']);
  });

  it('does not make up for the probes of a standstill', async () => {
    const { clock, net, prober } = withFakeSockets('tcp', 1);
    void prober.watch(PLAN, () => {}, new AbortController().signal);
    await clock.pass(100);

    clock.stall(60_000);
    await clock.pass(500);

    expect(net.sent.length).toBeLessThanOrEqual(3);
  });
});

describe('a socket prober asked for packets of a size', () => {
  it.each(['tcp', 'udp'] as const)('errs over %s, as only ping can send them', async (method) => {
    const { net, prober } = withFakeSockets(method, 1);

    const end = await prober.watch({ ...PLAN, packetSize: 1_280 }, () => {}, new AbortController().signal);

    expect(end._unsafeUnwrapErr()).toMatchObject({ kind: 'missing_tool', tool: 'ping' });
    expect(net.sent).toEqual([]);
  });
});

// Real sockets, on loopback.
describe('a socket probe', () => {
  const closing: (() => void)[] = [];
  afterEach(() => {
    for (const close of closing.splice(0)) close();
  });

  it('takes an accepted TCP connection for a reply', async () => {
    const server = createServer((socket) => socket.on('error', () => {})).listen(0, '::1');
    closing.push(() => server.close());
    await once(server, 'listening');

    expect(await firstFinding('tcp', (server.address() as AddressInfo).port)).toMatchObject({ kind: 'reply' });
  });

  it.each(['::1', '127.0.0.1'])('reaches %s over TCP from whatever source the host’s routes choose', async (target) => {
    const server = createServer((socket) => socket.on('error', () => {})).listen(0, target);
    closing.push(() => server.close());
    await once(server, 'listening');

    const { port } = server.address() as AddressInfo;

    expect(await firstFinding('tcp', port, { source: null, targets: [target] })).toMatchObject({ kind: 'reply' });
  });

  it.each([
    ['udp6', '::1', '::1'],
    ['udp4', '127.0.0.1', '127.0.0.1'],
    ['udp4', '127.0.0.1', '127.0.0.2'],
  ] as const)('over %s to %s comes from %s: the route’s own source, or the plan’s', async (type, target, from) => {
    const server = createSocket(type);
    closing.push(() => server.close());
    const asked: string[] = [];
    server.on('message', (_, { port, address }) => {
      asked.push(address);
      server.send('?', port, address);
    });
    server.bind(0, target);
    await once(server, 'listening');

    const plan = { source: from === target ? null : from, targets: [target] };
    const outcome = await firstFinding('udp', server.address().port, plan);

    expect(outcome).toMatchObject({ kind: 'reply' });
    expect(asked).toEqual([from]);
  });

  it('takes a refused TCP connection for a reply', async () => {
    expect(await firstFinding('tcp', await closedPort())).toMatchObject({ kind: 'reply', late: false });
  });

  it('takes any datagram for a reply, and asks for the DNS root’s SOA record', async () => {
    const server = createSocket('udp6');
    closing.push(() => server.close());
    const asked: string[] = [];
    server.on('message', (message, from) => {
      asked.push(message.toString('hex'));
      server.send('?', from.port, from.address);
    });
    server.bind(0, '::1');
    await once(server, 'listening');

    expect(await firstFinding('udp', server.address().port)).toMatchObject({ kind: 'reply', late: false });
    expect(asked).toEqual(['487501000001000000000000' + '0000060001']);
  });

  it('takes a closed UDP port for a reply', async () => {
    expect(await firstFinding('udp', await closedPort())).toMatchObject({ kind: 'reply', late: false });
  });

  it.each(['tcp', 'udp'] as const)('errs over %s when the source is not on this host', async (method) => {
    const plan = { ...PLAN, targets: ['::1'], source: '2001:db8:dead::1' };

    const end = await socketProber({ method, port: 9 }).watch(plan, () => {}, AbortSignal.timeout(5_000));

    expect(end._unsafeUnwrapErr()).toEqual({ kind: 'interface_missing', iface: 'he0' });
  });
});

const PLAN: ProbePlan = {
  iface: 'he0',
  source: '2001:db8:a::1',
  targets: ['2001:db8::1'],
  interval: 500,
  packetSize: null,
  deadline: { min: 150, max: 1_000 },
  rtt: { srtt: 20, rttvar: 5 },
};

interface FakeNet {
  mood: NetworkMood;
  sourceLost: boolean;
  refusesAfter: Millis;
  open: number;
  readonly sent: SentProbe[];
}

function withFakeSockets(method: SocketProbeMethod, chance: number) {
  const clock = new ManualClock();
  const net: FakeNet = { mood: { kind: 'answers', after: 1 }, sourceLost: false, refusesAfter: 1, open: 0, sent: [] };
  const send: SendProbe = (probe, tell) => {
    const { mood, sourceLost } = net;
    net.open += 1;
    net.sent.push({ target: probe.target, at: clock.now(), source: probe.source, packetSize: null });
    let alarm: { cancel(): void } = { cancel: () => {} };
    const close = (): void => {
      net.open -= 1;
      alarm.cancel();
    };
    const answer = (after: number, told: Parameters<typeof tell>[0]): void => {
      alarm = clock.alarm(clock.now() + after, 'fake socket', () => {
        net.open -= 1;
        tell(told);
      });
    };
    if (sourceLost) answer(0, { kind: 'no_source' });
    else if (mood.kind === 'answers') answer(mood.after, { kind: 'answered', rtt: mood.after });
    else if (mood.kind === 'refuses') answer(net.refusesAfter, { kind: 'refused', reason: 'EHOSTUNREACH' });
    return { close };
  };
  const prober = socketProber({ method, port: 53, clock, send, random: () => chance });
  return { clock, net, prober };
}

/** What a watch over loopback says first. */
async function firstFinding(
  method: SocketProbeMethod,
  port: number,
  where: Pick<ProbePlan, 'source' | 'targets'> = { source: '::1', targets: ['::1'] },
): Promise<ProbeFinding['outcome'] | undefined> {
  const end = new AbortController();
  const plan = { ...PLAN, ...where, deadline: { min: 4_000, max: 4_000 } };
  const findings: ProbeFinding[] = [];
  const report = (finding: ProbeFinding): void => {
    findings.push(finding);
    end.abort();
  };
  const late = setTimeout(() => end.abort(), 10_000);
  await socketProber({ method, port }).watch(plan, report, end.signal);
  clearTimeout(late);
  return findings[0]?.outcome;
}

/** A port that was free a moment ago: the system hands out others first. */
async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '::1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
