import {
  configDocument,
  eventDocument,
  healthView,
  type News,
  type NewsEntry,
  tunnelsView,
  tunnelView,
} from '@hurricane/core';
import type { EventsReport } from './documents.js';
import type { Contents, Resource, ResourceTemplate } from './resource.js';
import type { Sources } from './sources.js';

export const HEALTH = 'hurricane://health';
export const TUNNELS = 'hurricane://tunnels';
export const CONFIG = 'hurricane://config';
export const EVENTS = 'hurricane://events';
export const tunnelUri = (name: string): string => `${TUNNELS}/${encodeURIComponent(name)}`;

const JSON_TYPE = 'application/json';

/** Events in one reading of the resource; the tool tells more. */
const EVENTS_SHOWN = 100;

export function gatewayResources({ gateway, insight }: Sources): readonly Resource[] {
  return [
    {
      uri: HEALTH,
      name: 'health',
      title: 'Health of the gateway',
      description: 'Whether IPv6 works, through which tunnel, and the reasons when not all is well.',
      mimeType: JSON_TYPE,
      read: () => json(healthView(gateway.status())),
    },
    {
      uri: TUNNELS,
      name: 'tunnels',
      title: 'Tunnels',
      description: 'Every tunnel and its state.',
      mimeType: JSON_TYPE,
      read: () => json(tunnelsView(gateway.status())),
    },
    {
      uri: CONFIG,
      name: 'config',
      title: 'Configuration in force',
      description: 'What the gateway runs with, under the names of its file. No secret is in it.',
      mimeType: JSON_TYPE,
      read: () => json(configDocument(gateway.status().config)),
    },
    {
      uri: EVENTS,
      name: 'events',
      title: 'Latest events',
      description: 'What happened of late, the oldest first.',
      mimeType: JSON_TYPE,
      read: () => {
        const { entries, lastId } = insight?.news.since(null) ?? { entries: [], lastId: 0 };
        const events = entries.slice(-EVENTS_SHOWN).map(eventDocument);
        return json({ events, gap: false, last_id: lastId } satisfies EventsReport);
      },
    },
  ];
}

export function gatewayTemplates({ gateway }: Sources): readonly ResourceTemplate[] {
  return [
    {
      uriTemplate: 'hurricane://tunnels/{name}',
      name: 'tunnel',
      title: 'One tunnel',
      description: 'A tunnel and its state.',
      values: () => gateway.status().tunnels.map((t) => t.config.name),
      read: (name) => {
        const found = gateway.status().tunnels.find((t) => t.config.name === name);
        return found === undefined ? null : json(tunnelView(found));
      },
    },
  ];
}

/** What a piece of news has changed. `listed`: which resources there are. */
export interface Changed {
  readonly uris: readonly string[];
  readonly listed: boolean;
}

/** The measures of a tunnel change with every probe: what is told is what is news. */
export function changedBy({ news }: NewsEntry): Changed {
  switch (news.type) {
    case 'reloaded':
      return { uris: [HEALTH, TUNNELS, CONFIG, EVENTS], listed: true };
    default:
      return { uris: [HEALTH, TUNNELS, EVENTS, ...tunnelsIn(news).map(tunnelUri)], listed: false };
  }
}

function tunnelsIn(news: News): readonly string[] {
  if (news.type === 'failed_over') return [news.from, news.to];
  const { tunnel, primary } = { tunnel: null, primary: null, ...news };
  return [tunnel, primary].filter((name) => typeof name === 'string');
}

function json(document: object): Contents {
  return { mimeType: JSON_TYPE, text: JSON.stringify(document) };
}
