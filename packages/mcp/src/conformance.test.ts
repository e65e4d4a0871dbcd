import { createApp } from '@hurricane/http';
import { serve } from '@hurricane/http/node';
import { describe, expect, it } from 'vitest';
import { run } from '../../../test/support/command.js';
import { conformanceSuite, scenariosMetIn } from '../../../test/support/conformance.js';
import { httpHandlerWith } from './http-handler.js';
import { sessionsWith } from './session.js';
import { SocketBridge } from './testing-bridge.test-support.js';
import { FIXTURE } from './testing-fixture.test-support.js';
import { mcpStage, servedWith } from './testing-stage.test-support.js';
import { Updates } from './updates.js';

interface Judgement {
  readonly exitCode: number | null;
  readonly output: string;
}

/** A run takes five seconds; a busy machine, some more. */
const SUITE_LIMIT_MS = 120_000;

/** Scenarios of the suite that need no fixture, against the product's own offer. */
const WITHOUT_FIXTURE = ['server-initialize', 'ping', 'tools-list', 'resources-list', 'prompts-list'];

describe('the official conformance suite', () => {
  it(
    'finds all 30 required scenarios of 2025-11-25 met, over the Unix socket',
    async () => {
      await using server = await servedWith(sessionsWith(FIXTURE, new Updates(undefined), fail));
      const bridge = new SocketBridge(server.path);

      const said = await judged(bridge.fetch, ['--requirements', '2025-11-25']);
      bridge.close();

      expect(said.exitCode, said.output).toBe(0);
      expect(scenariosMetIn(said.output)).toBeGreaterThanOrEqual(30);
    },
    SUITE_LIMIT_MS,
  );

  it(
    'finds all 37 required scenarios of 2026-07-28 met, at /mcp of the API',
    async () => {
      const handler = httpHandlerWith(FIXTURE, new Updates(undefined), fail);

      const said = await judged(handler.fetch, ['--requirements', '2026-07-28']);
      await handler.close();

      expect(said.exitCode, said.output).toBe(0);
      expect(scenariosMetIn(said.output)).toBeGreaterThanOrEqual(37);
    },
    SUITE_LIMIT_MS,
  );

  it.each(WITHOUT_FIXTURE)(
    'finds the product itself right in %s',
    async (scenario) => {
      const { gatewayOffer } = await import('./offer.js');
      const stage = await mcpStage();
      await using server = await servedWith(sessionsWith(gatewayOffer(stage), new Updates(stage.insight), fail));
      const bridge = new SocketBridge(server.path);

      const said = await judged(bridge.fetch, ['--scenario', scenario, '--spec-version', '2025-11-25']);
      bridge.close();

      expect(said.exitCode, said.output).toBe(0);
    },
    SUITE_LIMIT_MS,
  );
});

/** Runs the suite against what `mcp` answers behind the API's own guard. */
async function judged(mcp: (request: Request) => Promise<Response>, options: readonly string[]): Promise<Judgement> {
  const { gateway } = await mcpStage();
  const app = createApp({ gateway, version: '1', onDefect: fail, mcp });
  const listener = (await serve({ app, bind: '127.0.0.1', port: 0, onDefect: fail }))._unsafeUnwrap();
  const suite = conformanceSuite(`${listener.url}/mcp`, options);
  const { exitCode, stdout, stderr } = await run(suite, { limit: SUITE_LIMIT_MS });
  await listener.close(0);
  return { exitCode, output: (stdout + stderr).slice(-20_000) };
}

function fail(defect: unknown): never {
  throw defect;
}
