import { createEngineService } from '../src/engine/engine-service.ts';
import { serve } from '../src/engine/serve.ts';

serve(createEngineService());
