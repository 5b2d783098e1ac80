import { installOfflineService } from '../src/engine/offline-service.ts';

// Imports nothing that other bundles share: a service worker has to be one classic script.
installOfflineService(self as unknown as ServiceWorkerGlobalScope);
