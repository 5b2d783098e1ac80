import { createDataService } from '../src/engine/data-service.ts';
import { serve } from '../src/engine/serve.ts';

serve(createDataService());
