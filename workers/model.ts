import { createModelService } from '../src/engine/model-service.ts';
import { serve } from '../src/engine/serve.ts';

serve(createModelService());
