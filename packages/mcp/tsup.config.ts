import { library } from '../../tsup.library.js';

export default library({
  index: 'src/index.ts',
  node: 'src/node.ts',
  'sdk-v1': 'src/sdk-v1.ts',
  'schemas/index': 'src/schemas/index.ts',
});
