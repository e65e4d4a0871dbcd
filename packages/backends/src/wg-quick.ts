import type { DriverError, Millis } from '@hurricane/core';
import { err, ok, type ResultAsync } from 'neverthrow';
import type { CommandRunner, Finished } from './command.js';
import { faultOf } from './obey.js';
import { installHint } from './tools.js';
import type { WgHook } from './wg-conf.js';

/** What wg-quick is asked to do. */
export interface WgQuickCall {
  readonly verb: 'up' | 'down';
  readonly iface: string;
  /** The configuration, named after the interface. */
  readonly path: string;
  /** Its commands, to tell which of them failed. */
  readonly hooks: readonly WgHook[];
  /** The program it uses where the kernel has no WireGuard. */
  readonly userspace: string;
}

/** How long `wg-quick` may take. What the file's own commands do counts, too. */
const WG_QUICK_LIMIT: Millis = 15_000;

export function wgQuick(runner: CommandRunner, call: WgQuickCall, signal: AbortSignal): ResultAsync<void, DriverError> {
  const argv = ['wg-quick', call.verb, call.path];
  return runner
    .run(argv, signal, { deadline: WG_QUICK_LIMIT })
    .andThen((finished) => (finished.exitCode === 0 ? ok() : err<void, DriverError>(complaintOf(call, finished))));
}

/** What wg-quick's failure means, without what it prints of keys and of the file's own commands. */
export function complaintOf(call: WgQuickCall, finished: Finished): DriverError {
  const lines = finished.stderr.split('\n');
  const fellBack = lines.findIndex((line) => line.startsWith('[!] Missing WireGuard kernel module'));
  if (call.verb === 'up' && fellBack === -1 && hasNoWireguard(lines)) {
    return { kind: 'missing_tool', tool: call.userspace, install: installHint('wireguard-go') };
  }
  const steps = lines.slice(fellBack + 1);
  // After a failed step it removes the interface again, which says nothing about the failure.
  const cleanUp = call.verb === 'up' ? steps.indexOf(`[#] ip link delete dev ${call.iface}`) : -1;
  const toldOf = cleanUp === -1 ? steps : steps.slice(0, cleanUp);
  const last = toldOf.map((line) => line.startsWith('[#] ')).lastIndexOf(true);
  const failed = hookIn(call, toldOf[last] ?? '');
  const said = messagesIn(toldOf.slice(last + 1));
  const words = withoutKeys(said.length > 0 ? said : messagesIn(toldOf), call.iface);
  const argv = ['wg-quick', call.verb, call.path];
  if (failed === null) return faultOf(argv, { ...finished, stderr: words });
  const stderr = `its ${failed.key} command failed${words === '' ? '' : `: ${words}`}`;
  return { kind: 'command_failed', argv, exitCode: finished.exitCode, stderr };
}

/** Neither in the kernel nor as a program: only then does wg-quick stop right after asking the kernel. */
function hasNoWireguard(lines: readonly string[]): boolean {
  const asked = lines.findIndex((line) => /^\[#\] ip link add \S+ type wireguard$/.test(line));
  return asked !== -1 && /Unknown device type|not supported/.test(lines[asked + 1] ?? '');
}

/** The command of the file that this step is; null when it is a step of wg-quick's own. */
const hookIn = ({ hooks, iface }: WgQuickCall, step: string): WgHook | null =>
  hooks.find(({ command }) => step === `[#] ${command.replaceAll('%i', iface)}`) ?? null;

/** Neither steps nor the notice that wireguard-go prints in a box. */
const messagesIn = (lines: readonly string[]): readonly string[] =>
  lines.filter((line) => line.trim() !== '' && !/^(\[[#!]\]|[┌│└])/.test(line));

/**
 * wg quotes what it cannot read, and that may be a key, also one mistyped. Left are names of settings,
 * addresses and the interface.
 */
function withoutKeys(lines: readonly string[], iface: string): string {
  const quoted = (whole: string, text: string): string => {
    if (text === iface || /^[\d.:/[\]a-f]*[.:][\d.:/[\]a-f]*$/.test(text)) return whole;
    const setting = /^([A-Za-z]{1,24})\s*=/.exec(text)?.[1];
    return setting === undefined ? "`…'" : `\`${setting} = …'`;
  };
  return lines
    .join('\n')
    .replace(/`([^'\n]*)'/g, quoted)
    .replace(/[A-Za-z0-9+/]{40,}=*/g, '…');
}
