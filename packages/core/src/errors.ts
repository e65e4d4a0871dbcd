import { match } from 'ts-pattern';
import type { ConfigProblem, TunnelType } from './config/model.js';
import type { DriverError } from './facts.js';
import type { Millis } from './units.js';

export type GatewayError =
  /** Nothing here can run tunnels of that type. */
  | { readonly kind: 'no_driver'; readonly tunnel: string; readonly type: TunnelType }
  | { readonly kind: 'unknown_tunnel'; readonly tunnel: string; readonly known: readonly string[] }
  /** The host would not let go within the limit. */
  | { readonly kind: 'stop_incomplete'; readonly left: readonly string[]; readonly after: Millis }
  | { readonly kind: 'not_ready'; readonly after: Millis };

/** One sentence for people: what happened and, where there is something to do, what to do. */
export function describeDriverError(error: DriverError): string {
  return match(error)
    .returnType<string>()
    .with({ kind: 'missing_tool' }, (e) =>
      e.install === null ? `"${e.tool}" is not installed` : `"${e.tool}" is not installed: ${e.install}`,
    )
    .with(
      { kind: 'not_permitted' },
      (e) => `not permitted to ${e.operation}: run as root or grant CAP_NET_ADMIN and CAP_NET_RAW`,
    )
    .with({ kind: 'interface_missing' }, (e) => `there is no interface "${e.iface}"`)
    .with(
      { kind: 'interface_taken' },
      (e) => `interface "${e.iface}" exists and is not ours (${e.found}): choose another "iface" or remove it`,
    )
    .with({ kind: 'misconfigured' }, (e) => `"${e.setting}" ${e.problem}`)
    .with({ kind: 'unsupported' }, (e) => e.what)
    .with({ kind: 'command_failed' }, (e) => {
      const how = e.exitCode === null ? 'was ended by a signal' : `ended with status ${e.exitCode}`;
      const said = e.stderr.trim().split('\n')[0] ?? '';
      return `"${e.argv.join(' ')}" ${how}${said === '' ? '' : `: ${said}`}`;
    })
    .with({ kind: 'timed_out' }, (e) => `no answer within ${e.after / 1000} s`)
    .with({ kind: 'aborted' }, () => 'it was called off')
    .with(
      { kind: 'defect' },
      (e) => `a defect of ours: ${e.cause instanceof Error ? e.cause.message : String(e.cause)}`,
    )
    .exhaustive();
}

/** One sentence for people. */
export function describeGatewayError(error: GatewayError): string {
  return match(error)
    .returnType<string>()
    .with({ kind: 'no_driver' }, (e) => `tunnel "${e.tunnel}" is of type ${e.type}, which this host cannot run`)
    .with(
      { kind: 'unknown_tunnel' },
      (e) => `there is no tunnel "${e.tunnel}"; there are: ${e.known.join(', ') || 'none'}`,
    )
    .with(
      { kind: 'stop_incomplete' },
      (e) => `gave up stopping after ${e.after / 1000} s; still there: ${e.left.join(', ')}`,
    )
    .with({ kind: 'not_ready' }, (e) => `no tunnel became usable within ${e.after / 1000} s`)
    .exhaustive();
}

/** `file:line: where: problem`, the form editors jump to. */
export function describeConfigProblem(file: string, problem: ConfigProblem): string {
  const place = problem.line === null ? file : `${file}:${problem.line}`;
  return problem.where === '' ? `${place}: ${problem.problem}` : `${place}: ${problem.where}: ${problem.problem}`;
}
