import { downloadService } from '../src/engine/download-service.ts';
import { serve } from '../src/engine/serve.ts';

serve(downloadService);
