import { parseConfig } from '@hurricane/core';
import { settled } from '@hurricane/core/testing';
import { errAsync, okAsync } from 'neverthrow';
import { describe, expect, it } from 'vitest';
import type { Endpoint, Engine, FlowFacts, Handshakes, Outcome } from '../contracts.js';
import { FlowTable } from '../flows.js';
import { aWay, handWays } from '../loopback.test-support.js';
import { MemoryLeg } from '../testing/memory-leg.test-support.js';
import { socks5SettingsOf } from './from-config.js';
import { type Socks5Server, serveSocks5 } from './serve.js';

// Clients that an engine has heard by itself, and that a test connects or not. With real engines: engines.test.ts.

const CLIENT: Endpoint = { address: '192.0.2.1', port: 4_000 };
const TARGET: Endpoint = { address: '203.0.113.1', port: 80 };

describe('a plain client', () => {
  it('is carried once it has been told so, whatever others open meanwhile', async () => {
    const { flows, asks } = await aStage({ limit: 2 });
    const [first, second] = [asks(), asks()];

    expect(flows.open(facts())._unsafeUnwrapErr()).toEqual({ kind: 'too_many_flows', limit: 2 });
    expect(flows.room).toBe(0);

    expect(first.outcome?.begun(() => {})).not.toBeNull();
    expect(second.outcome?.begun(() => {})).not.toBeNull();
    expect(flows.size).toBe(2);
  });

  it('is carried, too, where its own bound is what others would fill', async () => {
    const { flows, asks } = await aStage({ perClient: 1 });
    const client = asks();

    expect(flows.open(facts())._unsafeUnwrapErr()).toEqual({ kind: 'too_many_of_client', limit: 1 });
    expect(flows.open(facts({ client: { address: '192.0.2.2', port: 1 } })).isOk()).toBe(true);

    expect(client.outcome?.begun(() => {})).not.toBeNull();
  });

  it('is connected like everybody else where the table has no place for it', async () => {
    const { flows, asks } = await aStage({ limit: 1 });
    flows.open(facts());

    const client = asks();

    expect(client.outcome).toBeNull();
    expect(client.taken).toBe(1);
    expect(flows.totals()[0]?.refused).toEqual({ too_many_flows: 0, too_many_of_client: 0 });
  });

  it('gives its place back when it cannot be connected, and when its flow has ended', async () => {
    const { flows, asks } = await aStage({ limit: 1 });

    const unlucky = asks();
    unlucky.outcome?.failed({ kind: 'refused' }, unlucky.leg);
    expect(flows.room).toBe(1);
    const lucky = asks();
    const led = lucky.outcome?.begun(() => {});
    expect(flows.room).toBe(0);
    led?.closed('finished');

    expect(flows.room).toBe(1);
    expect(flows.open(facts()).isOk()).toBe(true);
  });

  it('counts as opening until it is a flow, or is told why not', async () => {
    const { flows, server, asks } = await aStage();
    const [lucky, unlucky] = [asks(), asks()];
    expect([server.counts().opening, flows.size]).toEqual([2, 0]);

    lucky.outcome?.begun(() => {});
    expect([server.counts().opening, flows.size]).toEqual([1, 1]);
    unlucky.outcome?.failed({ kind: 'refused' }, unlucky.leg);
    await settled();

    expect(server.counts()).toMatchObject({ opening: 0, replies: { succeeded: 1, refused: 1 } });
  });
});

interface Asked {
  /** What is to become of it; null: the engine was not told to connect it. */
  outcome: Outcome | null;
  /** How often it was handed over. */
  taken: number;
  readonly leg: MemoryLeg;
}

interface Stage {
  readonly server: Socks5Server;
  readonly flows: FlowTable;
  /** A client asks to be connected. */
  asks(): Asked;
}

async function aStage(bounds: { readonly limit?: number; readonly perClient?: number } = {}): Promise<Stage> {
  const ways = handWays(aWay());
  const flows = new FlowTable({ ways, now: () => 1_700_000_000, ...bounds });
  const terms: Handshakes[] = [];
  const shakeHands = (given: Handshakes): (() => number) => {
    terms.push(given);
    return () => 0;
  };
  const engine: Engine = {
    name: 'native',
    listen: (local) => okAsync({ local, shakeHands, close: async () => {} }),
    connect: () => errAsync({ kind: 'refused' }),
    join: async () => 'reset',
  };
  const config = parseConfig('[tunnel.a]\ntype = external\n')._unsafeUnwrap();
  const log = { log: () => {} };
  const served = await serveSocks5({ engine, ways, flows, settings: socks5SettingsOf(config), log });
  return { server: served._unsafeUnwrap(), flows, asks: () => asking(terms[0]) };
}

function asking(terms: Handshakes | undefined): Asked {
  const [leg] = MemoryLeg.pair(TARGET, CLIENT);
  const asked: Asked = { outcome: null, taken: 0, leg };
  terms?.asked({
    client: CLIENT,
    to: TARGET,
    connect: (_source, _timeout, outcome) => {
      asked.outcome = outcome;
      return () => {};
    },
    take: () => {
      asked.taken += 1;
      return leg;
    },
    reset: () => leg.reset(),
  });
  return asked;
}

function facts(parts: Partial<FlowFacts> = {}): FlowFacts {
  return { kind: 'tcp', origin: 'mapping tcp 80', client: CLIENT, target: TARGET, tunnel: null, ...parts };
}
