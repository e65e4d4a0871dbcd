import { createServer } from 'node:net';
import { Gateway, Insight, MCP_DEFAULTS, parseConfig } from '@hurricane/core';
import { errAsync, okAsync } from 'neverthrow';
import { describe, expect, it } from 'vitest';
import { fakeHost, rememberedLog, TWO_TUNNELS } from './fakes.test-support.js';
import { type McpOptions, mcpOverHttp, openMcp } from './mcp.js';

describe('the MCP server of the daemon', () => {
  it('listens where the configuration says, for nobody but its own user', async () => {
    const asked: unknown[] = [];
    const options = optionsFor('[mcp]\nsocket = /run/a/m.sock');

    const mcp = await openMcp({
      ...options,
      bind: (server, { path, mode }) => {
        asked.push([server instanceof createServer().constructor, path, mode]);
        return okAsync(path);
      },
    });

    expect(asked).toEqual([[true, '/run/a/m.sock', 0o600]]);
    expect(mcp.place).toBe('/run/a/m.sock');
    expect(options.log.lines).toEqual(['info: MCP server listens on /run/a/m.sock']);
  });

  it('makes no socket where it is switched off', async () => {
    const options = optionsFor('[mcp]\nenabled = no');

    const mcp = await openMcp({ ...options, bind: () => errAsync({ kind: 'bad_port', port: 0 }) });

    expect(mcp.place).toBeNull();
    expect(options.log.lines).toEqual([]);
  });

  it('takes the directory of the unit where the usual one cannot be written to', async () => {
    const options = optionsFor('');

    const mcp = await openMcp({
      ...options,
      bind: (_server, { path }) =>
        path === MCP_DEFAULTS.socket ? errAsync({ kind: 'socket_not_permitted', path }) : okAsync(path),
    });

    expect(mcp.place).toBe('/run/v6-gatewayd/mcp.sock');
  });

  it('says why there is none, and looks nowhere else, when another program has the socket', async () => {
    const options = optionsFor('');
    const holder = { pid: 7, name: 'v6-gatewayd' };

    const mcp = await openMcp({
      ...options,
      bind: (_server, { path }) => errAsync({ kind: 'socket_in_use', path, holder }),
    });

    expect(mcp.place).toBeNull();
    expect(options.log.lines).toEqual([
      expect.stringMatching(/^error: There is no MCP server .+ v6-gatewayd \(process 7\)/),
    ]);
  });

  it('is offered over HTTP only where the configuration says so', async () => {
    expect(mcpOverHttp(optionsFor(''))).toBeNull();
    expect(mcpOverHttp(optionsFor('[mcp]\nhttp = yes\nenabled = no'))).toBeNull();

    const http = mcpOverHttp(optionsFor('[mcp]\nhttp = yes'));
    const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
    const answer = await http?.fetch(new Request('http://127.0.0.1/mcp', { method: 'POST', headers, body: '{' }));
    await http?.close();

    expect(answer?.status).toBe(400);
  });

  it('takes so many changes at once over HTTP, however they are sent, and any number of questions', async () => {
    const options = optionsFor('[mcp]\nhttp = yes\nallow_control = yes');
    const http = mcpOverHttp(options);
    const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
    const asked = async (name: string, given: object, count: number): Promise<readonly string[]> => {
      const call = (id: number) => ({ jsonrpc: '2.0', id, method: 'tools/call', params: { name, arguments: given } });
      const body = JSON.stringify(Array.from({ length: count }, (_, id) => call(id)));
      const answer = await http?.fetch(new Request('http://127.0.0.1/mcp', { method: 'POST', headers, body }));
      return (await answer?.text())?.match(/"structuredContent"|too many changes/g) ?? [];
    };

    const looked = await asked('check_health', {}, 100);
    const changed = await asked('set_primary', { tunnel: 'auto' }, 100);
    await http?.close();

    expect(new Set(looked)).toEqual(new Set(['"structuredContent"']));
    expect(looked).toHaveLength(100);
    expect(changed.filter((each) => each === '"structuredContent"').length).toBeGreaterThanOrEqual(60);
    expect(changed.filter((each) => each === 'too many changes').length).toBeGreaterThanOrEqual(30);
    expect(options.log.lines).toHaveLength(changed.filter((each) => each === '"structuredContent"').length);
  });
});

function optionsFor(
  text: string,
): Omit<McpOptions, 'bind' | 'log'> & { readonly log: ReturnType<typeof rememberedLog> } {
  const config = parseConfig(`${TWO_TUNNELS}\n${text}`)._unsafeUnwrap();
  const gateway = Gateway.create({ config, host: fakeHost() })._unsafeUnwrap();
  return { config, gateway, insight: new Insight(gateway), version: '1.2.3', log: rememberedLog() };
}
