import { library } from '../../tsup.library.js';

export default library({ index: 'src/index.ts', 'native-worker': 'src/native-worker.ts' }, ['koffi']);
