import type { Namespace } from './namespace.js';

/**
 * Removes what systemd-networkd does at its start unless it is told otherwise: every IPv6 rule and route
 * that its own files do not have, but for the kernel's (networkd.conf(5), ManageForeignRoutes and
 * ManageForeignRoutingPolicyRules). Resolves to the commands, which one process ran.
 */
export async function flushForeign(client: Namespace): Promise<readonly string[]> {
  const foreign = async (...args: readonly string[]): Promise<readonly string[]> =>
    (await client.must(['ip', '-6', ...args])).split('\n').filter((line) => / proto (?!kernel)/.test(line));
  const rules = (await foreign('rule', 'show')).map((line) => `rule del pref ${line.split(':')[0]}`);
  const routes = (await foreign('route', 'show', 'table', 'all')).map(
    (line) => `route del ${line.replace(/ (error|pref) .*$/, '').trim()}`,
  );
  const commands = [...rules, ...routes];
  // What goes by itself meanwhile is gone, too.
  await client.exec(['ip', '-6', '-force', '-batch', '-'], { input: `${commands.join('\n')}\n` });
  return commands;
}
