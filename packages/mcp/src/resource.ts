/** Something that a client can read, and be told of when it has changed. Knows no SDK. */
export interface Resource {
  readonly uri: string;
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly mimeType: string;
  read(): Contents;
}

/** A family of resources: one for each value of the one variable in its address. */
export interface ResourceTemplate {
  /** With one variable in braces, as in `hurricane://tunnels/{name}` (RFC 6570). */
  readonly uriTemplate: string;
  readonly name: string;
  readonly title: string;
  readonly description: string;
  /** The values there are. */
  values(): readonly string[];
  /** Null: there is none of that value. */
  read(value: string): Contents | null;
}

/** Text, or bytes in base64. */
export type Contents = { readonly mimeType: string } & ({ readonly text: string } | { readonly blob: string });

/** The variable of a template. */
export function variableOf({ uriTemplate }: Pick<ResourceTemplate, 'uriTemplate'>): string {
  return /\{(\w+)\}/.exec(uriTemplate)?.[1] ?? '';
}

/** The value of the variable, where the address is one of the template's; else null. */
export function valueIn(uri: string, { uriTemplate }: Pick<ResourceTemplate, 'uriTemplate'>): string | null {
  const [before = '', after = ''] = uriTemplate.split(/\{\w+\}/);
  if (!uri.startsWith(before) || !uri.endsWith(after)) return null;
  const value = uri.slice(before.length, uri.length - after.length);
  if (value === '' || value.includes('/')) return null;
  try {
    return decodeURIComponent(value);
  } catch {
    return null;
  }
}
