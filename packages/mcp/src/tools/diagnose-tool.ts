import { diagnosisView } from '@hurricane/core';
import { err, ok } from 'neverthrow';
import type { DiagnosisReport } from '../documents.js';
import { type Arguments, inputSchema } from '../json-schema.js';
import { OUTPUT } from '../output-schemas.js';
import { ProbeTally, tallyLine } from '../probe-tally.js';
import type { Sources } from '../sources.js';
import { diagnosisText } from '../texts/failover-text.js';
import { type Call, LOOKS, type Tool, type ToolAnswer } from '../tool.js';
import { pause } from '../turns.js';
import { TUNNEL_NAME } from '../words.js';
import { knownTunnel } from './status-tools.js';

/** A healthy tunnel is probed twice a second, one in doubt ten times. */
const WATCH_S = { usual: 2, most: 30 };

export function diagnoseTool(sources: Sources): Tool {
  return {
    name: 'diagnose',
    title: 'Where is it broken',
    description:
      "Where tunnels are broken: the IPv4 path, the provider's server, what lies beyond it or the probe targets, " +
      'with the evidence for each. Watches the probes for some seconds; sends none of its own.',
    annotations: LOOKS,
    inputSchema: inputSchema({
      tunnel: { ...TUNNEL_NAME, description: 'Only this tunnel; left out: all of them.' },
      watch_s: {
        type: 'number',
        minimum: 0,
        maximum: WATCH_S.most,
        default: WATCH_S.usual,
        description: 'For how long to watch; 0: tell what is known.',
      },
    }),
    outputSchema: OUTPUT.diagnosis,
    run: (given, call) => diagnose(given, call, sources),
  };
}

async function diagnose(given: Arguments, call: Call, { gateway }: Sources): Promise<ToolAnswer> {
  if (gateway.state === undefined || gateway.clock === undefined)
    return err({ kind: 'not_offered', what: 'diagnosis' });
  const tunnel = given['tunnel'];
  const known = tunnel === undefined ? ok(null) : knownTunnel(gateway.status(), String(tunnel));
  if (known.isErr()) return err(known.error);
  const watch = gateway.observe === undefined ? 0 : Number(given['watch_s'] ?? WATCH_S.usual);
  const tally = new ProbeTally();
  const letGo = gateway.observe?.(tally.observe);
  const whole = await watchFor(watch, call);
  letGo?.();
  if (!whole) return err({ kind: 'called_off' });
  const view = diagnosisView(gateway.state, gateway.clock.now());
  const about = (name: string): boolean => tunnel === undefined || name === tunnel;
  const tunnels = view.tunnels.filter((each) => about(each.tunnel));
  const document: DiagnosisReport = {
    ...view,
    findings: tunnel === undefined ? view.findings : tunnels.flatMap((each) => each.findings),
    tunnels,
    watched_s: watch,
    probes: tally.rows().filter((row) => about(row.tunnel)),
  };
  return ok({ document, text: diagnosisText(document, document.probes.map(tallyLine)) });
}

/** False: it was called off. */
async function watchFor(seconds: number, { signal, progress }: Call): Promise<boolean> {
  for (let done = 0; done < seconds; ) {
    const next = Math.min(1, seconds - done);
    if (!(await pause(next * 1_000, signal))) return false;
    done += next;
    await progress(done, seconds, `watched the probes for ${done} of ${seconds} s`);
  }
  return !signal.aborted;
}
