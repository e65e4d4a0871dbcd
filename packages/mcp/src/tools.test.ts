import { addressesView, healthView, tunnelsView } from '@hurricane/core';
import { describe, expect, it } from 'vitest';
import { outputSchemas } from '../../../scripts/output-schemas.js';
import { condensed } from './condense.js';
import { Dispatcher, type ToolResult } from './dispatcher.js';
import { gatewayOffer, type OfferOptions } from './offer.js';
import { OUTPUT } from './output-schemas.js';
import { controlledStage, HE_ADDRESS, mcpStage } from './testing-stage.test-support.js';
import type { Call } from './tool.js';

const CALL: Call = { signal: new AbortController().signal, progress: () => Promise.resolve(), request: null };

describe('the tools of the seed', () => {
  it('answer with the very documents of REST, and with words', async () => {
    const stage = await mcpStage();
    const status = stage.gateway.status();

    const [tunnels, addresses, health] = await Promise.all(
      ['get_tunnel_status', 'get_ipv6_address', 'check_health'].map((name) => use(stage, name)),
    );

    expect(tunnels?.structuredContent).toEqual(tunnelsView(status));
    expect(addresses?.structuredContent).toEqual(addressesView(status));
    expect(health?.structuredContent).toEqual(healthView(status));
    expect(health?.content[0]?.text).toMatch(/^IPv6 is ok: he carries the traffic at \d+ ms, 2 tunnels are up\.$/);
    expect(JSON.parse(health?.content[1]?.text ?? '')).toEqual(health?.structuredContent);
    expect(tunnels?.content[0]?.text).toContain('he: up, primary (he_6in4 on he0, alive, score 100,');
    expect(addresses?.content[0]?.text).toContain(`${HE_ADDRESS}/64 on he0 (tunnel he, primary): reachable`);
  });
});

describe('every tool', () => {
  it('has a title, all four annotations, strict input and an output schema', async () => {
    const { tools } = gatewayOffer(await controlledStage());

    for (const tool of tools) {
      expect(Object.keys(tool.annotations).sort(), tool.name).toEqual([
        'destructiveHint',
        'idempotentHint',
        'openWorldHint',
        'readOnlyHint',
      ]);
      expect(tool.title, tool.name).not.toBe('');
      expect(tool.inputSchema, tool.name).toMatchObject({ type: 'object', additionalProperties: false });
      expect(tool.outputSchema, tool.name).toMatchObject({ type: 'object' });
    }
  });

  it('is read-only unless control is allowed', async () => {
    const reading = gatewayOffer(await mcpStage()).tools;
    const all = gatewayOffer(await controlledStage()).tools;

    expect(reading.every(({ annotations }) => annotations.readOnlyHint)).toBe(true);
    expect(all.slice(reading.length).map(({ name }) => name)).toEqual([
      'set_primary',
      'tunnel_up',
      'tunnel_down',
      'map_port',
      'unmap_port',
    ]);
  });

  it('promises what the schemas of REST say', () => {
    expect(OUTPUT).toEqual(outputSchemas());
  });

  it('changes nothing when it is read-only, whatever it is given', async () => {
    const stage = await mcpStage();
    const before = stage.stage.gateway.state;

    for (const { name } of gatewayOffer(stage).tools)
      for (const given of [{}, { tunnel: 'he', watch_s: 0 }, { fault: 'line_down' }, { protocol: 'tcp', port: 1 }])
        await use(stage, name, given);

    expect(stage.stage.gateway.state).toBe(before);
  });
});

describe('arguments that are wrong', () => {
  it.each([
    ['get_tunnel_status', { tunnel: 'hee' }, 'There is no tunnel "hee". Did you mean "he"? There are: he, wg.'],
    ['get_tunnel_status', { tunel: 'he' }, '"tunel" is not an argument. Did you mean "tunnel"?'],
    ['check_health', { x: 1 }, '"x" is not an argument: there are none.'],
    ['check_health', JSON.parse('{"__proto__":{}}'), '"__proto__" is not an argument: there are none.'],
    ['check_health', [], 'The arguments must be an object.'],
    ['probe_port', { protocol: 'udp' }, '"port" is missing: it must be a whole number from 1 to 65535.'],
    ['probe_port', { protocol: 'sctp', port: 1 }, '"protocol" must be "udp" or "tcp", and is the text "sctp".'],
    [
      'probe_port',
      { protocol: 'tcp', port: '80' },
      '"port" must be a whole number from 1 to 65535, and is the text "80".',
    ],
    ['probe_port', { protocol: 'tcp', port: 0.5 }, '"port" must be a whole number from 1 to 65535, and is 0.5.'],
    [
      'get_history',
      { tunnel: 'x', window_s: null },
      '"window_s" must be a whole number from 10 to 86400, and is null.',
    ],
    ['simulate_failover', { fault: 'silent', tunnel: 'nix' }, 'There is no tunnel "nix". There are: he, wg.'],
    ['list_ports', {}, expect.stringMatching(/^Port mappings belong to exposure mode "proxy"/)],
  ])('%s %j: are answered with a sentence', async (name, given, sentence) => {
    const answer = await use(await mcpStage(), name, given);

    expect(answer).toEqual({ content: [{ type: 'text', text: sentence }], isError: true });
  });

  it('says what is not kept here', async () => {
    const { gateway, version } = await mcpStage();
    const bare = { gateway: { status: () => gateway.status() }, version };

    expect((await use(bare, 'get_history')).content[0]?.text).toBe('This gateway offers no history.');
    expect((await use(bare, 'simulate_failover', { fault: 'nothing' })).content[0]?.text).toBe(
      'This gateway offers no simulation.',
    );
    expect((await use(bare, 'diagnose')).isError).toBe(true);
  });

  it('contains what a tool throws', async () => {
    const defects: unknown[] = [];
    const stage = await mcpStage();
    const broken = {
      ...stage,
      insight: {
        ...stage.insight,
        explain: () => {
          throw new Error('boom');
        },
      },
    } as OfferOptions;
    const dispatcher = new Dispatcher({ offer: gatewayOffer(broken), onDefect: (defect) => void defects.push(defect) });

    const answer = (await dispatcher.callTool('explain_failover', {}, CALL))._unsafeUnwrap() as ToolResult;

    expect(answer.isError).toBe(true);
    expect(defects).toEqual([new Error('boom')]);
  });
});

describe('control', () => {
  it('moves the route, takes tunnels down and up, and puts each use on record', async () => {
    const stage = await controlledStage();

    await use(stage, 'set_primary', { tunnel: 'wg' });
    expect(stage.stage.gateway.status().preferred).toBe('wg');
    await use(stage, 'set_primary', { tunnel: 'auto' });
    expect(stage.stage.gateway.status().preferred).toBeNull();
    await use(stage, 'tunnel_down', { tunnel: 'he' });
    await stage.stage.run(2_000);
    expect(stage.stage.tunnel('he').state).toBe('down');
    await use(stage, 'tunnel_up', { tunnel: 'he' });
    await stage.stage.run(2_000);
    expect(stage.stage.tunnel('he').state).toBe('up');
    const refused = await use(stage, 'tunnel_down', { tunnel: 'nix' });

    expect(refused).toMatchObject({ isError: true, content: [{ text: expect.stringContaining('There are: he, wg') }] });
    expect(stage.audited).toEqual([
      'An MCP client used set_primary with {"tunnel":"wg"}: done',
      'An MCP client used set_primary with {"tunnel":"auto"}: done',
      'An MCP client used tunnel_down with {"tunnel":"he"}: done',
      'An MCP client used tunnel_up with {"tunnel":"he"}: done',
      'An MCP client used tunnel_down with {"tunnel":"nix"}: refused (gateway)',
    ]);
  });

  it('is refused beyond its pace, leaves no line of that, and looking goes on', async () => {
    const stage = await controlledStage();
    const waits = [0, 2_500];
    const options = { ...stage, changePace: () => waits.shift() ?? 0 };
    const first = await use(options, 'set_primary', { tunnel: 'wg' });
    const second = await use(options, 'tunnel_down', { tunnel: 'he' });
    const looked = await use(options, 'check_health', {});

    expect(first.isError).toBeUndefined();
    expect(second).toMatchObject({ isError: true, content: [{ text: expect.stringContaining('again in 3 s') }] });
    expect(looked.isError).toBeUndefined();
    expect(stage.audited).toHaveLength(1);
    expect(waits).toEqual([]);
  });

  it('maps and unmaps ports', async () => {
    const stage = await controlledStage();
    const port = { protocol: 'tcp', internal_port: 22, external_port: 2_222, v6_address: HE_ADDRESS };

    const mapped = await use(stage, 'map_port', port);
    const listed = await use(stage, 'list_ports');
    const taken = await use(stage, 'map_port', { ...port, internal_port: 23 });
    const removed = await use(stage, 'unmap_port', { protocol: 'tcp', external_port: 2_222 });
    const again = await use(stage, 'unmap_port', { protocol: 'tcp', external_port: 2_222 });

    expect(mapped.structuredContent).toMatchObject({ status: 'ok', external_port: 2_222, v6_address: HE_ADDRESS });
    expect(listed.structuredContent).toMatchObject({ ports: [{ external_port: 2_222 }] });
    expect(taken).toMatchObject({ isError: true });
    expect(removed.content[0]?.text).toBe(`Removed: tcp  [${HE_ADDRESS}]:2222 -> 127.0.0.1:22`);
    expect(again.content[0]?.text).toContain('There is no mapping of tcp port 2222');
  });
});

describe('events', () => {
  it('are told from an id on, without a gap, and say what to ask for next', async () => {
    const stage = await mcpStage();
    const first = await use(stage, 'get_events', { level: 'debug', limit: 1_000 });
    const { events, last_id } = first.structuredContent as { events: { id: number }[]; last_id: number };

    const page = await use(stage, 'get_events', { since: 0, limit: 2, level: 'debug' });
    stage.stage.gateway.prefer('wg');
    const next = await use(stage, 'get_events', { since: last_id, tunnel: 'wg' });

    expect(events.at(-1)?.id).toBe(last_id);
    expect(page.structuredContent).toMatchObject({ events: [{ id: 1 }, { id: 2 }], last_id: 2, gap: false });
    expect(next.structuredContent).toMatchObject({
      events: [{ type: 'preferred', tunnel: 'wg' }, { type: 'failed_over' }],
    });
  });
});

describe('history', () => {
  const sample = (at: number, score: number | null, resolution_s = 1) => {
    const known = { latency_ms: score === null ? null : 100 - score, loss: score === null ? null : 0.5 };
    return { at, resolution_s, score, ...known, rx_bytes_per_s: 10, tx_bytes_per_s: null };
  };

  it('is summed up by the time that each sample stands for', () => {
    const samples = [sample(0, 0, 10), sample(10, 100), sample(11, null)];
    const view = { tiers: [], tunnels: [{ tunnel: 'he', samples }] };

    const { tunnels } = condensed(view, { since: 0, until: 12, samples: 10 });

    expect(tunnels[0]?.summary).toEqual({
      known_s: 11,
      unreachable_s: 10,
      latency_ms: { min: 0, mean: 90.909, max: 100 },
      loss: { min: 0.5, mean: 0.5, max: 0.5 },
      score: { min: 0, mean: 9.091, max: 100 },
      rx_bytes: 120,
      tx_bytes: null,
    });
    expect(tunnels[0]?.samples).toEqual(samples);
  });

  it('is put together into as few samples as are asked for, and none is left out', () => {
    const samples = Array.from({ length: 100 }, (_, at) => sample(at, 50));
    const view = { tiers: [], tunnels: [{ tunnel: 'he', samples }] };

    const { tunnels } = condensed(view, { since: 0, until: 99, samples: 7 });

    expect(tunnels[0]?.samples.length).toBeLessThanOrEqual(7);
    expect(tunnels[0]?.samples.reduce((sum, { resolution_s }) => sum + resolution_s, 0)).toBe(100);
  });
});

async function use(options: OfferOptions, name: string, given: unknown = {}): Promise<ToolResult> {
  const dispatcher = new Dispatcher({
    offer: gatewayOffer(options),
    onDefect: (defect) => {
      throw defect;
    },
  });
  return (await dispatcher.callTool(name, given, CALL))._unsafeUnwrap() as ToolResult;
}
