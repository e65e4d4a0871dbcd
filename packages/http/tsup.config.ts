import { library } from '../../tsup.library';

export default library({ index: 'src/index.ts', node: 'src/node.ts' });
