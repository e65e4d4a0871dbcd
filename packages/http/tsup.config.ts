import { library } from '../../tsup.library.js';

export default library({
  index: 'src/index.ts',
  node: 'src/node.ts',
  client: 'src/client.ts',
  'schemas/index': 'src/schemas/index.ts',
});
