// The thread of the relay's native engine, which starts it by this name beside the file it runs from.
import '@hurricane/relay/native-worker';
