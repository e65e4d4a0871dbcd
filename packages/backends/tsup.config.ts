import { library } from '../../tsup.library.js';

export default library({ index: 'src/index.ts', 'testing/index': 'src/testing/index.ts' });
