import {
  createRequestStateCodec,
  type InputRequest,
  inputRequired,
  type ServerContext,
} from '@modelcontextprotocol/server';
import { ok } from 'neverthrow';
import { inputSchema, type Property } from './json-schema.js';
import type { Offer } from './offer.js';
import type { Prompt } from './prompt.js';
import { LOOKS, type Tool } from './tool.js';

// What the conformance suite expects of a server under test: tools, resources and prompts of fixed names. They stand
// in tables as the product's do, and are served by the product's dispatcher, factory and transports.

/** One pixel. */
const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==';
/** No sound at all. */
const WAV = 'UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAA=';

const image = { type: 'image', data: PNG, mimeType: 'image/png' };
const text = (said: string): object => ({ type: 'text', text: said });
const resource = (uri: string, mimeType: string, said: string): object => ({
  type: 'resource',
  resource: { uri, mimeType, text: said },
});
const some = (description: string): Property => ({ type: 'string', maxLength: 1_000, description });

type Mrtr = ServerContext['mcpReq'];
const requestOf = (request: unknown): Mrtr => (request as ServerContext).mcpReq;

export const STATES = createRequestStateCodec<{ readonly round: number }>({ key: 'x'.repeat(32) });

function tool(
  name: string,
  content: readonly object[] | ((given: Readonly<Record<string, unknown>>, request: Mrtr) => Promise<object> | object),
  properties: Readonly<Record<string, Property>> = {},
): Tool {
  return {
    name,
    title: name,
    description: `Fixture ${name}.`,
    annotations: LOOKS,
    inputSchema: inputSchema(properties, Object.keys(properties)),
    run: async (given, { request }) =>
      ok({ result: typeof content === 'function' ? await content(given, requestOf(request)) : { content } }),
  };
}

const elicit = (message: string, properties: object): InputRequest =>
  inputRequired.elicit({ message, requestedSchema: { type: 'object', properties, required: [] } as never });
const sample = (said: string): InputRequest =>
  inputRequired.createMessage({ messages: [{ role: 'user', content: { type: 'text', text: said } }], maxTokens: 100 });

/** Asks the client, and then says what it answered. */
function asking(requests: () => Record<string, InputRequest>, from?: (request: Mrtr) => boolean) {
  return async (_given: unknown, request: Mrtr): Promise<object> => {
    const answers = request.inputResponses;
    const complete = Object.keys(requests()).every((key) => answers?.[key] !== undefined);
    if (complete && (from?.(request) ?? true)) return { content: [text(`state-ok ${JSON.stringify(answers)}`)] };
    return inputRequired({ inputRequests: requests() });
  };
}

const nameForm = { name: { type: 'string' } };
const askName = (): Record<string, InputRequest> => ({ user_name: elicit('What is your name?', nameForm) });

/** With a state that the client brings back, sealed. */
async function withState(request: Mrtr, round: number, requests: Record<string, InputRequest>): Promise<object> {
  return inputRequired({ inputRequests: requests, requestState: await STATES.mint({ round }, request as never) });
}

const roundOf = (request: Mrtr): number =>
  Object(request.requestState<{ readonly round: number }>() ?? { round: 0 }).round ?? 0;

const confirm = (): Record<string, InputRequest> => ({ confirm: elicit('Sure?', { ok: { type: 'boolean' } }) });

async function confirmed(_given: unknown, request: Mrtr): Promise<object> {
  if (roundOf(request) === 1 && request.inputResponses?.['confirm'] !== undefined)
    return { content: [text('state-ok: the state is the one that was sent')] };
  return withState(request, 1, confirm());
}

async function logging(_given: unknown, request: Mrtr): Promise<object> {
  for (const said of ['started', 'going on', 'done']) await request.log('info', said);
  return { content: [text('It has been logged.')] };
}

async function progressing(_given: unknown, request: Mrtr): Promise<object> {
  const progressToken = request._meta?.progressToken;
  for (const progress of [0, 50, 100]) {
    if (progressToken !== undefined)
      await request.notify({ method: 'notifications/progress', params: { progressToken, progress, total: 100 } });
    // A client drops what arrives together with the result.
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return { content: [text(String(progressToken))] };
}

const DEFAULTS = {
  name: { type: 'string', default: 'John Doe' },
  age: { type: 'integer', default: 30 },
  score: { type: 'number', default: 95.5 },
  status: { type: 'string', enum: ['active', 'inactive', 'pending'], default: 'active' },
  verified: { type: 'boolean', default: true },
};

const titled = ['value1', 'value2', 'value3'].map((value, i) => ({ const: value, title: `Option ${i}` }));
const ENUMS = {
  untitledSingle: { type: 'string', enum: ['option1', 'option2', 'option3'] },
  titledSingle: { type: 'string', oneOf: titled },
  legacyEnum: { type: 'string', enum: ['opt1', 'opt2', 'opt3'], enumNames: ['One', 'Two', 'Three'] },
  untitledMulti: { type: 'array', items: { type: 'string', enum: ['option1', 'option2', 'option3'] } },
  titledMulti: { type: 'array', items: { anyOf: titled } },
};

const PREFIX = 'test_input_required_result_';

const TOOLS: readonly Tool[] = [
  tool('test_simple_text', [text('This is a simple text response for testing.')]),
  tool('test_image_content', [image]),
  tool('test_audio_content', [{ type: 'audio', data: WAV, mimeType: 'audio/wav' }]),
  tool('test_embedded_resource', [resource('test://embedded-resource', 'text/plain', 'Embedded.')]),
  tool('test_multiple_content_types', [
    text('Multiple content types test:'),
    image,
    resource('test://mixed-content-resource', 'application/json', '{"test":"data","value":123}'),
  ]),
  tool('test_error_handling', () => ({ content: [text('It fails, as it should.')], isError: true })),
  tool('test_tool_with_logging', logging),
  tool('test_logging_tool', logging),
  tool('test_tool_with_progress', progressing),
  tool('test_sampling', ({ prompt }, request) => asking(() => ({ one: sample(String(prompt)) }))({}, request), {
    prompt: some('What to ask.'),
  }),
  tool(
    'test_elicitation',
    ({ message }, request) =>
      asking(() => ({ one: elicit(String(message), { response: { type: 'string' } }) }))({}, request),
    { message: some('What to ask.') },
  ),
  tool(
    'test_elicitation_sep1034_defaults',
    asking(() => ({ one: elicit('Defaults', DEFAULTS) })),
  ),
  tool(
    'test_elicitation_sep1330_enums',
    asking(() => ({ one: elicit('Choices', ENUMS) })),
  ),
  tool(
    'test_missing_capability',
    asking(() => ({ one: sample('Say anything.') })),
  ),
  tool('test_streaming_elicitation', asking(askName)),
  tool(`${PREFIX}elicitation`, asking(askName)),
  tool(
    `${PREFIX}sampling`,
    asking(() => ({ capital: sample('What is the capital of France?') })),
  ),
  tool(
    `${PREFIX}list_roots`,
    asking(() => ({ roots: inputRequired.listRoots() })),
  ),
  tool(`${PREFIX}request_state`, confirmed),
  tool(`${PREFIX}tampered_state`, confirmed),
  tool(`${PREFIX}multiple_inputs`, async (_given, request) => {
    const all = { ...askName(), greeting: sample('Generate a greeting'), roots: inputRequired.listRoots() };
    const complete = Object.keys(all).every((key) => request.inputResponses?.[key] !== undefined);
    return complete ? { content: [text('All are there.')] } : withState(request, 1, all);
  }),
  tool(`${PREFIX}multi_round`, async (_given, request) => {
    const round = roundOf(request);
    if (round === 0) return withState(request, 1, { step1: elicit('Step 1: What is your name?', nameForm) });
    if (round === 1)
      return withState(request, 2, { step2: elicit('Step 2: Which colour?', { color: { type: 'string' } }) });
    return { content: [text('Two rounds are done.')] };
  }),
  tool(`${PREFIX}capabilities`, (_given, request) => {
    const declared = Object(Object(request.envelope)['io.modelcontextprotocol/clientCapabilities'] ?? {});
    const requests = {
      ...('sampling' in declared ? { sample: sample('Say anything.') } : {}),
      ...('elicitation' in declared ? askName() : {}),
    };
    return inputRequired({ inputRequests: requests });
  }),
];

const said = (...content: readonly object[]): { readonly result: object } => ({
  result: { messages: content.map((each) => ({ role: 'user', content: each })) },
});
const argument = (name: string): Prompt['arguments'][number] => ({
  name,
  description: name,
  required: true,
  values: () => ['paris', 'park', 'party'],
});

function prompt(name: string, taken: Prompt['arguments'], say: Prompt['say']): Prompt {
  return { name, title: name, description: `Fixture ${name}.`, arguments: taken, say };
}

const PROMPTS: readonly Prompt[] = [
  prompt('test_simple_prompt', [], () => 'This is a simple prompt for testing.'),
  prompt(
    'test_prompt_with_arguments',
    [argument('arg1'), argument('arg2')],
    ({ arg1, arg2 }) => `Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`,
  ),
  prompt('test_prompt_with_embedded_resource', [argument('resourceUri')], ({ resourceUri = '' }) =>
    said(resource(resourceUri, 'text/plain', 'Embedded.'), text('Process it.')),
  ),
  prompt('test_prompt_with_image', [], () => said(image, text('Look at it.'))),
  prompt(`${PREFIX}prompt`, [], (_given, request) => {
    const { inputResponses } = requestOf(request);
    if (inputResponses?.['context'] !== undefined) return said(text(JSON.stringify(inputResponses['context'])));
    const inputRequests = { context: elicit('Which context?', { context: { type: 'string' } }) };
    return { result: inputRequired({ inputRequests }) };
  }),
];

export const FIXTURE: Offer = {
  name: 'fixture',
  title: 'Fixture',
  version: '1.0.0',
  instructions: 'For the conformance suite.',
  tools: TOOLS,
  prompts: PROMPTS,
  resources: [
    ['static-text', 'text/plain', { text: 'This is the content of the static text resource.' }],
    ['static-binary', 'image/png', { blob: PNG }],
    ['watched-resource', 'text/plain', { text: 'Watched.' }],
  ].map(([name, mimeType, body]) => ({
    uri: `test://${name}`,
    name: String(name),
    title: String(name),
    description: 'Fixture.',
    mimeType: String(mimeType),
    read: () => ({ mimeType: String(mimeType), ...(body as { readonly text: string }) }),
  })),
  templates: [
    {
      uriTemplate: 'test://template/{id}/data',
      name: 'template',
      title: 'Template',
      description: 'Fixture.',
      values: () => ['1', '2'],
      read: (id) => ({ mimeType: 'application/json', text: JSON.stringify({ id, data: `Data for ID: ${id}` }) }),
    },
  ],
  freshFor: 1_000,
  sdk: { capabilities: { logging: {} }, requestState: { verify: STATES.verify } },
};
