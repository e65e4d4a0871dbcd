import { Validator } from '@seriousme/openapi-schema-validator';
import { describe, expect, test } from 'vitest';
import { OPENAPI } from './openapi-document.js';
import { OPERATION_ROWS } from './operations.js';
import { PROBLEM_STATUS } from './problems.js';
import { openapiDocument } from './schemas/openapi.js';
import { anApp } from './testing-clients.test-support.js';
import { everySource } from './testing-sources.test-support.js';

describe('the OpenAPI document', () => {
  test('is what its schemas make: if not, run npm run openapi', () => {
    expect(OPENAPI).toEqual(JSON.parse(JSON.stringify(openapiDocument())));
  });

  test('is valid OpenAPI 3.1', async () => {
    const result = await new Validator().validate(structuredClone(OPENAPI) as object as Record<string, unknown>);

    expect(result).toMatchObject({ valid: true });
  });

  test('describes every operation, and nothing else but the index', () => {
    const described = Object.entries(OPENAPI.paths).flatMap(([path, item]) =>
      Object.entries(item).map(([method, operation]) => `${method.toUpperCase()} ${path} ${operation.operationId}`),
    );

    expect(described.sort()).toEqual(
      ['GET / getIndex', ...OPERATION_ROWS.map(({ id, method, path }) => `${method} ${path} ${id}`)].sort(),
    );
  });

  test('names every kind of problem where it can come', () => {
    const text = JSON.stringify(OPENAPI.paths) + JSON.stringify(OPENAPI.components.responses);
    const elsewhere = ['not_found', 'method_not_allowed'];

    const missing = Object.keys(PROBLEM_STATUS).filter((kind) => !text.includes(`\`${kind}\``));

    expect(missing).toEqual(elsewhere);
  });

  test('has no reference that leads nowhere', () => {
    const references = [...JSON.stringify(OPENAPI).matchAll(/"\$ref":"#\/components\/(\w+)\/(\w+)"/g)];

    expect(references.length).toBeGreaterThan(50);
    for (const [reference, kind = '', name = ''] of references) {
      expect(OPENAPI.components, reference).toHaveProperty([kind, name]);
    }
  });

  test('is served with the version and the place of the app that serves it', async () => {
    const { app } = anApp(everySource());

    const response = await app.request('/openapi.json');

    expect(response.headers.get('content-type')).toBe('application/json');
    const { info, servers, ...rest } = (await response.json()) as Record<string, unknown>;
    expect(info).toMatchObject({ version: '1.2.3' });
    expect(servers).toEqual([{ url: '/' }]);
    expect(rest).toEqual(expect.objectContaining({ paths: OPENAPI.paths, components: OPENAPI.components }));
  });
});
