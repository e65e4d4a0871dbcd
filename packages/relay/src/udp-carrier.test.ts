import { randomBytes } from 'node:crypto';
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { waitFor } from '../../../test/support/wait-for.js';
import type { Endpoint } from './contracts.js';
import { aWay, handWays } from './loopback.test-support.js';
import { aBench, type Bench } from './mappings.test-support.js';
import type { Onward } from './passage.js';
import { UdpCarrier, type UdpLimits } from './udp-carrier.js';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function bound(host = '127.0.0.1', port = 0): Promise<Socket & { readonly at: Endpoint }> {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  socket.bind(port, host);
  await once(socket, 'listening');
  let open = true;
  socket.once('close', () => {
    open = false;
  });
  closing.push(() => open && socket.close());
  return Object.assign(socket, { at: { address: host, port: socket.address().port } });
}

interface Relay extends Bench {
  readonly carrier: UdpCarrier;
}

async function relay(to: Endpoint, limits: Partial<UdpLimits> = {}, source: string | null = null): Promise<Relay> {
  const bench = aBench(handWays(aWay({ tunnel: 'a', address: '::1' })));
  const onward: Onward = { to, source, tunnel: 'a' };
  const passage = {
    origin: 'mapping udp 0',
    proxyProtocol: false,
    onChange: () => () => undefined,
    onward: () => onward,
  };
  const all: UdpLimits = { idle: 60_000, peers: 100, ...limits };
  const carrier = new UdpCarrier({ address: '::1', port: 0 }, passage, bench, all);
  (await carrier.take())._unsafeUnwrap();
  closing.push(async () => {
    await carrier.rest();
    bench.flows.end('stopped');
    expect(carrier.idle).toBe(true);
  });
  return { ...bench, carrier };
}

/** Sends, and resolves to the answer and where it came from. */
async function ask(peer: Socket, to: Endpoint, bytes: Uint8Array): Promise<[Buffer, RemoteInfo]> {
  const answer = once(peer, 'message') as Promise<[Buffer, RemoteInfo]>;
  peer.send(bytes, to.port, to.address);
  return answer;
}

async function echoing(): Promise<Socket & { readonly at: Endpoint; readonly from: RemoteInfo[] }> {
  const from: RemoteInfo[] = [];
  const socket = await bound();
  socket.on('message', (bytes, info) => {
    from.push(info);
    socket.send(bytes, info.port, info.address);
  });
  return Object.assign(socket, { from });
}

describe('a UDP mapping', () => {
  it('shows the program one peer for each peer, and answers each from the mapped address and port', async () => {
    const here = await echoing();
    const { carrier, flows } = await relay(here.at);
    const peers = await Promise.all([bound('::1'), bound('::1'), bound('::1')]);

    for (const [i, peer] of [...peers, ...peers].entries()) {
      const [bytes, from] = await ask(peer, carrier.at, Buffer.from(`from ${i}`));
      expect(bytes.toString()).toBe(`from ${i}`);
      expect({ address: from.address, port: from.port }).toEqual(carrier.at);
    }

    const ports = here.from.map(({ port }) => port);
    expect(new Set(ports).size).toBe(3);
    expect(ports.slice(0, 3)).toEqual(ports.slice(3));
    expect(flows.list().map((view) => [view.kind, view.tunnel, view.sent, view.received])).toEqual(
      peers.map(() => ['udp', 'a', 12, 12]),
    );
  });

  it.each([0, 1, 1_232, 1_452, 8_192, 65_507])('carries a datagram of %i bytes whole', async (size) => {
    const here = await echoing();
    const { carrier } = await relay(here.at);
    const bytes = randomBytes(size);

    const [answer] = await ask(await bound('::1'), carrier.at, bytes);

    expect(answer.equals(bytes)).toBe(true);
  });

  it('loses nothing of what a new peer sends at once', async () => {
    const here = await echoing();
    const { carrier } = await relay(here.at);
    const peer = await bound('::1');
    const got: string[] = [];
    peer.on('message', (bytes) => void got.push(bytes.toString()));

    for (let i = 0; i < 50; i++) peer.send(String(i), carrier.at.port, '::1');

    await waitFor(() => got.length === 50, 2_000, 'all answers');
    expect(got).toEqual(Array.from({ length: 50 }, (_, i) => String(i)));
  });

  it('survives a program that is not there, and serves it when it is back', async () => {
    const gone = await bound();
    const { port } = gone.at;
    gone.close();
    const { carrier, flows, faults } = await relay({ address: '127.0.0.1', port });
    const peer = await bound('::1');
    peer.send('anybody?', carrier.at.port, '::1');
    await waitFor(() => faults.list().length > 0, 2_000, 'the refusal to be counted');
    expect(flows.size).toBe(1);

    const back = await bound('127.0.0.1', port);
    back.on('message', (bytes, info) => back.send(bytes, info.port, info.address));
    expect((await ask(peer, carrier.at, Buffer.from('back')))[0].toString()).toBe('back');
    expect(flows.list()[0]?.id).toBe(1);
  });

  it('makes room by letting go of the peer that has been silent for longest', async () => {
    const here = await echoing();
    const { carrier, flows } = await relay(here.at, { peers: 2 });
    const [first, second, third] = await Promise.all([bound('::1'), bound('::1'), bound('::1')]);
    await ask(first, carrier.at, Buffer.from('1'));
    await ask(second, carrier.at, Buffer.from('2'));
    await ask(first, carrier.at, Buffer.from('1'));

    await ask(third, carrier.at, Buffer.from('3'));

    expect(flows.list().map((view) => view.client.port)).toEqual([first.at.port, third.at.port]);
    expect(flows.totals()[1]?.ended.idle).toBe(1);
  });

  it('forgets a peer that has been silent for the idle limit', async () => {
    const here = await echoing();
    const { carrier, flows } = await relay(here.at, { idle: 100 });

    await ask(await bound('::1'), carrier.at, Buffer.from('x'));

    await waitFor(() => flows.size === 0, 2_000, 'the session to end');
    expect(flows.totals()[1]?.ended.idle).toBe(1);
  });

  it('at rest goes on for its peers, takes no new ones, and closes with the last', async () => {
    const here = await echoing();
    const { carrier, flows, faults } = await relay(here.at);
    const [old, fresh] = await Promise.all([bound('::1'), bound('::1')]);
    const { at } = carrier;
    await ask(old, at, Buffer.from('1'));

    await carrier.rest();
    fresh.send('new', at.port, at.address);
    await waitFor(() => faults.list().some(({ reason }) => reason === 'no_way'), 2_000, 'the new one to be dropped');
    expect((await ask(old, at, Buffer.from('2')))[0].toString()).toBe('2');
    expect(carrier.idle).toBe(false);

    flows.end('tunnel_down');
    expect(carrier.idle).toBe(true);
    expect(flows.size).toBe(0);
  });

  it('takes new peers again after a rest, on the same socket', async () => {
    const here = await echoing();
    const { carrier } = await relay(here.at);
    const [old, fresh] = await Promise.all([bound('::1'), bound('::1')]);
    const { at } = carrier;
    await ask(old, at, Buffer.from('1'));
    await carrier.rest();

    (await carrier.take())._unsafeUnwrap();

    expect((await ask(fresh, at, Buffer.from('3')))[0].toString()).toBe('3');
  });

  it('leaves from its source and no other, and drops what cannot', async () => {
    const here = await echoing();
    const { carrier } = await relay(here.at, {}, '127.0.0.9');
    await ask(await bound('::1'), carrier.at, Buffer.from('x'));
    expect(here.from[0]?.address).toBe('127.0.0.9');

    const { carrier: lost, faults, flows } = await relay(here.at, {}, '192.0.2.77');
    (await bound('::1')).send('x', lost.at.port, '::1');
    await waitFor(() => faults.list().length > 0, 2_000, 'the fault to be counted');
    expect(faults.list()).toEqual([{ kind: 'udp', reason: 'no_source', count: 1 }]);
    expect(flows.size).toBe(0);
    expect(here.from).toHaveLength(1);
  });
});
