import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { errAsync, okAsync, ResultAsync } from 'neverthrow';
import { afterEach, describe, expect, it } from 'vitest';
import { waitFor } from '../../../test/support/wait-for.js';
import { aWay, echo, handWays, program } from './loopback.test-support.js';
import { aBench, aRequest } from './mappings.test-support.js';
import { type Knock, probeMapping } from './probe.js';

const A = aWay({ tunnel: 'a', address: '127.0.0.2' });
const B = aWay({ tunnel: 'b', address: '127.0.0.3', primary: false });

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** Sends by loopback: what arrives is what matters here. */
const knock: Knock = ({ protocol, from, to, bytes }) => {
  if (protocol === 'udp') {
    const socket = createSocket('udp4');
    socket.bind(0, from.address, () => socket.send(bytes, to.port, to.address, () => socket.close()));
  } else connect({ host: to.address, port: to.port, localAddress: from.address }).end(bytes);
  return okAsync(undefined);
};

const lost: Knock = () => okAsync(undefined);

async function mapped(protocol: 'tcp' | 'udp', how: Knock = knock, ways = handWays(A, B)) {
  const seen: string[] = [];
  const here = await program((socket) => {
    seen.push('connected');
    echo(socket);
  });
  const bench = aBench(ways, { knock: how });
  closing.push(() => bench.mappings.stop(), here.close);
  (await bench.mappings.map(aRequest({ protocol, internalPort: here.port })))._unsafeUnwrap();
  const port = Number(/:(\d+)$/.exec(bench.lines[0] ?? '')?.[1]);
  return { ...bench, seen, at: { address: '127.0.0.2', port } };
}

describe('a probe of a mapped port', () => {
  it.each(['tcp', 'udp'] as const)(
    'finds it reachable by %s, through the other tunnel, unseen by the program',
    async (protocol) => {
      const { mappings, seen, flows } = await mapped(protocol);

      const found = (await mappings.probe(protocol, 0))._unsafeUnwrap();

      expect(found).toMatchObject({ finding: 'reachable', address: '127.0.0.2', vantage: 'b' });
      expect(found.latency).toBeLessThan(1_000);
      expect(found.note).toMatch(
        /^Sent out through tunnel b, it arrived at (tcp|udp) port \d+ of 127\.0\.0\.2 in \d+ ms\.$/,
      );
      expect(seen).toEqual([]);
      expect(flows.size).toBe(0);
    },
  );

  it('finds it unreachable when nothing arrives', async () => {
    const { ways, nonces, at } = await mapped('udp');

    const found = await probeMapping({ protocol: 'udp', at, ways, nonces, knock: lost, limit: 50 });

    expect(found).toMatchObject({ finding: 'unreachable', vantage: 'b', latency: null });
  });

  it('ends in time whatever the garbage collector takes meanwhile', async () => {
    const { ways, nonces, at } = await mapped('udp');
    const collecting = setInterval(collectGarbage, 10);
    closing.push(() => clearInterval(collecting));

    const found = await probeMapping({ protocol: 'udp', at, ways, nonces, knock: lost, limit: 600 });

    expect(found.finding).toBe('unreachable');
  });

  it.each<[string, Knock, ReturnType<typeof handWays>, RegExp]>([
    ['only one tunnel is up', knock, handWays(A), /No other tunnel is up and well/],
    ['the other is not well', knock, handWays(A, { ...B, liveness: 'doubtful' }), /No other tunnel is up and well/],
    ['it cannot be sent', () => errAsync({ reason: 'socat is missing' }), handWays(A, B), /socat is missing\.$/],
  ])('knows nothing when %s', async (_what, how, ways, note) => {
    const { mappings } = await mapped('udp', how, ways);

    expect((await mappings.probe('udp', 0))._unsafeUnwrap()).toMatchObject({
      finding: 'unknown',
      latency: null,
      note: expect.stringMatching(note),
    });
  });

  it('knows nothing of a port that is not mapped', async () => {
    const { mappings } = await mapped('udp');

    expect((await mappings.probe('tcp', 7))._unsafeUnwrap()).toMatchObject({ finding: 'unknown', address: null });
  });

  it('leaves alone who connects from the same address meanwhile', async () => {
    const { ways, nonces, at } = await mapped('tcp');
    const answers: string[] = [];
    const others: Knock = ({ to }) =>
      new ResultAsync(
        (async () => {
          const socket = connect({ host: to.address, port: to.port, localAddress: '127.0.0.3' });
          socket.on('error', () => {});
          socket.write('hello');
          answers.push(String((await once(socket, 'data'))[0]));
          socket.destroy();
          return okAsync(undefined);
        })(),
      );

    const found = await probeMapping({ protocol: 'tcp', at, ways, nonces, knock: others, limit: 300 });

    expect(found.finding).toBe('unreachable');
    expect(answers).toEqual(['hello']);
  });

  it('stops sending once it has arrived, and keeps what comes late from the program', async () => {
    const sent: Parameters<Knock>[0][] = [];
    const { ways, nonces, at, flows } = await mapped('udp');
    const twice: Knock = (how) => {
      sent.push(how);
      return knock(how);
    };
    await probeMapping({ protocol: 'udp', at, ways, nonces, knock: twice });
    const [first] = sent;
    if (first === undefined) throw new Error('nothing was sent');

    knock(first);
    knock({ ...first, bytes: Buffer.from('a datagram of somebody else') });
    await waitFor(() => flows.size === 1, 2_000, 'the datagram of somebody else to arrive');

    expect(flows.list()[0]?.sent).toBe(27);
    expect(sent).toHaveLength(1);
    expect(first.signal.aborted).toBe(true);
  });

  it('is one of 32 at most', async () => {
    const { ways, nonces, at } = await mapped('udp');
    const probe = () => probeMapping({ protocol: 'udp', at, ways, nonces, knock: lost, limit: 100 });

    const all = await Promise.all(Array.from({ length: 33 }, probe));

    expect(all.filter(({ finding }) => finding === 'unknown')).toHaveLength(1);
  });
});
