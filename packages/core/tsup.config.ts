import { library } from '../../tsup.library';

export default library({ index: 'src/index.ts', 'testing/index': 'src/testing/index.ts' });
