import { describeGatewayError, type Gateway, type Millis } from '@hurricane/core';
import type { Running } from './daemon.js';
import { EXIT, type ExitCode } from './exit-codes.js';
import type { StopLimits } from './limits.js';
import type { Log } from './log.js';

/** Stops everything, each part within its limit. The exit code says whether anything is left. */
export async function stopAll(
  { gateway, insight, host, api, relay, mcp }: Running,
  limits: StopLimits,
  log: Log,
): Promise<ExitCode> {
  await Promise.all([api.close(limits.api), mcp.close(limits.api)]);
  await relay?.stop(limits.relay);
  const stopped = await gateway.stop(limits.gateway);
  insight.close();
  if (stopped.isErr()) log.log('error', `Not everything is stopped: ${describeGatewayError(stopped.error)}`);
  const closed = await within(limits.host, host.close?.() ?? Promise.resolve());
  if (!closed) log.log('warn', 'The helper programs have not ended in time');
  return stopped.isErr() ? EXIT.failure : EXIT.ok;
}

/** For an end that waits for nothing any more. */
export function tellWhatIsLeft(gateway: Gateway | null, log: Log): void {
  const status = gateway?.status();
  const left = status?.tunnels.filter((tunnel) => tunnel.state !== 'down').map((tunnel) => tunnel.config.name) ?? [];
  if (left.length > 0) log.log('error', `Ended at once; still there: ${left.join(', ')}`);
  else if (status === undefined || status.phase === 'stopped') log.log('warn', 'Ended at once; nothing is left');
  else log.log('error', 'Ended at once; the tunnels are down, routes of theirs may be left');
}

/** Whether it came to a good end in time. */
function within(limit: Millis, ending: Promise<void>): Promise<boolean> {
  return new Promise((resolve) => {
    const late = setTimeout(() => resolve(false), limit);
    const settle = (good: boolean): void => {
      clearTimeout(late);
      resolve(good);
    };
    ending.then(
      () => settle(true),
      () => settle(false),
    );
  });
}
