import { randomBytes } from 'node:crypto';
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import type { Millis } from '@hurricane/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { waitFor } from '../../../test/support/wait-for.js';
import type { DatagramEngine, Endpoint, Engine } from './contracts.js';
import { FlowTable } from './flows.js';
import { aWay, handWays } from './loopback.test-support.js';
import { aBench, type Bench } from './mappings.test-support.js';
import type { Onward } from './passage.js';
import { UdpCarrier, type UdpLimits } from './udp-carrier.js';

/** An engine for one test. */
export interface DatagramsOnTrial {
  readonly engine: Engine & DatagramEngine;
  close(): Promise<void>;
}

/** Between two looks of an engine at what was carried. */
export const TRIAL_SWEEP: Millis = 20;

const closing: (() => unknown)[] = [];

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

interface Parts extends Partial<UdpLimits> {
  readonly source?: string;
  readonly perClient?: number;
}

async function relay({ engine }: DatagramsOnTrial, to: Endpoint, parts: Parts = {}): Promise<Relay> {
  const { source = null, perClient = 4_096, ...limits } = parts;
  const ways = handWays(aWay({ tunnel: 'a', address: '::1' }));
  const flows = new FlowTable({ ways, now: () => 1_700_000_000, perClient });
  const bench = aBench(ways, { engine, flows });
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
    await waitFor(() => carrier.idle && flows.size === 0, 2_000, 'every session to end');
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

/** Somebody, and the ports they have been answered from. */
async function heard(): Promise<{ readonly peer: Socket; readonly from: readonly number[] }> {
  const peer = await bound('::1');
  const from: number[] = [];
  peer.on('message', (_, { port }) => void from.push(port));
  return { peer, from };
}

/** What every engine holds of datagrams. `skip`: why it cannot be tried here; null: it can. */
export function describeDatagrams(name: string, start: () => Promise<DatagramsOnTrial>, skip: string | null): void {
  const title = `a UDP mapping by the engine ${name}${skip === null ? '' : ` (skipped: ${skip})`}`;
  describe.skipIf(skip !== null)(title, () => {
    let trial: DatagramsOnTrial;
    beforeEach(async () => {
      trial = await start();
    });
    afterEach(async () => {
      for (const close of closing.splice(0)) await close();
      await trial.close();
    });

    it('shows the program one peer for each peer, and answers each from the mapped address and port', async () => {
      const here = await echoing();
      const { carrier, flows } = await relay(trial, here.at);
      const peers = await Promise.all([bound('::1'), bound('::1'), bound('::1')]);

      for (const [i, peer] of [...peers, ...peers].entries()) {
        const [bytes, from] = await ask(peer, carrier.at, Buffer.from(`from ${i}`));
        expect(bytes.toString()).toBe(`from ${i}`);
        expect({ address: from.address, port: from.port }).toEqual(carrier.at);
      }

      const ports = here.from.map(({ port }) => port);
      expect(new Set(ports).size).toBe(3);
      expect(ports.slice(0, 3)).toEqual(ports.slice(3));
      const told = (): unknown[] =>
        flows.list().map(({ kind, tunnel, sent, received }) => [kind, tunnel, sent, received]);
      await waitFor(() => flows.list().every(({ received }) => received === 12), 2_000, 'all bytes to be counted');
      expect(told()).toEqual(peers.map(() => ['udp', 'a', 12, 12]));
    });

    it.each([0, 1, 1_232, 1_452, 8_192, 65_507])('carries a datagram of %i bytes whole', async (size) => {
      const here = await echoing();
      const { carrier } = await relay(trial, here.at);
      const bytes = randomBytes(size);

      const [answer] = await ask(await bound('::1'), carrier.at, bytes);

      expect(answer.equals(bytes)).toBe(true);
    });

    it('loses nothing of what a new peer sends at once', async () => {
      const here = await echoing();
      const { carrier } = await relay(trial, here.at);
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
      const { carrier, flows, faults } = await relay(trial, { address: '127.0.0.1', port });
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
      const { carrier, flows } = await relay(trial, here.at, { peers: 2 });
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
      const { carrier, flows } = await relay(trial, here.at, { idle: 100 });

      await ask(await bound('::1'), carrier.at, Buffer.from('x'));

      await waitFor(() => flows.size === 0, 2_000, 'the session to end');
      expect(flows.totals()[1]?.ended.idle).toBe(1);
    });

    it('at rest goes on for its peers, takes no new ones, and closes with the last', async () => {
      const here = await echoing();
      const { carrier, flows, faults } = await relay(trial, here.at);
      const [old, fresh] = await Promise.all([bound('::1'), bound('::1')]);
      const { at } = carrier;
      await ask(old, at, Buffer.from('1'));

      await carrier.rest();
      fresh.send('new', at.port, at.address);
      await waitFor(() => faults.list().some(({ reason }) => reason === 'no_way'), 2_000, 'the new one to be dropped');
      expect((await ask(old, at, Buffer.from('2')))[0].toString()).toBe('2');
      expect(carrier.idle).toBe(false);

      flows.end('tunnel_down');
      await waitFor(() => carrier.idle, 2_000, 'its socket to close');
      expect(flows.size).toBe(0);
      expect(flows.totals()[1]?.ended.tunnel_down).toBe(1);
    });

    it('takes new peers again after a rest, on the same socket', async () => {
      const here = await echoing();
      const { carrier } = await relay(trial, here.at);
      const [old, fresh] = await Promise.all([bound('::1'), bound('::1')]);
      const { at } = carrier;
      await ask(old, at, Buffer.from('1'));
      await carrier.rest();

      (await carrier.take())._unsafeUnwrap();

      expect((await ask(fresh, at, Buffer.from('3')))[0].toString()).toBe('3');
    });

    it('leaves from its source and no other, and drops what cannot', async () => {
      const here = await echoing();
      const { carrier } = await relay(trial, here.at, { source: '127.0.0.9' });
      await ask(await bound('::1'), carrier.at, Buffer.from('x'));
      expect(here.from[0]?.address).toBe('127.0.0.9');

      const { carrier: lost, faults, flows } = await relay(trial, here.at, { source: '192.0.2.77' });
      (await bound('::1')).send('x', lost.at.port, '::1');
      await waitFor(() => faults.list().length > 0, 2_000, 'the fault to be counted');
      expect(faults.list()).toEqual([{ kind: 'udp', reason: 'no_source', count: 1 }]);
      expect(flows.size).toBe(0);
      expect(here.from).toHaveLength(1);
    });

    it('gives datagrams that the other side cannot carry to nobody, and cuts none', async () => {
      const here = await echoing();
      const { carrier } = await relay(trial, here.at);
      const peer = await bound('::1');
      await ask(peer, carrier.at, Buffer.from('before'));
      // The most that UDP over IPv6 has room for, and more than IPv4 has.
      peer.send(randomBytes(65_527), carrier.at.port, '::1');

      expect((await ask(peer, carrier.at, Buffer.from('after')))[0].toString()).toBe('after');
      expect(here.from.map(({ size }) => size)).toEqual([6, 5]);
    });

    it('loses nothing when many new peers send at once', async () => {
      const here = await echoing();
      const { carrier, flows } = await relay(trial, here.at);
      const peers = await Promise.all(Array.from({ length: 64 }, () => bound('::1')));
      const got = new Map<Socket, string[]>(peers.map((peer) => [peer, []]));
      for (const peer of peers) peer.on('message', (bytes) => void got.get(peer)?.push(bytes.toString()));

      for (const word of ['one', 'two', 'three']) for (const peer of peers) peer.send(word, carrier.at.port, '::1');

      await waitFor(() => [...got.values()].every(({ length }) => length === 3), 5_000, 'all answers');
      expect([...got.values()]).toEqual(peers.map(() => ['one', 'two', 'three']));
      expect(flows.size).toBe(64);
    });

    it('keeps a probe’s nonce for itself, and serves whoever sent it like anybody else', async () => {
      const here = await echoing();
      const { carrier, nonces, flows } = await relay(trial, here.at);
      const peer = await bound('::1');
      const nonce = nonces.expect('::1');

      peer.send(nonce?.bytes ?? '', carrier.at.port, '::1');
      await nonce?.arrived;
      expect(flows.size).toBe(0);
      // The answer about the first of these is under way while the second arrives.
      peer.send(nonce?.bytes ?? '', carrier.at.port, '::1');
      const [answer] = await ask(peer, carrier.at, Buffer.from('hello'));

      expect(answer.toString()).toBe('hello');
      expect(here.from.map(({ size }) => size)).toEqual([5]);
    });

    it('keeps two mappings apart: each answers from its own address and port', async () => {
      const here = await echoing();
      const carriers = [(await relay(trial, here.at)).carrier, (await relay(trial, here.at)).carrier];
      const peers = await Promise.all(
        carriers.flatMap((carrier) => [1, 2].map(async () => ({ carrier, ...(await heard()) }))),
      );

      for (let i = 0; i < 20; i += 1)
        for (const { carrier, peer } of peers) peer.send(String(i), carrier.at.port, '::1');

      await waitFor(() => peers.every(({ from }) => from.length === 20), 5_000, 'all answers');
      for (const { carrier, from } of peers) expect(new Set(from)).toEqual(new Set([carrier.at.port]));
    });

    it('takes no peer whose flow is refused, and goes on for the others', async () => {
      const here = await echoing();
      const { carrier, flows } = await relay(trial, here.at, { perClient: 1 });
      const [first, second] = await Promise.all([bound('::1'), bound('::1')]);
      await ask(first, carrier.at, Buffer.from('1'));

      second.send('2', carrier.at.port, '::1');
      await waitFor(() => flows.totals()[1]?.refused.too_many_of_client === 1, 2_000, 'the second to be refused');

      expect((await ask(first, carrier.at, Buffer.from('3')))[0].toString()).toBe('3');
      expect(here.from).toHaveLength(2);
    });

    it('ends a session when its flow is to end, and begins another with the next datagram', async () => {
      const here = await echoing();
      const { carrier, flows } = await relay(trial, here.at);
      const peer = await bound('::1');
      await ask(peer, carrier.at, Buffer.from('1'));

      flows.end('tunnel_down');
      await waitFor(() => flows.size === 0, 2_000, 'the session to end');
      await ask(peer, carrier.at, Buffer.from('2'));

      expect(flows.list().map(({ id }) => id)).toEqual([2]);
      await waitFor(() => flows.totals()[1]?.received === 2, 2_000, 'all bytes to be counted');
      expect(flows.totals()[1]).toMatchObject({ sent: 2, received: 2, ended: { tunnel_down: 1 } });
      expect(new Set(here.from.map(({ port }) => port)).size).toBe(2);
    });

    it('says that a port is taken, and has it free again after a rest', async () => {
      const holder = await bound('::1');
      const bench = aBench(handWays(aWay()), { engine: trial.engine });
      const passage = {
        origin: 'mapping udp 0',
        proxyProtocol: false,
        onChange: () => () => undefined,
        onward: () => null,
      };
      const carrier = new UdpCarrier(holder.at, passage, bench);

      expect((await carrier.take())._unsafeUnwrapErr()).toEqual({ kind: 'taken' });
      expect(carrier.idle).toBe(true);
      holder.close();
      await once(holder, 'close');
      (await carrier.take())._unsafeUnwrap();
      await carrier.rest();
      await bound('::1', holder.at.port);
    });
  });
}
